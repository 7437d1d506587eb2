/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.c - the section `steps`: what runs where and when.
 */
#include <errno.h>
#include <string.h>

#include "bridge/scenario/internal.h"

static const char *const step_keys[] = {"name", "at", "node", "run", "background", "link", "set", "down", "up", NULL};
static const char *const change_keys[] = {"name", "at", "link", "set", "down", "up", NULL};

/* {at: 2s, link: lan, set: {delay: 50ms}} or {at: 2s, link: lan, down: [h1]} */
static void load_change(struct scn_load *load, const struct scn_value *value, struct scenario_step *step)
{
	const struct scn_value *set = scn_get(value, "set"), *down = scn_get(value, "down"), *up = scn_get(value, "up");
	struct scenario_change change = {.step = (uint32_t)(step - load->scenario->steps)};

	scn_read_map(load, value, change_keys);
	scn_read_unit(load, value, "at", NULL, SCN_TIME, 0, SCN_AT_NS_MAX, &step->at_ns);
	if (!set && !down && !up)
		scn_need(load, value, "set", "{delay: 50ms}, or down: [h1], or up: all");
	if (!scn_find_link(load, scn_get(value, "link"), &change.link, &change.end))
		return;
	step->link = change.link;
	change.at_ns = step->at_ns;
	if (set)
		scn_load_set(load, set, change);
	if (down)
		scn_load_state(load, down, "down", change);
	if (up)
		scn_load_state(load, up, "up", change);
}

static void load_step(struct scn_load *load, const struct scn_value *value, struct scenario_step *step)
{
	const struct scn_value *field;
	const char *text;

	if (scn_get(value, "link")) {
		load_change(load, value, step);
		return;
	}
	scn_read_map(load, value, step_keys);
	field = scn_get(value, "set") ? scn_get(value, "set") : scn_get(value, "down");
	field = field ? field : scn_get(value, "up");
	if (field) {
		scn_error_key(load, field,
			      "stands in a step that changes a link; write link: lan instead of node and run");
		return;
	}
	scn_read_unit(load, value, "at", NULL, SCN_TIME, 0, SCN_AT_NS_MAX, &step->at_ns);
	field = scn_get(value, "node");
	if (field) {
		step->node = scn_find_node(load, field);
		if (step->node != SCENARIO_NONE && !scenario_node_is_real(&load->scenario->nodes[step->node]))
			scn_error(load, field,
				  "node \"%s\" exists inside ns-3 only, nothing runs in it; name a container%s",
				  field->text,
				  scenario_node_is_replay(&load->scenario->nodes[step->node])
					  ? ""
					  : ", or give the node applications");
	} else {
		scn_need(load, value, "node", "h1");
	}
	if (scn_read_text(load, value, "run", "ping -c 1 h2", &text))
		step->run = scn_keep(load, text);
	scn_read_bool(load, value, "background", &step->background);
}

/* Named before anything else of a step is read: an expectation on a step that is wrong is not wrong as well. */
static void name_step(struct scn_load *load, const struct scn_value *value, uint32_t index, struct scenario_step *step)
{
	const struct scn_value *name = scn_get(value, "name"), *twin;
	uint32_t old;
	int err;

	if (name && scn_text(load, name) && scn_name(load, name, false))
		step->name = scn_keep(load, name->text);
	else
		step->name = scn_keepf(load, "step-%u", index + 1);
	if (!step->name)
		return;
	err = scn_index_add(&load->step_index, step->name, strlen(step->name), index, &old);
	if (err == -ENOMEM)
		load->nomem = true;
	if (err == -EEXIST) {
		for (twin = value->parent->first; old > 0; old--)
			twin = twin->next;
		scn_error(load, name ? name : value, "there is a step \"%s\" already (%s); name this one differently",
			  step->name, scn_where(twin).text);
	}
}

void scn_load_steps(struct scn_load *load)
{
	const struct scn_value *steps = scn_get(load->root, "steps"), *value;
	struct scenario *scenario = load->scenario;
	struct scenario_step *step;

	if (!steps)
		return;
	if (!scn_want(load, steps, SCN_LIST)) {
		load->steps_unknown = true;
		return;
	}
	if (!steps->count)
		return;
	scenario->steps = scn_new(load, steps->count, sizeof(*scenario->steps));
	for (value = steps->first; value && !load->nomem; value = value->next) {
		step = &scenario->steps[scenario->step_count];
		step->pos = value->pos;
		step->node = SCENARIO_NONE;
		step->link = SCENARIO_NONE;
		name_step(load, value, (uint32_t)scenario->step_count, step);
		scenario->step_count++;
		if (value->kind == SCN_MAP)
			load_step(load, value, step);
		else
			scn_error(load, value, "is not a step; write {at: 0s, node: h1, run: command}");
	}
}
