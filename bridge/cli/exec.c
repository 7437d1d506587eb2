/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.c - ghostbridge exec: a command in a container, on our own stdin, stdout and stderr.
 */
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

static int exec_main(const struct verb *verb, int argc, char **argv)
{
	const int fds[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	struct options options;
	int status = options_parse(verb, argc, argv, "+", 3, -1, &options);
	char **command;
	json_t *list;
	sigset_t set;
	int fd;

	if (status >= 0)
		return status;
	command = options.args + 2;
	if (strcmp(command[0], "--") == 0)
		command++;
	if (!command[0])
		return cli_error(EXIT_USAGE, "there is no command; usage: ghostbridge exec %s", verb->usage);
	fd = client_connect(options.args[0]);
	if (fd < 0)
		return -fd;
	list = json_array();
	for (; *command; command++) {
		if (json_array_append_new(list, json_string(*command)) < 0)
			return cli_error(EXIT_USAGE, "'%s' is not valid UTF-8", *command);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (client_send(fd,
			json_pack("{s:s,s:s,s:o,s:[],s:b}", "verb", "exec", "node", options.args[1], "argv", list,
				  "env", "terminal", 0),
			fds) < 0)
		return cli_error(EXIT_HOST, "experiment '%s' does not take requests", options.args[0]);
	status = client_follow(fd, signalfd(-1, &set, SFD_CLOEXEC));
	close(fd);
	return status;
}

const struct verb verb_exec = {
	.name = "exec",
	.usage = "NAME NODE [--] COMMAND [ARGUMENT]...",
	.summary = "Run a command in a container",
	.help = "Its exit status is ours; stdin, stdout and stderr are handed over, SIGINT and SIGTERM passed on.\n",
	.main = exec_main,
};
