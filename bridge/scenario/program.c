/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.c - the key `ghost`: the user's own ns-3 program, for the links of kind ghost.
 */
#include <stddef.h>

#include "bridge/scenario/internal.h"

#define ARGS_MAX 64

static void keep_arg(struct scn_load *load, const struct scn_value *value)
{
	struct scenario_program *program = &load->scenario->program;

	/* an argument may be empty, the path may not */
	if (value->kind == SCN_TEXT && value->len == 0 && program->argc > 0)
		program->argv[program->argc++] = scn_keep(load, "");
	else if (scn_text(load, value))
		program->argv[program->argc++] = scn_keep(load, value->text);
}

static void read_program(struct scn_load *load, const struct scn_value *value)
{
	struct scenario_program *program = &load->scenario->program;
	const struct scn_value *child;
	size_t count = value->kind == SCN_LIST ? value->count : 1;

	program->pos = value->pos;
	if (value->kind == SCN_LIST && (count < 1 || count > ARGS_MAX)) {
		scn_error(load, value,
			  "%zu elements; write the program's path and at most %d arguments: "
			  "[./prog, --rate=6]",
			  count, ARGS_MAX - 1);
		return;
	}
	program->argv = scn_new(load, count + 1, sizeof(*program->argv));
	if (!program->argv)
		return;
	if (value->kind != SCN_LIST) {
		keep_arg(load, value);
		return;
	}
	for (child = value->first; child && !load->nomem; child = child->next)
		keep_arg(load, child);
}

void scn_load_program(struct scn_load *load)
{
	const struct scn_value *value = scn_get(load->root, "ghost"), *links = scn_get(load->root, "links");
	const struct scn_value *child = links ? links->first : NULL;
	const struct scenario *scenario = load->scenario;

	if (value)
		read_program(load, value);
	for (size_t i = 0; i < scenario->link_count; i++, child = child->next) {
		if (scenario->links[i].kind != SCENARIO_LINK_GHOST)
			continue;
		if (!value)
			scn_error_key(
				load, child,
				"a link of kind ghost is simulated by a program of yours; name it at the top of the "
				"file: ghost: ./prog");
		return;
	}
	/* a link whose kind could not be read may have been meant */
	if (value && !load->reported)
		scn_error_key(load, value,
			      "no link would use the program; give one kind: ghost, or leave this key out");
}
