/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle.h - the shuttle as a whole, with sequenced-packet sockets for TAPs; the test plays daemon and ghost.
 *
 * The shuttle runs in a child process: most tests fork it, some start the real program with its sandbox.
 */
#ifndef TESTS_CHECK_SHUTTLE_H
#define TESTS_CHECK_SHUTTLE_H

#include "tests/unit/wire_fixture.h"

#include <fcntl.h>
#include <linux/virtio_net.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#include "bridge/shuttle/shuttle.h"

#define PORTS 3u
#define MTU   1500u

extern struct wire_home home;
extern struct wire_port ports[PORTS];
extern struct wire_terms terms;
extern struct wire ghost;
extern int daemon_fd, ghost_daemon_fd;
extern int tap[PORTS]; /* our end */
extern pid_t shuttle_pid;
extern uint64_t origin_ns;

enum how { FORKED, PROGRAM };

/* Everything up to the shuttle's READY. */
void start_shuttle(enum how how, uint64_t lag_ns);
void start_clock(void);
/* The shuttle leaves with this status, and soon. */
void expect_exit(int wanted);
void stop_shuttle(void);
void setup(void);
void teardown(void);
const struct stats_port *port_stats(uint32_t port);
/* Wait until a counter has reached a value. */
void wait_for(const uint64_t *counter, uint64_t value);
/* Frame number @seq of a port: a valid Ethernet header, then noise. */
uint32_t make_frame(uint32_t port, uint64_t seq, uint32_t len, uint8_t *frame);
void tap_send(uint32_t port, const uint8_t *frame, uint32_t len);
/* The next frame the ghost sees on a port; sleeps by the protocol. It is released and given back. */
struct wire_record ghost_take(uint32_t port, uint8_t *ret_frame);
void ghost_put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t departure_ns);
uint32_t tap_receive(uint32_t port, uint8_t *frame);
/* Both ways on every port once: everything still works. */
void expect_traffic(uint64_t seq);

/* The case `arrivals`. */
TCase *shuttle_arrivals_tests(void);

/* The case `hostile ghost`. */
TCase *shuttle_hostile_tests(void);

#endif /* TESTS_CHECK_SHUTTLE_H */
