/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rights.c - see rights.h. Seccomp is not here: each program knows best when it has made its last unusual system call.
 */
#include "bridge/experiment/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int rights_drop(uid_t uid, struct diag *diag)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2];

	/* The bounding set first: it takes CAP_SETPCAP, which is about to go. EINVAL is the end of the kernel's list.
	 */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return diag_set(diag, -errno, "cannot drop capability %d: %s", cap, strerror(errno));
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return diag_set(diag, -errno, "cannot clear ambient capabilities: %s", strerror(errno));
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return diag_set(diag, -errno, "cannot become user %u: %s", uid, strerror(errno));
	memset(none, 0, sizeof(none));
	if (syscall(SYS_capset, &header, none) < 0)
		return diag_set(diag, -errno, "cannot drop capabilities: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return diag_set(diag, -errno, "cannot set no_new_privs: %s", strerror(errno));
	/* Changing user cleared the death signal, so it comes after. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) < 0)
		return diag_set(diag, -errno, "cannot set death signal and timer slack: %s", strerror(errno));
	umask(077);
	return 0;
}
