/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tapcopy.c - the least that a simulator in a process can do: two TAPs, each frame read from one is written to the
 * other
 *
 *     tapcopy TAP1 TAP2 [--spin] [--fifo]
 *
 * No simulation, no second process, no time kept. What a round trip through it takes is what any simulator pays for
 * having its frames in user space. --spin never sleeps, --fifo runs it in real time; both take a core from the hosts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BATCH 64

static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
		fprintf(stderr, "tapcopy: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static void copy(int from, int to)
{
	static char frame[65536];

	for (int i = 0; i < BATCH; i++) {
		ssize_t size = read(from, frame, sizeof(frame));

		/* A TAP that is down takes nothing: lost, as on a wire. */
		if (size <= 0 || write(to, frame, (size_t)size) < 0)
			return;
	}
}

int main(int argc, char **argv)
{
	bool spin = false;
	int taps[2], epoll_fd = epoll_create1(0);

	if (argc < 3)
		return 2;
	for (int i = 3; i < argc; i++) {
		spin |= strcmp(argv[i], "--spin") == 0;
		if (strcmp(argv[i], "--fifo") == 0 &&
		    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) < 0) {
			perror("tapcopy: SCHED_FIFO");
			return 1;
		}
	}
	for (int i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

		taps[i] = open_tap(argv[1 + i]);
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, taps[i], &event);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[2];
		int count = epoll_wait(epoll_fd, events, 2, spin ? 0 : -1);

		for (int i = 0; i < count; i++)
			copy(taps[events[i].data.u32], taps[!events[i].data.u32]);
	}
}
