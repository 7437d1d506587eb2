/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost.h - the real ns3-ghost, its scenario on standard input; the test plays daemon and shuttle.
 *
 * Frames are put into the rings after READY and before START, with stamps in what is the past by then. So the ghost has
 * all of them from the beginning and nothing depends on how fast this machine is: departure times are exact.
 */
#ifndef TESTS_CHECK_GHOST_H
#define TESTS_CHECK_GHOST_H

#include "tests/unit/wire_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PORTS_MAX       3u
#define STATUS_NONSENSE 65

extern struct wire_home home;
extern struct wire_port ports[PORTS_MAX];
extern uint32_t port_count;
extern struct wire shuttle;
extern int daemon_fd, shuttle_daemon_fd;
extern pid_t ghost_pid;
extern char dir[];
extern uint64_t origin_ns, rate_bps, delay_ns;
extern bool promiscuous;     /* port 1, in the next start_ghost() */
extern const char *timeline; /* of its scenario */
extern int capture_fd;       /* file of a third end, a replay of twice the speed that starts at 50 ms; -1: none */
extern int journal_fd;       /* a journal to hand to it; -1: none */

void setup(void);
void teardown(void);
void run_ghost(const char *socket_path, int scenario_fd);
/* A CSMA segment with @count containers; everything up to the ghost's READY. */
void start_ghost(uint32_t count, uint64_t rate, uint64_t delay, uint32_t mtu, uint64_t lag_ns);
void start_clock(void);
void expect_exit(int wanted);
void stop_ghost(void);
const struct stats_port *port_stats(uint32_t port);
void put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t at_ns);
struct wire_record take(uint32_t port, uint8_t *ret_frame);
/* What the link costs a lone frame: preamble, at least 60 bytes, FCS, and the way. */
uint64_t transit_ns(uint32_t len);

/* The parts of the suite, one file each. */
TCase *ghost_frames_tests(void);
TCase *ghost_time_tests(void);

#endif /* TESTS_CHECK_GHOST_H */
