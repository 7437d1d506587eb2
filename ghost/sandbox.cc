/* SPDX-License-Identifier: GPL-2.0-only */
#include "sandbox.h"

#include <cerrno>
#include <seccomp.h>

int
SandboxEnter()
{
    static const int allowed[] = {
        // the wire and its control socket
        SCMP_SYS(read),
        SCMP_SYS(write),
        SCMP_SYS(writev),
        SCMP_SYS(ppoll),
        SCMP_SYS(poll),
        SCMP_SYS(recvmsg),
        SCMP_SYS(sendmsg),
        SCMP_SYS(close),
        // memory
        SCMP_SYS(brk),
        SCMP_SYS(mmap),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(futex),
        // time, where the vDSO has none
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(gettimeofday),
        // stdio, and leaving in order or in a hurry
        SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),
        SCMP_SYS(lseek),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(tgkill),
        SCMP_SYS(getrandom),
        SCMP_SYS(sched_yield),
    };
    static const int refused[] = {
        SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(ioctl)};

    scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!context)
    {
        return -ENOMEM;
    }
    int r = 0;
    for (int call : allowed)
    {
        r = r ? r : seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0);
    }
    for (int call : refused)
    {
        r = r ? r : seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), call, 0);
    }
    r = r ? r : seccomp_load(context);
    seccomp_release(context);
    return r;
}
