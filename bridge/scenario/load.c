/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load.c - scenario_load(): the order of things, and the keys at the top of a file.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define LAG_NS_MAX        UINT64_C(10000000000)
#define BUDGET_NS_DEFAULT UINT64_C(1000000)
#define BUDGET_NS_MAX     UINT64_C(10000000000)
#define SCN_WORKERS_MAX   64

/* What scenario_load() hands out points at `scenario`; everything it points to is in the arena. */
struct owner {
	struct scenario scenario;
	struct scn_arena arena;
};

const char *const scn_top_keys[] = {"ghostbridge", "name",  "description", "seed",  "lag",      "fidelity", "workers",
				    "nodes",       "links", "ghost",       "steps", "timeline", "expect",   NULL};
static const char *const fidelity_keys[] = {"budget", "quantile", "require", NULL};

/* Return: false if the file is of another schema, about which nothing else can be said. */
static bool read_schema(struct scn_load *load)
{
	const struct scn_value *value = scn_get(load->root, "ghostbridge");

	if (!value) {
		scn_error_at(load, load->root->pos, "lacks \"ghostbridge\"; begin the file with ghostbridge: %d",
			     SCENARIO_SCHEMA);
		return true;
	}
	if (!scn_text(load, value))
		return true;
	if (strcmp(value->text, "1")) {
		scn_error(load, value, "\"%s\" is not a schema this version knows; write %d",
			  scn_show(value->text).text, SCENARIO_SCHEMA);
		return false;
	}
	return true;
}

static void read_name(struct scn_load *load)
{
	const struct scn_value *value = scn_get(load->root, "name");
	const char *name = load->options->default_name ? load->options->default_name : "scenario";

	if (value) {
		if (!scn_text(load, value) || !scn_name(load, value, false))
			return;
		name = value->text;
	} else if (!scn_is_name(name)) {
		scn_error_at(load, load->root->pos,
			     "lacks \"name\", and the file's own, \"%s\", cannot serve; write name: "
			     "with a-z, 0-9 and \"-\"",
			     scn_show(name).text);
		return;
	}
	load->scenario->name = scn_keep(load, name);
}

static void read_fidelity(struct scn_load *load)
{
	static const char *const require_words[] = {"any", "pass", NULL};
	const struct scn_value *value = scn_get(load->root, "fidelity");
	unsigned int require = 0;

	if (!value || !scn_read_map(load, value, fidelity_keys))
		return;
	scn_read_unit(load, value, "budget", NULL, SCN_TIME, 1, BUDGET_NS_MAX, &load->scenario->budget_ns);
	scn_read_percent(load, value, "quantile", &load->scenario->quantile);
	scn_read_word(load, value, "require", NULL, require_words, &require);
	load->scenario->require_pass = require == 1;
}

static void read_top(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	const char *description;
	uint64_t workers = 0;

	scenario->seed = 1;
	scenario->budget_ns = BUDGET_NS_DEFAULT;
	scenario->quantile = 0.99;
	read_name(load);
	if (scn_read_text(load, load->root, "description", NULL, &description))
		scenario->description = scn_keep(load, description);
	scn_read_count(load, load->root, "seed", NULL, 1, UINT64_MAX, &scenario->seed);
	scn_read_unit(load, load->root, "lag", NULL, SCN_TIME, 0, LAG_NS_MAX, &scenario->lag_ns);
	read_fidelity(load);
	scn_read_count(load, load->root, "workers", NULL, 1, SCN_WORKERS_MAX, &workers);
	scenario->workers = (uint32_t)workers;
}

static void read_tree(struct scn_load *load)
{
	uint32_t workers;

	if (load->root->kind != SCN_MAP) {
		scn_error_at(load, load->root->pos, "a scenario is a map; begin the file with ghostbridge: %d",
			     SCENARIO_SCHEMA);
		return;
	}
	if (!read_schema(load))
		return;
	scn_read_map(load, load->root, scn_top_keys);
	read_top(load);
	if (!load->nomem)
		scn_load_nodes(load);
	if (!load->nomem)
		scn_load_links(load);
	if (!load->nomem)
		scn_complete_switches(load);
	if (!load->nomem)
		scn_load_routes(load);
	if (!load->nomem)
		scn_load_apps(load);
	if (!load->nomem)
		scn_load_replays(load);
	if (!load->nomem)
		scn_load_program(load);
	if (!load->nomem)
		scn_load_steps(load);
	if (!load->nomem)
		scn_load_timeline(load);
	if (!load->nomem)
		scn_sort_changes(load);
	if (!load->nomem)
		scn_load_expects(load);
	if (load->nomem || load->reported)
		return;
	workers = load->scenario->workers ? load->scenario->workers : load->options->workers;
	if (workers < 1)
		workers = 1;
	scn_pack_islands(load, workers > SCN_WORKERS_MAX ? SCN_WORKERS_MAX : workers);
}

static void forget_key(struct scn_value *map, const char *key)
{
	struct scn_value **at = &map->first;

	map->last = NULL;
	while (*at) {
		if (strcmp((*at)->key, key) == 0) {
			*at = (*at)->next;
			map->count--;
			continue;
		}
		map->last = *at;
		at = &(*at)->next;
	}
}

static void forget_steps(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	size_t kept = 0;

	for (size_t i = 0; i < scenario->change_count; i++)
		if (scenario->changes[i].step == SCENARIO_NONE)
			scenario->changes[kept++] = scenario->changes[i];
	scenario->change_count = kept;
	scenario->step_count = 0;
	scenario->expect_count = 0;
	forget_key(load->root, "steps");
	forget_key(load->root, "expect");
}

static void keep_text(struct scn_load *load, const char *data, size_t size)
{
	char *text;

	if (!load->options->set_count && !load->inlined && !load->options->without_steps) {
		load->scenario->text = scn_strndup(load->arena, data, size);
	} else {
		text = scn_emit(load->root, &size);
		if (text && size > SCENARIO_FILE_SIZE_MAX)
			scn_error_at(load, (struct scenario_pos){0}, "with %s it has %zu bytes; at most %u are allowed",
				     load->options->set_count ? "every --set" : "the content of its files", size,
				     SCENARIO_FILE_SIZE_MAX);
		if (text)
			load->scenario->text = scn_strndup(load->arena, text, size);
		free(text);
	}
	if (!load->scenario->text)
		load->nomem = true;
}

int scenario_load(const char *data, size_t size, const struct scenario_options *options, struct scenario **ret,
		  struct scenario_errors *ret_errors)
{
	static const struct scenario_options no_options;
	struct scenario_errors errors = {.count = 0};
	struct scn_load load = {.options = options ? options : &no_options, .errors = &errors};
	struct owner *owner = calloc(1, sizeof(*owner));
	int err = 0;

	ret_errors->count = 0;
	if (!owner)
		return -ENOMEM;
	load.scenario = &owner->scenario;
	load.arena = &owner->arena;
	scn_index_init(&load.node_index, &load.tree);
	scn_index_init(&load.link_index, &load.tree);
	scn_index_init(&load.step_index, &load.tree);

	if (size > SCENARIO_FILE_SIZE_MAX) {
		scn_error_at(&load, (struct scenario_pos){1, 1}, "the file is too long; at most %u bytes are allowed",
			     SCENARIO_FILE_SIZE_MAX);
		goto out;
	}
	load.root = scn_parse(&load, data, size);
	if (!load.root)
		goto out;
	if (load.root->kind == SCN_MAP)
		scn_apply_sets(&load);
	if (load.nomem || load.reported)
		goto out;
	read_tree(&load);
	if (load.options->without_steps && !load.nomem && !load.reported)
		forget_steps(&load);
	if (!load.nomem && !load.reported)
		keep_text(&load, data, size);
out:
	scn_arena_done(&load.tree);
	if (load.nomem)
		err = -ENOMEM;
	else if (load.reported)
		err = -EINVAL;
	if (err) {
		scenario_free(&owner->scenario);
		if (err == -EINVAL)
			*ret_errors = errors;
		else
			scenario_errors_done(&errors);
		return err;
	}
	*ret = &owner->scenario;
	return 0;
}

void scenario_free(struct scenario *scenario)
{
	struct owner *owner;

	if (!scenario)
		return;
	owner = (struct owner *)((char *)scenario - offsetof(struct owner, scenario));
	scn_arena_done(&owner->arena);
	free(owner);
}

void scenario_errors_done(struct scenario_errors *errors)
{
	while (errors->count > 0)
		free(errors->items[--errors->count].text);
}
