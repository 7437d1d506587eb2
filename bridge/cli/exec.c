/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.c - ghostbridge exec: a command in a container, on our own stdin, stdout and stderr.
 */
#include <string.h>

#include "bridge/cli/cli.h"

static int exec_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "+", 3, -1, &options);
	char **command;
	json_t *list;

	if (status >= 0)
		return status;
	command = options.args + 2;
	if (strcmp(command[0], "--") == 0)
		command++;
	if (!command[0])
		return cli_error(EXIT_USAGE, "there is no command; usage: ghostbridge exec %s", verb->usage);
	list = json_array();
	for (; *command; command++) {
		if (json_array_append_new(list, json_string(*command)) < 0) {
			json_decref(list);
			return cli_error(EXIT_USAGE, "'%s' is not valid UTF-8", *command);
		}
	}
	return client_exec(options.args[0], options.args[1], list);
}

const struct verb verb_exec = {
	.name = "exec",
	.usage = "NAME NODE [--] COMMAND [ARGUMENT]...",
	.summary = "Run a command in a container",
	.help = "Its exit status is ours; stdin, stdout and stderr are handed over, SIGINT and SIGTERM passed on.\n",
	.main = exec_main,
};
