/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * init.c - PID 1 of every container: waits for orphans and does nothing else.
 *
 * Linked statically and carried inside the daemon (init_blob.S), so that it runs whatever the container's root file
 * system holds.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t mask;
	int sig;

	/* As PID 1 every signal that is not caught is ignored anyway, but for SIGCHLD, which is waited for. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sigwait(&mask, &sig);
	}
}
