/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs.c - ghostbridge ovs: the tools of Open vSwitch, at the Open vSwitch of an experiment.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

static int ovs_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "+", 2, -1, &options);
	char **command;
	json_t *list;

	if (status >= 0)
		return status;
	command = options.args + 1;
	if (strcmp(command[0], "--") == 0)
		command++;
	if (!command[0])
		return cli_error(EXIT_USAGE, "there is no command; usage: ghostbridge ovs %s", verb->usage);
	if (strncmp(command[0], "ovs", 3) != 0 || strchr(command[0], '/'))
		return cli_error(EXIT_USAGE,
				 "'%s' is no tool of Open vSwitch; write ovs-vsctl, ovs-ofctl, ovs-appctl ...",
				 command[0]);
	list = json_array();
	for (; *command; command++) {
		if (json_array_append_new(list, json_string(*command)) < 0) {
			json_decref(list);
			return cli_error(EXIT_USAGE, "'%s' is not valid UTF-8", *command);
		}
	}
	return client_exec(options.args[0], NULL, list);
}

const struct verb verb_ovs = {
	.name = "ovs",
	.usage = "NAME [--] TOOL [ARGUMENT]...",
	.summary = "Run ovs-vsctl, ovs-ofctl, ... at an experiment's switches",
	.help = "Its exit status is ours; stdin, stdout and stderr are handed over, SIGINT and SIGTERM passed on. The "
		"tool\n"
		"can read files, but write none.\n",
	.main = ovs_main,
};
