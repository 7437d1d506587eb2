/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox.h - the seccomp filter of a process of ours that does one thing: a list of system calls, and death for
 * others.
 *
 * Like diag.h it belongs to no module. Who includes it links libseccomp.
 */
#ifndef GHOSTBRIDGE_SANDBOX_H
#define GHOSTBRIDGE_SANDBOX_H

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

/**
 * sandbox_enter - from now on every system call that is not in a list ends the process
 * @allowed: SCMP_SYS() numbers
 * @count: of them
 *
 * Return: 0 or a negative errno.
 */
static inline int sandbox_enter(const int *allowed, size_t count)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = 0;

	if (!context)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = seccomp_load(context);
	seccomp_release(context);
	return r;
}

#endif /* GHOSTBRIDGE_SANDBOX_H */
