/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spawn.c - see spawn.h.
 */
#include "bridge/lab/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"

#define EXIT_NOT_EXECUTABLE 126 /* as the shell says it */
#define EXIT_NOT_FOUND      127

int spawn_attach(const struct lab_exec *exec, uid_t uid)
{
	struct statfs fs;
	struct stat info;
	int copies[3];

	/* Out of the way first: stdio may be any of 0, 1, 2 in any order. */
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(exec->stdio[i], F_DUPFD_CLOEXEC, 10);
		if (copies[i] < 0)
			return -errno;
		/* So that /dev/stdout can be opened again: an anonymous pipe belongs to who made it, our root. */
		if (uid && !fstatfs(copies[i], &fs) && fs.f_type == PIPEFS_MAGIC && !fstat(copies[i], &info) &&
		    !info.st_uid)
			(void)!fchown(copies[i], uid, uid);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(copies[i], i) < 0)
			return -errno;
	if (exec->terminal ? setsid() < 0 || ioctl(0, TIOCSCTTY, 0) : setpgid(0, 0))
		return -errno;
	return 0;
}

int spawn_clean(const struct lab *lab)
{
	const unsigned long default_action[4] = {0}; /* struct kernel_sigaction: SIG_DFL, no flags, empty mask */
	sigset_t none;

	if (lab->files_limit.rlim_max && setrlimit(RLIMIT_NOFILE, &lab->files_limit))
		return -errno;
	/* What our caller ignores would stay ignored. By system call: the C library keeps 32 and 33 to itself. */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, (size_t)NSIG / 8);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		return -errno;
	/* Nothing but stdio may follow the command, whoever opened it and forgot O_CLOEXEC. */
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
		return -errno;
	return 0;
}

int spawn_putenv(const char *const *env)
{
	for (; env && *env; env++)
		if (strchr(*env, '=') && putenv((char *)*env))
			return -ENOMEM;
	return 0;
}

int spawn(const char *const *argv, int (*enter)(const void *context), const void *context, pid_t *ret_pid)
{
	int status_pipe[2], child_err, err = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(status_pipe, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		/* The pipe must survive what happens to 0, 1 and 2. */
		int status_fd = fcntl(status_pipe[1], F_DUPFD_CLOEXEC, 10);

		err = status_fd < 0 ? -errno : enter(context);
		if (err) {
			(void)!write(status_fd < 0 ? status_pipe[1] : status_fd, &err, sizeof(err));
			_exit(EXIT_NOT_EXECUTABLE);
		}
		execvp(argv[0], (char *const *)argv);
		err = errno;
		dprintf(2, "%s: %s\n", argv[0], err == ENOENT ? "command not found" : strerror(err));
		_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
	}
	if (pid < 0)
		err = -errno;
	close(status_pipe[1]);
	if (!err) {
		/* End of file comes with the exec, so the process group exists when we return. */
		do
			got = read(status_pipe[0], &child_err, sizeof(child_err));
		while (got < 0 && errno == EINTR);
		if (got == sizeof(child_err)) {
			err = child_err;
			waitpid(pid, NULL, 0);
		}
	}
	close(status_pipe[0]);
	if (!err)
		*ret_pid = pid;
	return err;
}
