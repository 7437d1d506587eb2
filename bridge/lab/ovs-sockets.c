/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-sockets.c - room for frames before ovs-vswitchd, see ovs.h.
 *
 * Its own datapath reads a port through a packet socket, with the receive buffer that the host's sockets have by
 * default: 90 frames of full size. That overflows whenever its one thread does not run for a few milliseconds. Neither
 * Open vSwitch nor a network namespace has a setting for it, so the sockets are borrowed (pidfd_getfd(2), Linux 5.6).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"

/* The kernel doubles it and counts a full frame as 2304 bytes: 900 of them, about what a TAP holds before it. */
#define RECEIVE_BUFFER (1 << 20)

static void widen(int pidfd, int number)
{
	int fd = pidfd_getfd(pidfd, number, 0), domain = 0, size = RECEIVE_BUFFER;
	socklen_t len = sizeof(domain);

	if (fd < 0)
		return;
	if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_PACKET)
		(void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	close(fd);
}

int ovs_widen_sockets(const struct lab *lab)
{
	const struct ovs *ovs = &lab->ovs;
	struct dirent *entry;
	struct stat info;
	char path[64];
	pid_t pid = 0;
	DIR *dir;
	int pidfd;

	for (size_t i = 0; i < ovs->process_count; i++)
		if (ovs->processes[i].role == OVS_ROLE_VSWITCHD)
			pid = ovs->processes[i].pid;
	if (ovs->in_kernel || pid <= 0)
		return 0;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir) {
		close(pidfd);
		return -ENOENT;
	}
	while ((entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &info, 0) && S_ISSOCK(info.st_mode))
			widen(pidfd, atoi(entry->d_name));
	closedir(dir);
	close(pidfd);
	return 0;
}
