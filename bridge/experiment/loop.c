/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.c - see loop.h.
 */
#include "bridge/experiment/loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

int loop_open(struct loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
	int r;

	loop->timer_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0) {
		r = -errno;
		loop_close(loop);
		return r;
	}
	return 0;
}

void loop_close(struct loop *loop)
{
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->timer_fd = loop->epoll_fd = -1;
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
	     void (*ready)(void *data, uint32_t events), void *data)
{
	struct epoll_event event = {.events = events, .data = {.ptr = source}};

	source->fd = fd;
	source->ready = ready;
	source->data = data;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		source->fd = -1;
		return -errno;
	}
	return 0;
}

void loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.ptr = source}};

	if (source->fd >= 0)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	/* Not left to close(): a passed or inherited copy of the fd would keep it in the set. */
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
}

int loop_turn(struct loop *loop, uint64_t until_ns)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)}};
	struct epoll_event event;
	struct loop_source *source;
	uint64_t expirations;
	int n;

	if (until_ns == 0)
		when.it_value.tv_nsec = 1; /* zero would disarm it */
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	n = epoll_wait(loop->epoll_fd, &event, 1, -1);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	source = event.data.ptr;
	if (!source)
		return read(loop->timer_fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN ? -errno : 0;
	source->ready(source->data, event.events);
	return 0;
}
