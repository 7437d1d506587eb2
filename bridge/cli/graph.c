/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * graph.c - ghostbridge graph: a picture of a scenario.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/dot.h"

#define EXIT_NO_COMMAND 127

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The graph in a memfd, from its start. Return: fd or a negative errno. */
static int make_dot(const struct scenario *scenario)
{
	int fd = memfd_create("ghostbridge-graph", MFD_CLOEXEC), copy, r;
	FILE *stream;

	if (fd < 0)
		return -errno;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	stream = copy >= 0 ? fdopen(copy, "w") : NULL;
	if (!stream) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		close(fd);
		return r;
	}
	r = dot_write(scenario, stream);
	if (fclose(stream) != 0 && r == 0)
		r = -EIO;
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int copy_all(int from_fd, int to_fd)
{
	char buffer[65536];
	ssize_t n, m;

	while ((n = read(from_fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (ssize_t done = 0; done < n; done += m) {
			m = write(to_fd, buffer + done, (size_t)(n - done));
			if (m < 0 && errno == EINTR)
				m = 0;
			else if (m < 0)
				return -errno;
		}
	}
	return 0;
}

/* Let Graphviz lay it out. Return: exit status, said why when it is not 0. */
static int run_dot(int dot_fd, int to_fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (dup2(dot_fd, STDIN_FILENO) < 0 || dup2(to_fd, STDOUT_FILENO) < 0)
			_exit(EXIT_HOST);
		execlp("dot", "dot", "-Tsvg", (char *)NULL);
		_exit(errno == ENOENT ? EXIT_NO_COMMAND : EXIT_HOST);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			pid = -1;
	}
	if (pid < 0)
		return cli_error(EXIT_HOST, "graph: cannot start dot: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_COMMAND)
		return cli_error(EXIT_HOST, "graph: Graphviz is not installed: try `apt-get install graphviz`, or take "
					    "--format dot");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cli_error(EXIT_HOST, "graph: dot could not draw it");
	return EXIT_DONE;
}

static int graph_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "oOsf", 1, 1, &options), dot_fd, to_fd = STDOUT_FILENO, r;
	struct scenario *scenario;
	bool svg = true;

	if (status >= 0)
		return status;
	if (options.out && (ends_with(options.out, ".dot") || ends_with(options.out, ".gv")))
		svg = false;
	if (options.format && strcmp(options.format, "svg") != 0 && strcmp(options.format, "dot") != 0)
		return cli_error(EXIT_USAGE, "graph: '%s' is not a format; write --format svg or --format dot",
				 options.format);
	if (options.format)
		svg = strcmp(options.format, "svg") == 0;
	status = load_scenario(options.args[0], &options, load_workers(), false, &scenario);
	if (status != 0)
		return status;
	dot_fd = make_dot(scenario);
	scenario_free(scenario);
	if (dot_fd < 0)
		return cli_error(EXIT_HOST, "graph: %s", strerror(-dot_fd));
	if (options.out)
		to_fd = open(options.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (to_fd < 0) {
		status = cli_error(EXIT_HOST, "graph: cannot write %s: %s", options.out, strerror(errno));
	} else if (svg) {
		status = run_dot(dot_fd, to_fd);
	} else {
		r = copy_all(dot_fd, to_fd);
		status = r < 0 ? cli_error(EXIT_HOST, "graph: cannot write it: %s", strerror(-r)) : EXIT_DONE;
	}
	if (options.out && to_fd >= 0)
		close(to_fd);
	close(dot_fd);
	return status;
}

const struct verb verb_graph = {
	.name = "graph",
	.usage = "FILE [--format svg|dot] [-o FILE] [--set PATH=VALUE]...",
	.summary = "Draw the nodes and links of a scenario",
	.help = "  --format svg|dot  a picture (needs Graphviz), or its description for Graphviz; default svg,\n"
		"                    or what the name of the output file says\n"
		"  -o, --out FILE    write there instead of to stdout\n"
		"  --set PATH=VALUE  change the scenario first\n\n"
		"What ns-3 simulates together, an island, is shaded.\n",
	.main = graph_main,
};
