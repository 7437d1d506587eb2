/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup.h - CPU and memory limits of containers, on cgroup v1 and v2.
 *
 * liblxc is kept away from cgroups (it sees none inside a lab): its own layout takes a dozen directories per container
 * and starts from the daemon's cgroup, which on v2 cannot pass controllers on. A node that has a limit gets one
 * directory HIERARCHY/ghostbridge/LAB/NODE per controller; a node without limits gets none.
 */
#ifndef LAB_CGROUP_H
#define LAB_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_MEMORY,
	CGROUP_CONTROLLER_COUNT,
};

/* Where one controller lives on this host. */
struct cgroup_hierarchy {
	int root_fd;     /* its mount point; stays valid when a fresh sysfs hides the path. -1: not there */
	bool unified;    /* cgroup v2 */
	bool prepared;   /* ghostbridge/LAB exists */
	char mount[128]; /* path as the host sees it */
};

struct cgroup_host {
	struct cgroup_hierarchy hierarchies[CGROUP_CONTROLLER_COUNT];
};

/** cgroup_probe() - Find the hierarchies; call before /sys is covered. What is missing is not an error. */
void cgroup_probe(struct cgroup_host *ret_host);

/** cgroup_close() - Close the fds of cgroup_probe(). */
void cgroup_close(struct cgroup_host *host);

/**
 * cgroup_limit_node() - Create the cgroups of a node, with its limits, and put its init into them
 * @journal_fd:	where the directories are noted first
 * @cpus:	CPU seconds per second, 0 for no limit
 * @memory_size: bytes, 0 for no limit
 * @init:	PID of the container's init
 * @ret_procs_fds: one `cgroup.procs` per controller, -1 where the node has no limit; the caller closes them
 *
 * Return: 0 or a negative errno with @diag
 */
int cgroup_limit_node(struct cgroup_host *host, int journal_fd, const char *lab, const char *node, double cpus,
		      uint64_t memory_size, pid_t init, int ret_procs_fds[CGROUP_CONTROLLER_COUNT], struct diag *diag);

/** cgroup_remove_lab() - Remove ghostbridge/@lab from every hierarchy; its processes are dead or dying. */
int cgroup_remove_lab(struct cgroup_host *host, const char *lab);

/**
 * cgroup_remove() - Remove the cgroup at @path with all below it, and its parent when that is empty then
 *
 * Waits (bounded) for processes that are being killed.
 * Return: 1, 0 if there was none, or a negative errno
 */
int cgroup_remove(const char *path);

#endif /* LAB_CGROUP_H */
