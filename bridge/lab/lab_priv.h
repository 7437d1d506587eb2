/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab_priv.h - what the files of this module share.
 *
 * Inside a lab /run is a private tmpfs: LAB_DIR holds what liblxc and the containers need as files, and goes with the
 * mount namespace. Only the state directory of this experiment shows through from the host's /run.
 */
#ifndef LAB_LAB_PRIV_H
#define LAB_LAB_PRIV_H

#include <sys/resource.h>
#include <sys/types.h>

#include "bridge/lab/cgroup.h"
#include "bridge/lab/lab.h"
#include "bridge/lab/link.h"
#include "bridge/lab/ovs.h"
#include "bridge/lab/state.h"

#define LAB_DIR        "/run/lab"
#define LAB_ROOTFS     LAB_DIR "/rootfs" /* the host's files, read-only, without its /proc /sys /dev /run /tmp */
#define LAB_ROOT_MOUNT LAB_DIR "/mnt"    /* where liblxc puts a root file system together */
#define LAB_ROOTS_DIR  LAB_DIR "/roots"  /* root file systems of the user's own, by node */
#define LAB_LXC_DIR    LAB_DIR "/lxc"
#define LAB_LOG_DIR    LAB_DIR "/log"
#define LAB_HOSTS_DIR  LAB_DIR "/hosts"
#define LAB_SHARE      LAB_DIR "/share"
#define LAB_INIT       LAB_DIR "/init"
#define LAB_TUN        LAB_DIR "/tun" /* /dev/net/tun with a mode that lets a container's user open it */

/* Root of an unprivileged container is this user and group outside: a range far from those of /etc/subuid. */
#define LAB_UID_BASE  0x67630000u
#define LAB_UID_COUNT 65536u

struct lab_node {
	pid_t init;        /* in the lab's PID namespace; 0 before the container runs */
	int pidfd;         /* of init */
	int monitor_pidfd; /* of liblxc's process beside it */
	int netns_fd;
	struct nl_sock *netlink; /* in the container's network namespace */
	int cgroup_procs_fds[CGROUP_CONTROLLER_COUNT];
};

struct lab {
	char name[128];
	char state_dir[STATE_PATH_SIZE];
	int lock_fd; /* held, never used: the lock lives as long as this process */
	int journal_fd;
	int netns_fd; /* the lab's own namespaces, to come back to */
	int pidns_fd;
	struct rlimit files_limit; /* as the daemon found it, for the commands it starts */
	struct cgroup_host cgroups;
	struct nl_sock *netlink; /* in the lab's network namespace */
	const struct scenario *scenario;
	struct lab_node *nodes;  /* one per scenario node, NULL before lab_build() */
	bool offload;            /* TAPs carry a virtio header */
	bool shared;             /* LAB_SHARE is to be seen in containers */
	struct tap *taps;        /* one per scenario end */
	uint8_t *tap_no_carrier; /* likewise: enum lab_carrier bits of what keeps it from having carrier */
	struct lab_cut {
		bool is_cut;      /* no carrier */
		uint64_t dropped; /* frames the kernel had dropped when it was taken away */
		uint64_t excused; /* ... dropped while there was none, all told */
	} * tap_cuts;             /* likewise */
	struct ovs ovs;
};

/**
 * lab_mount() - Show a directory tree at a second place of the lab
 * @flags:	further flags of open_tree(2)
 * @attrs:	MOUNT_ATTR_*
 * @to:	made if it is not there
 *
 * Return: 0 or a negative errno
 */
int lab_mount(const char *from, unsigned int flags, uint64_t attrs, const char *to);

#endif /* LAB_LAB_PRIV_H */
