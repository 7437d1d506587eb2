/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire_hello.c - how the daemon hands a wire over: the hello, from peers that know it and from others.
 */
#include "tests/unit/check_wire.h"
#include "tests/unit/test_dir.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct wire_home home;
static struct wire_port ports[WIRE_PORTS_MAX];

struct attacher {
	const char *path;
	enum wire_role role;
	struct wire wire;
	struct diag diag;
	int r;
};

static void *attach_thread(void *arg)
{
	struct attacher *attacher = arg;
	int fd = wire_connect(attacher->path);

	attacher->r = fd < 0 ? fd : wire_attach(fd, attacher->role, PATIENCE_MS, &attacher->wire, &attacher->diag);
	return NULL;
}

START_TEST(test_hello_over_a_listener)
{
	static const enum wire_role roles[] = {WIRE_ROLE_SHUTTLE, WIRE_ROLE_GHOST};
	struct wire_terms terms = {.experiment = "csma-pair", .lag_ns = 5000000, .budget_ns = 777, .quantile = 0.999};
	char path[64], socket_path[80];
	int fds_before = open_fds(), listener, pipes[2];
	struct stat one, other;

	make_test_dir(path, sizeof(path));
	snprintf(socket_path, sizeof(socket_path), "%s/wire", path);
	listener = wire_listen(socket_path);
	ck_assert_int_ge(listener, 0);
	close(listener);
	listener = wire_listen(socket_path); /* what a dead daemon left is replaced */
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	make_ports(ports, 3, 9000);
	ports[0].tap_fd = ports[1].tap_fd = ports[2].tap_fd = pipes[0];
	ports[1].arrivals_fd = pipes[1];
	ports[1].promiscuous = true;
	ck_assert_int_eq(wire_home_open(3, WIRE_RING_SIZE_MIN, &home), 0);

	for (unsigned int i = 0; i < 4; i++) {
		struct attacher attacher = {.path = socket_path, .role = roles[i % 2], .diag = {.text = ""}};
		struct diag diag = {.text = ""};
		pthread_t thread;
		int fd;

		ck_assert_int_eq(pthread_create(&thread, NULL, attach_thread, &attacher), 0);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert(readable(fd, PATIENCE_MS));
		ck_assert_int_eq(wire_welcome(&home, fd, roles[i % 2], getuid(), &terms, ports, &diag), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_msg(attacher.r == 0, "%s", attacher.diag.text);

		ck_assert_uint_eq(attacher.wire.role, roles[i % 2]);
		ck_assert_uint_eq(attacher.wire.port_count, 3);
		ck_assert_uint_eq(attacher.wire.lag_ns, 5000000);
		ck_assert_uint_eq(attacher.wire.budget_ns, 777);
		ck_assert_double_eq_tol(attacher.wire.quantile, 0.999, 1e-8);
		ck_assert_uint_eq(attacher.wire.epoch, i + 1);
		ck_assert_str_eq(attacher.wire.experiment, "csma-pair");
		for (uint32_t port = 0; port < 3; port++) {
			const struct wire_port *got = &attacher.wire.ports[port];

			ck_assert_str_eq(got->name, ports[port].name);
			ck_assert_str_eq(got->link, ports[port].link);
			ck_assert_mem_eq(got->mac, ports[port].mac, 6);
			ck_assert_uint_eq(got->promiscuous, port == 1);
			ck_assert_uint_eq(got->mtu, 9000);
			ck_assert_uint_eq(got->frame_max, 9014);
			ck_assert_int_eq(got->arrivals_fd != 0, port == 1 && roles[i % 2] == WIRE_ROLE_SHUTTLE);
			if (roles[i % 2] == WIRE_ROLE_GHOST) {
				ck_assert_int_eq(got->tap_fd, -1);
				continue;
			}
			ck_assert_int_eq(fstat(pipes[0], &one), 0);
			ck_assert_int_eq(fstat(got->tap_fd, &other), 0);
			ck_assert_uint_eq(one.st_ino, other.st_ino);
			ck_assert(fcntl(got->tap_fd, F_GETFD) & FD_CLOEXEC);
		}
		/* The bells and the counters are the right way round. */
		wire_ring_bell(attacher.wire.own_bell_fd);
		ck_assert(readable(home.bell_fd[i % 2], 0));
		wire_awake(&attacher.wire, true);
		ck_assert(!readable(home.bell_fd[i % 2], 0));
		stats_add(&attacher.wire.stats->wakeups, 1);
		ck_assert_uint_eq(stats_get(&home.stats[i % 2]->wakeups), 1 + i / 2);

		ck_assert_int_eq(wire_say(&attacher.wire, WIRE_MSG_READY, 42), 0);
		ck_assert_uint_eq(next_msg(fd, WIRE_MSG_READY).value[0], 42);
		wire_say_error(&attacher.wire, "all is lost");
		ck_assert_str_eq(next_msg(fd, WIRE_MSG_ERROR).text, "all is lost");
		wire_detach(&attacher.wire);
		wire_detach(&attacher.wire);
		close(fd);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(listener);
	wire_home_close(&home);
	ck_assert_int_eq(open_fds(), fds_before);
	ck_assert_int_lt(wire_connect(socket_path), 0);
	unlink(socket_path);
	ck_assert_int_eq(wire_connect(socket_path), -ENOENT);
	rmdir(path);
	ck_assert_int_eq(
		wire_connect("/a/path/longer/than/the/107/characters/that/an/address/of/a/Unix/socket/may/have/"
			     "and/so/it/cannot/be/connected/to"),
		-ENAMETOOLONG);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_detach(NULL);
}
END_TEST

START_TEST(test_hello_many_ports)
{
	struct attacher attacher = {.role = WIRE_ROLE_GHOST};
	struct diag diag = {.text = ""};
	int fds[2];
	uint64_t before;

	/* The PORT messages do not fit into the socket's buffer: a peer that reads gets them all ... */
	make_ports(ports, WIRE_PORTS_MAX, 1500);
	ck_assert_int_eq(wire_home_open(WIRE_PORTS_MAX, WIRE_RING_SIZE_MIN, &home), 0);
	control_pair(fds);
	switch (fork()) {
	case -1:
		ck_abort();
		break;
	case 0:
		close(fds[0]);
		attacher.r = wire_attach(fds[1], WIRE_ROLE_GHOST, PATIENCE_MS, &attacher.wire, &diag);
		_exit(attacher.r == 0 && !strcmp(attacher.wire.ports[1023].name, "p1023.eth0") ? 0 : 1);
	}
	close(fds[1]);
	ck_assert(readable(fds[0], PATIENCE_MS));
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag), 0);
	wait(&attacher.r);
	ck_assert_int_eq(attacher.r, 0);
	close(fds[0]);

	/* ... and one that does not read cannot hold the daemon up. */
	control_pair(fds);
	send_hello(fds[1], WIRE_ROLE_GHOST);
	before = clock_ns();
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag),
			 -ETIMEDOUT);
	ck_assert_uint_lt(clock_ns() - before, 5000000000u);
	close(fds[0]);
	close(fds[1]);
	/* Nor one that connects and says nothing. */
	control_pair(fds);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag),
			 -ETIMEDOUT);
	ck_assert_uint_lt(clock_ns() - before, 5000000000u);
	close(fds[0]);
	close(fds[1]);
	wire_home_close(&home);
}
END_TEST

/* What a peer says instead of a proper HELLO, and what it is told. */
enum bad_hello {
	HELLO_GARBAGE,
	HELLO_SHORT,
	HELLO_LONG,
	HELLO_OTHER_VERSION,
	HELLO_OTHER_VERSION_SHORT,
	HELLO_OTHER_MAGIC,
	HELLO_OTHER_ROLE,
	HELLO_OTHER_TYPE,
	HELLO_NO_NUL,
	HELLO_NOTHING,
	HELLO_WRONG_USER,
	HELLO_COUNT,
};

START_TEST(test_hello_refused)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_HELLO);
	uint8_t bytes[2 * sizeof(msg)];
	struct diag diag = {.text = ""};
	const char *reason = "HELLO";
	int fds[2], pipes[2], fds_before, r = -EPROTO;
	size_t size = sizeof(msg);
	uid_t uid = getuid();

	make_ports(ports, 2, 1500);
	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	fds_before = open_fds();
	control_pair(fds);
	msg.arg = WIRE_ROLE_GHOST;
	random_fill(3, bytes, sizeof(bytes));
	switch ((enum bad_hello)_i) {
	case HELLO_GARBAGE:
		memcpy(&msg, bytes, sizeof(msg));
		break;
	case HELLO_SHORT:
		size = 100;
		break;
	case HELLO_LONG:
		size = sizeof(msg) + 1;
		break;
	case HELLO_OTHER_VERSION_SHORT: /* a version to come may have another size */
		size = 32;
		/* fall through */
	case HELLO_OTHER_VERSION:
		msg.version++;
		r = -EPROTONOSUPPORT;
		reason = "version";
		break;
	case HELLO_OTHER_MAGIC:
		msg.magic ^= 1;
		break;
	case HELLO_OTHER_ROLE:
		msg.arg = WIRE_ROLE_SHUTTLE;
		break;
	case HELLO_OTHER_TYPE:
		msg.type = WIRE_MSG_READY;
		break;
	case HELLO_NO_NUL:
		memset(msg.text, 'x', sizeof(msg.text));
		break;
	case HELLO_NOTHING:
		size = 0;
		break;
	case HELLO_WRONG_USER:
		uid++;
		r = -EPERM;
		reason = "user";
		break;
	case HELLO_COUNT:
		break;
	}
	memcpy(bytes, &msg, sizeof(msg));
	if (size)
		ck_assert_int_eq(send(fds[1], bytes, size, 0), (ssize_t)size);
	else
		ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, uid, &fixture_terms, ports, &diag), r);
	ck_assert_ptr_nonnull(strstr(diag.text, reason));
	ck_assert_uint_eq(home.epoch, 0);
	close(fds[0]);
	/* The reason reaches the peer although the daemon has closed the socket. */
	ck_assert_ptr_nonnull(strstr(next_msg(fds[1], WIRE_MSG_REFUSE).text, reason));
	close(fds[1]);

	/* The same with fds that nobody asked for. */
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	control_pair(fds);
	r = wire_msg_send(fds[1], &msg, (int[]){pipes[0], pipes[0], pipes[0], pipes[0], pipes[0], pipes[0]}, 6);
	ck_assert_int_eq(r, 0);
	wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, uid, &fixture_terms, ports, &diag);
	close(fds[0]);
	close(fds[1]);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_home_close(&home);
}
END_TEST

/* A ghost that does not know the journal is welcome where there is none to write or to read. */
START_TEST(test_hello_without_the_journal)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_HELLO);
	struct diag diag = {.text = ""};
	int fds[2];

	make_ports(ports, 2, 1500);
	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	msg.arg = WIRE_ROLE_GHOST;
	for (int journals = 0; journals < 4; journals++) {
		for (int i = 0; i < WIRE_JOURNALS; i++)
			home.journal_fd[i] = journals & 1 << i ? home.memory_fd : -1; /* any fd will do */
		for (uint64_t format = 0; format <= WIRE_JOURNAL_FORMAT + 1; format++) {
			bool welcome = journals == 0 || format == WIRE_JOURNAL_FORMAT;

			control_pair(fds);
			msg.value[0] = format;
			ck_assert_int_eq(wire_msg_send(fds[1], &msg, NULL, 0), 0);
			ck_assert_int_eq(
				wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag),
				welcome ? 0 : -EPROTONOSUPPORT);
			if (welcome)
				next_msg(fds[1], WIRE_MSG_WELCOME);
			else
				ck_assert_ptr_nonnull(
					strstr(next_msg(fds[1], WIRE_MSG_REFUSE).text, "run without --record"));
			close(fds[0]);
			close(fds[1]);
		}
		/* A shuttle has nothing to do with it. */
		control_pair(fds);
		send_hello(fds[1], WIRE_ROLE_SHUTTLE);
		ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_SHUTTLE, getuid(), &fixture_terms, ports, &diag),
				 0);
		close(fds[0]);
		close(fds[1]);
	}
	home.journal_fd[0] = home.journal_fd[1] = -1;
	wire_home_close(&home);
}
END_TEST

START_TEST(test_hello_peer_gone)
{
	struct diag diag = {.text = ""};
	int fds[2], fds_before;

	make_ports(ports, 2, 1500);
	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	fds_before = open_fds();
	control_pair(fds);
	send_hello(fds[1], WIRE_ROLE_GHOST);
	close(fds[1]);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag), -EPIPE);
	ck_assert_ptr_nonnull(strstr(diag.text, "left"));
	close(fds[0]);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_home_close(&home);
}
END_TEST

TCase *wire_hello_tests(void)
{
	TCase *tcase = tcase_create("hello");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, test_hello_over_a_listener);
	tcase_add_test(tcase, test_hello_many_ports);
	tcase_add_loop_test(tcase, test_hello_refused, 0, HELLO_COUNT);
	tcase_add_test(tcase, test_hello_without_the_journal);
	tcase_add_test(tcase, test_hello_peer_gone);
	wire_add_attach_tests(tcase);
	return tcase;
}
