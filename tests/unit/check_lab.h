/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_lab.h - the lab against the real kernel and the real liblxc: needs root, changes nothing of the host.
 *
 * What a test does inside a lab runs in the experiment daemon, a child of the test, where Check's assertions do not
 * reach: there need() prints what failed and makes the daemon exit with 1, which the test asserts not to happen.
 */
#ifndef TESTS_CHECK_LAB_H
#define TESTS_CHECK_LAB_H

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/arrivals.h"
#include "bridge/lab/lab.h"

#define need(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s does not hold (errno %d)\n", __FILE__, __LINE__, #condition,        \
				errno);                                                                                \
			return 1;                                                                                      \
		}                                                                                                      \
	} while (0)

#define WAIT_MS 10000 /* for what must happen */

struct body {
	const struct scenario *scenario;
	int (*run)(struct lab *lab, const struct scenario *scenario);
};

extern const char pair_yaml[];
struct scenario *load(const char *yaml);
uint64_t now_ns(void);
uint64_t now_ms(void);
bool wait_until_up(struct lab *lab);
int daemon_main(struct lab *lab, void *data);
/* Build @yaml as experiment @name, do @run in its daemon, undo; everything must succeed and nothing remain. */
void run_lab(const char *name, const char *yaml, int (*run)(struct lab *lab, const struct scenario *scenario));
/* Run `sh -c @command` in node @node; stdout goes to @output (NUL-terminated). Return: exit status, -1 on errors. */
int shell(struct lab *lab, uint32_t node, const char *command, char *output, size_t size);
bool says(struct lab *lab, uint32_t node, const char *command, const char *expected);
void append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The case `undo`. */
TCase *lab_undo_tests(void);

#endif /* TESTS_CHECK_LAB_H */
