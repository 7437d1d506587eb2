/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - the table of verbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

static const struct verb *const verbs[] = {
	&verb_run, &verb_up,       &verb_down,  &verb_ls,     &verb_status, &verb_exec, &verb_shell,   &verb_set,
	&verb_ovs, &verb_validate, &verb_graph, &verb_doctor, &verb_replay, &verb_diff, &verb_capture,
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

int cli_error(int exit_status, const char *fmt, ...)
{
	va_list args;

	fputs("ghostbridge: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return exit_status;
}

void cli_help(const struct verb *verb, FILE *stream)
{
	fprintf(stream, "usage: ghostbridge %s %s\n\n%s.\n\n%s", verb->name, verb->usage, verb->summary, verb->help);
}

static void usage(FILE *stream)
{
	fputs("usage: ghostbridge VERB [OPTION...] ...\n\n"
	      "Real applications in containers over networks simulated by ns-3.\n\n",
	      stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  %-9s  %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n`ghostbridge help VERB` says more. Exit status: 0 done and all expectations hold, 1 a step or an\n"
	      "expectation failed, 2 wrong usage or scenario, 3 the host cannot do it, 4 fidelity failed, 130 "
	      "interrupted.\n",
	      stream);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	}
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *names[VERB_COUNT + 2], *near;

	for (size_t i = 0; i < VERB_COUNT; i++)
		names[i] = verbs[i]->name;
	names[VERB_COUNT] = "help";
	names[VERB_COUNT + 1] = NULL;
	near = cli_suggest(name, names);
	if (near)
		return cli_error(EXIT_USAGE, "there is no verb '%s'; did you mean '%s'?", name, near);
	return cli_error(EXIT_USAGE, "there is no verb '%s'; `ghostbridge --help` lists them", name);
}

/* Whoever left one of 0 to 2 closed would have the next file that is opened there. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Results that did not arrive are no results; but who closed the pipe has seen enough. */
static int flushed(int status)
{
	if (fflush(stdout) != 0 && errno != EPIPE && status == EXIT_DONE)
		return cli_error(EXIT_HOST, "cannot write to standard output: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ghostbridge " GB_VERSION);
		return flushed(EXIT_DONE);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2)) {
		usage(stdout);
		return flushed(EXIT_DONE);
	}
	if (strcmp(argv[1], "help") == 0) {
		if (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "help") == 0) {
			usage(stdout);
			return flushed(EXIT_DONE);
		}
		verb = find_verb(argv[2]);
		if (!verb)
			return unknown_verb(argv[2]);
		cli_help(verb, stdout);
		return flushed(EXIT_DONE);
	}
	if (argv[1][0] == '-' && cli_suggest(argv[1], (const char *const[]){"--help", "--version", NULL}))
		return cli_error(EXIT_USAGE, "unknown option '%s'; did you mean '%s'?", argv[1],
				 cli_suggest(argv[1], (const char *const[]){"--help", "--version", NULL}));
	if (argv[1][0] == '-')
		return cli_error(EXIT_USAGE, "unknown option '%s'; `ghostbridge --help` says what there is", argv[1]);
	verb = find_verb(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	open_standard_fds();
	return flushed(verb->main(verb, argc - 1, argv + 1));
}
