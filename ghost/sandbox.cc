/* SPDX-License-Identifier: GPL-2.0-only */
#include "sandbox.h"

#include <cerrno>
#include <cstdint>
#include <link.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

namespace
{

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

int
Populate(struct dl_phdr_info* info, size_t, void*)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
    {
        const ElfW(Phdr)& header = info->dlpi_phdr[i];
        if (header.p_type == PT_LOAD)
        {
            uintptr_t start = (info->dlpi_addr + header.p_vaddr) & ~static_cast<uintptr_t>(4095);
            uintptr_t end = info->dlpi_addr + header.p_vaddr + header.p_memsz;
            madvise(reinterpret_cast<void*>(start), end - start, MADV_POPULATE_READ);
        }
    }
    return 0;
}

} // namespace

void
PopulateMemory()
{
    dl_iterate_phdr(Populate, nullptr);
}

int
SandboxEnter(SandboxKind kind)
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
    // Files, and the threads of a program that has some.
    static const int program[] = {
        SCMP_SYS(open),         SCMP_SYS(openat),
        SCMP_SYS(creat),        SCMP_SYS(access),
        SCMP_SYS(faccessat),    SCMP_SYS(faccessat2),
        SCMP_SYS(stat),         SCMP_SYS(lstat),
        SCMP_SYS(statx),        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),   SCMP_SYS(getdents64),
        SCMP_SYS(getcwd),       SCMP_SYS(mkdir),
        SCMP_SYS(mkdirat),      SCMP_SYS(rmdir),
        SCMP_SYS(unlink),       SCMP_SYS(unlinkat),
        SCMP_SYS(rename),       SCMP_SYS(renameat),
        SCMP_SYS(renameat2),    SCMP_SYS(pread64),
        SCMP_SYS(pwrite64),     SCMP_SYS(readv),
        SCMP_SYS(ftruncate),    SCMP_SYS(fsync),
        SCMP_SYS(fdatasync),    SCMP_SYS(fcntl),
        SCMP_SYS(dup),          SCMP_SYS(dup2),
        SCMP_SYS(dup3),         SCMP_SYS(ioctl),
        SCMP_SYS(mprotect),     SCMP_SYS(nanosleep),
        SCMP_SYS(clock_getres), SCMP_SYS(getrusage),
        SCMP_SYS(times),        SCMP_SYS(time),
        SCMP_SYS(sysinfo),      SCMP_SYS(uname),
        SCMP_SYS(getuid),       SCMP_SYS(geteuid),
        SCMP_SYS(getgid),       SCMP_SYS(getegid),
        SCMP_SYS(sigaltstack),  SCMP_SYS(set_robust_list),
        SCMP_SYS(rseq),         SCMP_SYS(sched_getaffinity),
        SCMP_SYS(select),       SCMP_SYS(pselect6),
        SCMP_SYS(prlimit64),
    };

    scmp_filter_ctx context =
        seccomp_init(kind == SANDBOX_PROGRAM ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    if (!context)
    {
        return -ENOMEM;
    }
    int r = 0;
    for (int call : allowed)
    {
        r = r ? r : seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0);
    }
    if (kind == SANDBOX_PROGRAM)
    {
        for (int call : program)
        {
            r = r ? r : seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0);
        }
        // A thread shares everything; clone3's arguments cannot be seen by a filter, and C
        // libraries fall back to clone when it does not exist.
        r = r ? r
              : seccomp_rule_add(context,
                                 SCMP_ACT_ALLOW,
                                 SCMP_SYS(clone),
                                 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
        r = r ? r : seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    else
    {
        for (int call : refused)
        {
            r = r ? r : seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), call, 0);
        }
    }
    r = r ? r : seccomp_load(context);
    seccomp_release(context);
    return r;
}
