/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.c - see check.h.
 */
#include "bridge/capture/check.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
	int r;
	struct feed_summary summary;
	struct diag diag;
};

static int enter_sandbox(void)
{
	static const int allowed[] = {
		SCMP_SYS(read),         SCMP_SYS(write),     SCMP_SYS(lseek), SCMP_SYS(fstat),
		SCMP_SYS(newfstatat),   SCMP_SYS(brk),       SCMP_SYS(mmap),  SCMP_SYS(munmap),
		SCMP_SYS(mremap),       SCMP_SYS(madvise),   SCMP_SYS(futex), SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(getrandom),
	};
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = context ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = seccomp_load(context);
	seccomp_release(context);
	return r;
}

/* Two passes at most: the second says whether there is a distance between them. */
static int read_all(struct feed *feed, struct feed_summary *ret, struct diag *diag)
{
	struct feed_frame frame;
	uint64_t frames = 0;
	int r;

	while ((r = feed_next(feed, &frame, diag)) == 1) {
		struct feed_summary summary = feed_seen(feed);

		if (summary.frames < frames)
			return 0;
		frames = summary.frames;
		*ret = summary;
	}
	/* frames behind the last that passed count for the duration */
	if (r == 0)
		*ret = feed_seen(feed);
	return r;
}

__attribute__((noreturn)) static void check(int fd, int out, const struct feed_terms *terms,
					    int (*drop_rights)(struct diag *diag))
{
	struct answer answer = {.r = 0};
	struct feed *feed = NULL;
	struct rlimit no_core = {0, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	answer.r = feed_open(fd, terms, &feed, &answer.diag);
	if (answer.r == 0 && drop_rights)
		answer.r = drop_rights(&answer.diag);
	if (answer.r == 0) {
		answer.r = enter_sandbox();
		if (answer.r < 0)
			diag_set(&answer.diag, answer.r, "cannot install the seccomp filter: %s", strerror(-answer.r));
	}
	if (answer.r == 0)
		answer.r = read_all(feed, &answer.summary, &answer.diag);
	if (write(out, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		_exit(1);
	_exit(0);
}

int capture_check(int fd, const struct feed_terms *terms, int (*drop_rights)(struct diag *diag),
		  struct feed_summary *ret, struct diag *diag)
{
	struct answer answer;
	int pair[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(pair) < 0)
		return diag_set(diag, -errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		check(fd, pair[1], terms, drop_rights);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return diag_set(diag, -errno, "cannot start a process: %s", strerror(errno));
	}
	/* A pipe takes an answer whole: it is shorter than PIPE_BUF. */
	do
		n = read(pair[0], &answer, sizeof(answer));
	while (n < 0 && errno == EINTR);
	close(pair[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(answer))
		return diag_set(diag, -EINVAL,
				"the process that read it was ended by signal %d: the file, or libpcap, is not what it "
				"should be",
				WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	answer.diag.text[sizeof(answer.diag.text) - 1] = '\0';
	if (answer.r < 0)
		return diag_set(diag, answer.r, "%s", answer.diag.text);
	*ret = answer.summary;
	return 0;
}
