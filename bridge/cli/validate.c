/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * validate.c - ghostbridge validate: check scenario files without running anything.
 */
#include <stdio.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/experiment.h"

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static int validate_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "s", 1, -1, &options);

	if (status >= 0)
		return status;
	status = EXIT_DONE;
	for (int i = 0; i < options.arg_count; i++) {
		struct scenario *scenario = NULL;
		struct diag diag = {""};
		int program_fd, *capture_fds = NULL;
		int r = load_scenario(options.args[i], &options, load_workers(), false, &scenario);

		if (r) {
			status = r;
			continue;
		}
		r = experiment_find_program(scenario, options.args[i], &program_fd, &diag);
		if (program_fd >= 0)
			close(program_fd);
		if (r == 0)
			r = experiment_open_captures(scenario, options.args[i], &capture_fds, &diag);
		experiment_close_captures(scenario, capture_fds);
		if (r < 0) {
			fprintf(stderr, "%s\n", diag.text);
			scenario_free(scenario);
			status = EXIT_USAGE;
			continue;
		}
		load_warn(options.args[i], scenario);
		printf("%s: ok: %zu node%s, %zu link%s, %zu step%s, %zu expectation%s\n", options.args[i],
		       scenario->node_count, plural(scenario->node_count), scenario->link_count,
		       plural(scenario->link_count), scenario->step_count, plural(scenario->step_count),
		       scenario->expect_count, plural(scenario->expect_count));
		scenario_free(scenario);
	}
	return status;
}

const struct verb verb_validate = {
	.name = "validate",
	.usage = "[--set PATH=VALUE]... FILE...",
	.summary = "Check scenario files without running them",
	.help = "  --set PATH=VALUE  change a value first, as run does\n\n"
		"What is wrong is shown as FILE:LINE:COLUMN: what it is, and what would be right. Exit status 2 if "
		"there\n"
		"is anything. Warnings look alike, FILE:LINE:COLUMN: warning: ..., and leave the exit status.\n",
	.main = validate_main,
};
