/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dot-svg.c - a scenario as an SVG picture: Graphviz lays it out, as nobody and within a limit, or there is none.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/experiment/dot.h"
#include "bridge/experiment/rights.h"

#define NODES_MAX    120 /* beyond that the layout takes long, and nobody can read it */
#define LIMIT_MS     3000
#define SIZE_MAX_SVG (8 << 20)

__attribute__((noreturn)) static void run_dot(int in, int out)
{
	int null_fd = open("/dev/null", O_WRONLY);
	struct diag diag = {""};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0)
		_exit(127);
	/* When a replay or a test calls us as somebody else there is nothing to drop. */
	if (geteuid() == 0 && rights_drop(RIGHTS_RECORDER_UID, &diag) < 0)
		_exit(127);
	execlp("dot", "dot", "-Tsvg", (char *)NULL);
	_exit(127);
}

/* Return: whether it ended well in time. */
static bool wait_for(pid_t pid)
{
	struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int status = 1;

	if (fd.fd < 0 || poll(&fd, 1, LIMIT_MS) != 1)
		kill(pid, SIGKILL);
	if (fd.fd >= 0)
		close(fd.fd);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *dot_svg(const struct scenario *scenario)
{
	int in = memfd_create("ghostbridge-graph", MFD_CLOEXEC), out = memfd_create("ghostbridge-svg", MFD_CLOEXEC);
	char *text = NULL, *svg = NULL, *begin;
	size_t size = 0;
	ssize_t n;
	FILE *stream;
	pid_t pid;

	if (in < 0 || out < 0 || scenario->node_count > NODES_MAX)
		goto done;
	stream = open_memstream(&text, &size);
	if (!stream)
		goto done;
	if (dot_write(scenario, stream) < 0) {
		fclose(stream);
		goto done;
	}
	if (fclose(stream) != 0 || write(in, text, size) != (ssize_t)size || lseek(in, 0, SEEK_SET) < 0)
		goto done;
	pid = fork();
	if (pid == 0)
		run_dot(in, out);
	if (pid < 0 || !wait_for(pid))
		goto done;
	svg = calloc(1, SIZE_MAX_SVG + 1);
	n = svg ? pread(out, svg, SIZE_MAX_SVG, 0) : -1;
	/* Without the prologue, which has no place within a page. */
	begin = n > 0 ? strstr(svg, "<svg") : NULL;
	if (begin) {
		memmove(svg, begin, strlen(begin) + 1);
	} else {
		free(svg);
		svg = NULL;
	}
done:
	free(text);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return svg;
}
