/* SPDX-License-Identifier: GPL-2.0-only */
/* sandbox.c - the shuttle's seccomp filter: what its loop needs, and nothing to open, start or connect anything. */
#include "bridge/sandbox.h"
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

	return sandbox_enter(allowed, sizeof(allowed) / sizeof(*allowed));
}
