/* SPDX-License-Identifier: GPL-2.0-only */
/* sandbox.c - the shuttle's seccomp filter: what its loop needs, and nothing to open, start or connect anything. */
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

#include "bridge/shuttle/shuttle.h"

int shuttle_sandbox(void)
{
	static const int allowed[] = {
		SCMP_SYS(read),
		SCMP_SYS(write),
		SCMP_SYS(readv),
		SCMP_SYS(writev),
		SCMP_SYS(epoll_ctl),
		SCMP_SYS(epoll_pwait2),
		SCMP_SYS(recvmsg),
		SCMP_SYS(sendmsg),
		SCMP_SYS(close),
		SCMP_SYS(munmap),
		SCMP_SYS(brk),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(restart_syscall),
		SCMP_SYS(getpid),
		SCMP_SYS(gettid),
		SCMP_SYS(tgkill),
		SCMP_SYS(newfstatat),
		SCMP_SYS(clock_nanosleep),
	};
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = 0;

	if (!context)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = seccomp_load(context);
	seccomp_release(context);
	return r;
}
