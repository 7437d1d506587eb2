/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - the experiment daemon's only place to wait: one epoll set of sources, each with a function to call.
 *
 * Single-threaded. One event is handled per turn, so a function may remove any source, its own included, without
 * another event of the same batch still pointing at it.
 */
#ifndef EXPERIMENT_LOOP_H
#define EXPERIMENT_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

struct loop_source {
	int fd; /* -1: not in the loop */
	void (*ready)(void *data, uint32_t events);
	void *data;
};

struct loop {
	int epoll_fd;
	int timer_fd;
};

/** loop_open() - Make the epoll set and its timer. Return: 0 or a negative errno. */
int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/**
 * loop_add() - Watch an fd
 * @source:	the caller's, must stay where it is until loop_remove()
 * @events:	EPOLLIN, EPOLLOUT, ...
 *
 * Return: 0 or a negative errno
 */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
	     void (*ready)(void *data, uint32_t events), void *data);

/** loop_change() - Watch for other events from now on. */
void loop_change(struct loop *loop, struct loop_source *source, uint32_t events);

/** loop_remove() - Stop watching and close the fd; harmless when it is not watched. */
void loop_remove(struct loop *loop, struct loop_source *source);

/**
 * loop_turn() - Handle one event, or return when the clock reaches @until_ns
 * @until_ns:	CLOCK_MONOTONIC
 *
 * Return: 0 or a negative errno
 */
int loop_turn(struct loop *loop, uint64_t until_ns);

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

#endif /* EXPERIMENT_LOOP_H */
