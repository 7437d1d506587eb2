/* SPDX-License-Identifier: GPL-2.0-only */
/* shuttle.c - the loop; see shuttle.h. The shuttle's only thread. */
#include "bridge/shuttle/shuttle.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

/* Frames of one port before the others get their turn. */
#define BATCH COALESCE_FRAMES_MAX
/* Epoll events of one turn; more wait for the next. */
#define EVENTS_MAX 64

#define AWAKE_NS       50000u   /* at most this long before a held frame is due */
#define AWAKE_SHARE    8u       /* this part of a core at most, all ports together, */
#define AWAKE_SAVED_NS 1000000u /* with this much saved up for each */

enum event_kind { EVENT_TAP, EVENT_BELL, EVENT_CONTROL };

struct shuttle {
	struct wire *wire;
	struct port *ports;
	int epoll_fd;
	uint64_t origin_ns;      /* monotonic time of simulated 0, plus the lag; 0 before START */
	uint64_t *down_bits;     /* ports whose ring toward us may hold frames */
	uint64_t next_due_ns;    /* earliest time a held frame is due; UINT64_MAX: none */
	uint64_t awake_due_ns;   /* ... of those of ports that can pay for waiting awake; likewise ... */
	uint32_t awake_port;     /* ... and which that is */
	uint64_t awake_until_ns; /* until when to wait awake has been decided */
	bool reading;            /* between START and QUIESCE */
	bool quiescing;
	bool stopped;
	struct diag *diag;
	struct coalescer coalescer;
	struct wire_pace pace;
};

static uint64_t event_ref(enum event_kind kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

static int watch(struct shuttle *shuttle, int op, int fd, enum event_kind kind, uint32_t index, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = event_ref(kind, index)};

	return epoll_ctl(shuttle->epoll_fd, op, fd, &event) < 0 ? -errno : 0;
}

/* Read a TAP, or leave its frames to the kernel's queue. */
static int watch_tap(struct shuttle *shuttle, uint32_t index, bool on)
{
	if (shuttle->ports[index].gone)
		return 0;
	return watch(shuttle, EPOLL_CTL_MOD, shuttle->ports[index].tap_fd, EVENT_TAP, index, on ? EPOLLIN : 0);
}

int shuttle_new(struct wire *wire, struct shuttle **ret)
{
	struct shuttle *shuttle;
	int r;

	shuttle = calloc(1, sizeof(*shuttle));
	if (!shuttle)
		return -ENOMEM;
	shuttle->wire = wire;
	shuttle->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	shuttle->ports = calloc(wire->port_count, sizeof(*shuttle->ports));
	shuttle->down_bits = calloc(wire_words(wire), sizeof(*shuttle->down_bits));
	shuttle->next_due_ns = UINT64_MAX;
	shuttle->awake_due_ns = UINT64_MAX;
	r = -ENOMEM;
	if (!shuttle->ports || !shuttle->down_bits)
		goto fail;
	r = shuttle->epoll_fd < 0 ? -errno : 0;
	if (r == 0)
		r = watch(shuttle, EPOLL_CTL_ADD, wire->own_bell_fd, EVENT_BELL, 0, EPOLLIN);
	if (r == 0)
		r = watch(shuttle, EPOLL_CTL_ADD, wire->control_fd, EVENT_CONTROL, 0, EPOLLIN);
	for (uint32_t i = 0; r == 0 && i < wire->port_count; i++) {
		r = port_init(&shuttle->ports[i], wire, i);
		if (r == 0)
			r = watch(shuttle, EPOLL_CTL_ADD, shuttle->ports[i].tap_fd, EVENT_TAP, i, 0);
	}
	if (r < 0)
		goto fail;
	*ret = shuttle;
	return 0;
fail:
	shuttle_free(shuttle);
	return r;
}

void shuttle_free(struct shuttle *shuttle)
{
	if (!shuttle)
		return;
	if (shuttle->epoll_fd >= 0)
		close(shuttle->epoll_fd);
	for (uint32_t i = 0; shuttle->ports && i < shuttle->wire->port_count; i++)
		port_done(&shuttle->ports[i]);
	free(shuttle->ports);
	free(shuttle->down_bits);
	free(shuttle);
}

static int port_failed(struct shuttle *shuttle, uint32_t index, int err)
{
	return diag_set(shuttle->diag, err, "port %s: the ghost wrote a record or an index that makes no sense",
			shuttle->wire->ports[index].name);
}

static int read_tap(struct shuttle *shuttle, uint32_t index)
{
	int state = port_up(&shuttle->ports[index], BATCH);

	if (state < 0)
		return port_failed(shuttle, index, state);
	/* A full ring: not reading lets the kernel's queue fill, so that the sender's own qdisc feels it. */
	if (state == PORT_BLOCKED && watch_tap(shuttle, index, false) < 0)
		return -errno;
	return state;
}

/* EPOLLERR comes unasked and for ever once a TAP has lost its device, as when its container has gone. */
static int forget_tap(struct shuttle *shuttle, uint32_t index)
{
	shuttle->ports[index].gone = true;
	return watch(shuttle, EPOLL_CTL_DEL, shuttle->ports[index].tap_fd, EVENT_TAP, index, 0);
}

/*
 * Every port saves up for itself: one with a frame every 50 us would spend what there is, and leave those with few
 * frames, to which each one matters, to timers.
 */
static void note_due(struct shuttle *shuttle, uint32_t index, uint64_t due_ns)
{
	struct port *port = &shuttle->ports[index];
	uint64_t now;

	if (due_ns < shuttle->next_due_ns)
		shuttle->next_due_ns = due_ns;
	if (due_ns >= shuttle->awake_due_ns)
		return;
	now = port_clock_ns();
	port->awake_saved_ns += (now - port->awake_clock_ns) / (AWAKE_SHARE * shuttle->wire->port_count);
	port->awake_clock_ns = now;
	if (port->awake_saved_ns > AWAKE_SAVED_NS)
		port->awake_saved_ns = AWAKE_SAVED_NS;
	if (port->awake_saved_ns < AWAKE_NS)
		return;
	shuttle->awake_due_ns = due_ns;
	shuttle->awake_port = index;
}

static int drain_port(struct shuttle *shuttle, uint32_t index)
{
	uint64_t *bits = &shuttle->down_bits[index / 64], due;
	int state = port_down(&shuttle->ports[index], BATCH, shuttle->origin_ns, &shuttle->coalescer, &due);

	if (state < 0)
		return port_failed(shuttle, index, state);
	if (state == PORT_IDLE)
		*bits &= ~(1ull << (index % 64));
	else if (state == PORT_LATER)
		note_due(shuttle, index, due);
	return state;
}

/* Take what the ghost has pointed at, then write every frame that is due. Returns 1 when there may be more at once. */
static int drain(struct shuttle *shuttle)
{
	struct wire *wire = shuttle->wire;
	int more = 0;

	shuttle->next_due_ns = UINT64_MAX;
	shuttle->awake_due_ns = UINT64_MAX;
	for (uint32_t word = 0; word < wire_words(wire); word++) {
		uint64_t space = wire_take_bits(&wire->own_inbox->space[word]), bits;

		shuttle->down_bits[word] |= wire_take_bits(&wire->own_inbox->data[word]);
		for (; space; space &= space - 1) {
			uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(space);

			if (index >= wire->port_count || !shuttle->ports[index].blocked)
				continue;
			shuttle->ports[index].blocked = false;
			if (shuttle->ports[index].cutting) {
				/* What is left of a super-frame makes no TAP readable: go on with it unasked. */
				int state = read_tap(shuttle, index);

				if (state < 0)
					return state;
				if (state == PORT_BLOCKED)
					continue;
			}
			if (shuttle->reading && watch_tap(shuttle, index, true) < 0)
				return -errno;
		}
		for (bits = shuttle->down_bits[word]; bits; bits &= bits - 1) {
			uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(bits);
			int state;

			if (index >= wire->port_count) {
				shuttle->down_bits[word] &= ~(1ull << (index % 64));
				continue;
			}
			state = drain_port(shuttle, index);
			if (state < 0)
				return state;
			more |= state == PORT_MORE;
		}
	}
	return more;
}

static int set_reading(struct shuttle *shuttle, bool on)
{
	int r = 0;

	shuttle->reading = on;
	for (uint32_t i = 0; r == 0 && i < shuttle->wire->port_count; i++)
		r = watch_tap(shuttle, i, on && !shuttle->ports[i].blocked);
	return r;
}

static int handle_tap(struct shuttle *shuttle, uint32_t index, uint32_t events)
{
	int state = PORT_IDLE;

	if (events & EPOLLIN)
		state = read_tap(shuttle, index);
	if (state < 0)
		return state;
	/* What was readable is read to its end first. */
	return state == PORT_IDLE && (events & (EPOLLERR | EPOLLHUP)) ? forget_tap(shuttle, index) : 0;
}

static int handle_control(struct shuttle *shuttle)
{
	struct wire_msg msg;
	int r;

	r = wire_msg_receive(shuttle->wire->control_fd, &msg, NULL, NULL);
	if (r < 0)
		return diag_set(shuttle->diag, r, "lost the daemon");
	switch (msg.type) {
	case WIRE_MSG_START:
		shuttle->origin_ns = msg.value[0] + shuttle->wire->lag_ns;
		return set_reading(shuttle, true);
	case WIRE_MSG_QUIESCE:
		shuttle->quiescing = true;
		return set_reading(shuttle, false);
	case WIRE_MSG_STOP:
		shuttle->stopped = true;
		return 0;
	default:
		return diag_set(shuttle->diag, -EPROTO, "the daemon sent message %u, which is not for a shuttle",
				msg.type);
	}
}

/* Whether a ring toward a TAP still holds something. */
static bool anything_held(const struct shuttle *shuttle)
{
	for (uint32_t word = 0; word < wire_words(shuttle->wire); word++)
		if (shuttle->down_bits[word])
			return true;
	return false;
}

/*
 * When to wake for the next held frame, or 0: don't sleep. A timer comes some 15 us late, and up to 50 us from an idle
 * core; so the last bit is waited for awake, as long as that takes no more than its share of a core.
 */
static uint64_t wake_ns(struct shuttle *shuttle, uint64_t now_ns)
{
	uint64_t wake = shuttle->next_due_ns;

	if (wake <= now_ns)
		return 0;
	if (shuttle->awake_due_ns == UINT64_MAX)
		return wake;
	if (shuttle->awake_due_ns > now_ns + AWAKE_NS)
		return wake < shuttle->awake_due_ns - AWAKE_NS ? wake : shuttle->awake_due_ns - AWAKE_NS;
	/* Nothing of what may come in between is worth going to sleep for. */
	shuttle->ports[shuttle->awake_port].awake_saved_ns -= shuttle->awake_due_ns - now_ns;
	shuttle->awake_until_ns = shuttle->awake_due_ns;
	return 0;
}

/* Sleep for something to do, or only look if @at_once; then do it. */
static int turn(struct shuttle *shuttle, bool at_once)
{
	struct epoll_event events[EVENTS_MAX];
	struct timespec timeout = {0}, *until = &timeout;
	bool deaf = false;
	int count, r = 0;

	/* With a lag exact times are worth the wake-ups. */
	if (!at_once && shuttle->wire->lag_ns == 0) {
		uint64_t nap = wire_pace_nap(&shuttle->pace, port_clock_ns(), WIRE_PACE_SHUTTLE_NS);

		if (nap) {
			clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = (long)nap}, NULL);
			at_once = true;
		}
	}
	if (!at_once && shuttle->next_due_ns != UINT64_MAX) {
		uint64_t now = port_clock_ns(), wake;

		wake = now < shuttle->awake_until_ns ? 0 : wake_ns(shuttle, now);
		if (wake <= now) {
			at_once = true;
		} else {
			deaf = wake - now <= wire_quiet_ns(shuttle->wire);
			timeout.tv_sec = (time_t)((wake - now) / 1000000000u);
			timeout.tv_nsec = (long)((wake - now) % 1000000000u);
		}
	} else if (!at_once) {
		until = NULL;
	}
	if (!at_once && !deaf && !wire_may_sleep(shuttle->wire)) {
		timeout = (struct timespec){0};
		until = &timeout;
	}
	count = epoll_pwait2(shuttle->epoll_fd, events, EVENTS_MAX, until, NULL);
	if (count < 0 && errno != EINTR)
		return -errno;
	wire_awake(shuttle->wire, false);
	stats_add(&shuttle->wire->stats->wakeups, 1);
	for (int i = 0; r == 0 && i < count; i++) {
		switch ((enum event_kind)(events[i].data.u64 >> 32)) {
		case EVENT_TAP:
			r = handle_tap(shuttle, (uint32_t)events[i].data.u64, events[i].events);
			break;
		case EVENT_BELL:
			wire_awake(shuttle->wire, true);
			break;
		case EVENT_CONTROL:
			r = handle_control(shuttle);
			break;
		}
	}
	return r;
}

int shuttle_run(struct shuttle *shuttle, struct diag *diag)
{
	int r, more = 0;

	shuttle->diag = diag;
	r = wire_say(shuttle->wire, WIRE_MSG_READY, 0);
	if (r < 0)
		return diag_set(diag, r, "lost the daemon");
	while (!shuttle->stopped) {
		r = turn(shuttle, more > 0);
		if (r < 0)
			break;
		if (shuttle->origin_ns == 0)
			continue;
		more = drain(shuttle);
		if (more < 0) {
			r = more;
			break;
		}
		if (shuttle->quiescing && !more && !anything_held(shuttle)) {
			shuttle->quiescing = false;
			wire_say(shuttle->wire, WIRE_MSG_QUIESCED, 0);
		}
	}
	if (r < 0 && diag->text[0] == '\0')
		diag_set(diag, r, "the shuttle's loop failed: %s", strerror(-r));
	return r;
}
