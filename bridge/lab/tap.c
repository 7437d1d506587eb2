/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.c - see tap.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/lab/lab.h"
#include "bridge/lab/tap-arrivals.h"
#include "bridge/lab/tap.h"

/* Linux 6.2; Debian 12's headers are older than the kernels it runs. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define LINK_MODE_WORDS_MAX 127 /* of 32 bit, in each of three masks; more than a kernel can name in an s8 */

/*
 * A TAP says 10 Mb/s, full duplex, and routing daemons believe it: OSPF makes a cost of 10000 of that. The kernel tells
 * how long its masks are when asked with length 0.
 */
static int set_speed(const char *name, uint64_t rate_bps, bool full_duplex)
{
	union {
		struct ethtool_link_settings head;
		uint32_t room[sizeof(struct ethtool_link_settings) / 4 + 3 * LINK_MODE_WORDS_MAX];
	} settings = {.head.cmd = ETHTOOL_GLINKSETTINGS};
	uint64_t speed = (rate_bps + 500000) / 1000000;
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq request = {.ifr_data = (char *)&settings};

	if (sock < 0)
		return -errno;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(sock, SIOCETHTOOL, &request))
		goto failed;
	settings.head.cmd = ETHTOOL_GLINKSETTINGS;
	settings.head.link_mode_masks_nwords = (int8_t)-settings.head.link_mode_masks_nwords;
	if (settings.head.link_mode_masks_nwords <= 0) {
		errno = EOPNOTSUPP;
		goto failed;
	}
	if (ioctl(sock, SIOCETHTOOL, &request))
		goto failed;
	settings.head.cmd = ETHTOOL_SLINKSETTINGS;
	settings.head.speed = speed < 1 ? 1 : speed > INT32_MAX ? INT32_MAX : (uint32_t)speed;
	settings.head.duplex = full_duplex ? DUPLEX_FULL : DUPLEX_HALF;
	settings.head.autoneg = AUTONEG_DISABLE;
	if (ioctl(sock, SIOCETHTOOL, &request))
		goto failed;
	goto out;
failed:
	err = -errno;
out:
	close(sock);
	return err;
}

/* Whatever the kernel can leave to us. Return: enum lab_offload bits. */
static uint32_t set_offload(int fd)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	if (ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0)
		return LAB_OFFLOAD_VNET | LAB_OFFLOAD_USO;
	/* If even this fails frames still come with a header, just never partial. */
	ioctl(fd, TUNSETOFFLOAD, tcp);
	return LAB_OFFLOAD_VNET;
}

static int open_here(const char *name, const struct tap_options *options, struct tap *ret, struct diag *diag)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), err;

	if (fd < 0)
		return diag_set(diag, -errno, "cannot open /dev/net/tun: %s; run `modprobe tun`", strerror(errno));
	if (options->offload)
		request.ifr_flags |= IFF_VNET_HDR;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request)) {
		err = diag_set(diag, -errno, "cannot create TAP %s: %s", name, strerror(errno));
		close(fd);
		return err;
	}
	err = set_speed(name, options->rate_bps, options->full_duplex);
	if (err && err != -EOPNOTSUPP) { /* kernels before 4.16 cannot; then the TAP says 10 Mb/s */
		diag_set(diag, err, "cannot set the speed of TAP %s: %s", name, strerror(-err));
		close(fd);
		return err;
	}
	*ret = (struct tap){.fd = fd, .offload = options->offload ? set_offload(fd) : 0};
	if (options->arrivals) {
		int arrivals_fd = tap_note_arrivals(fd);

		/* Without, a frame counts as arrived when it is read. */
		ret->arrivals_fd = arrivals_fd < 0 ? 0 : arrivals_fd;
	}
	return 0;
}

int tap_open(const char *name, int netns_fd, int home_fd, const struct tap_options *options, struct tap *ret,
	     struct diag *diag)
{
	int err;

	if (netns_fd < 0)
		return open_here(name, options, ret, diag);
	if (setns(netns_fd, CLONE_NEWNET))
		return diag_set(diag, -errno, "cannot enter the network for TAP %s: %s", name, strerror(errno));
	err = open_here(name, options, ret, diag);
	if (setns(home_fd, CLONE_NEWNET))
		abort(); /* anything done from here on would hit the wrong network */
	return err;
}

void tap_close(struct tap *tap)
{
	if (tap->fd < 0)
		return;
	ioctl(tap->fd, TUNSETPERSIST, 1L);
	close(tap->fd);
	if (tap->arrivals_fd)
		close(tap->arrivals_fd);
	*tap = (struct tap){.fd = -1};
}
