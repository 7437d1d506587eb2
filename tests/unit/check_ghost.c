/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost.c - the real ns3-ghost, its scenario on standard input; the test plays daemon and shuttle.
 *
 * Frames are put into the rings after READY and before START, with stamps in what is the past by then. So the ghost has
 * all of them from the beginning and nothing depends on how fast this machine is: departure times are exact.
 */
#include "tests/unit/wire_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/unit/misdeed.h"

#define PORTS_MAX       3u
#define STATUS_NONSENSE 65

static struct wire_home home;
static struct wire_port ports[PORTS_MAX];
static uint32_t port_count;
static struct wire shuttle;
static int daemon_fd = -1, shuttle_daemon_fd = -1;
static pid_t ghost_pid = -1;
static char dir[] = "/tmp/check-ghost-XXXXXX";
static uint64_t origin_ns, rate_bps, delay_ns;
static bool promiscuous;          /* port 1, in the next start_ghost() */
static const char *timeline = ""; /* of its scenario */
static int capture_fd = -1;       /* file of a third end, a replay of twice the speed that starts at 50 ms; -1: none */

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/check-ghost-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	if (ghost_pid > 0) {
		kill(ghost_pid, SIGKILL);
		waitpid(ghost_pid, NULL, 0);
	}
	wire_detach(&shuttle);
	wire_home_close(&home);
	rmdir(dir);
}

static void run_ghost(const char *socket_path, int scenario_fd)
{
	ghost_pid = fork();
	ck_assert_int_ge(ghost_pid, 0);
	if (ghost_pid == 0) {
		dup2(scenario_fd, STDIN_FILENO);
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* the leak checker needs what the sandbox forbids */
		if (capture_fd >= 0 && dup2(capture_fd, 50) < 0)
			_exit(127);
		execl(GHOST_PROGRAM, GHOST_PROGRAM, "--wire", socket_path, "--ghost", "0", "--workers", "1",
		      "--captures", "50", NULL);
		_exit(127);
	}
}

/* A CSMA segment with @count containers; everything up to the ghost's READY. */
static void start_ghost(uint32_t count, uint64_t rate, uint64_t delay, uint32_t mtu, uint64_t lag_ns)
{
	struct wire_terms terms = fixture_terms;
	struct diag diag = {.text = ""};
	char text[1024], socket_path[128];
	int pipes[2], listener;
	size_t size;

	port_count = count;
	rate_bps = rate;
	delay_ns = delay;
	terms.lag_ns = lag_ns;
	make_ports(ports, count, mtu);
	ports[1].promiscuous = promiscuous;
	size = (size_t)snprintf(
		text, sizeof(text),
		"ghostbridge: 1\nnodes: {p0: {}, p1: {}%s%s}\nlinks:\n  lan: {kind: csma, rate: %llubps, "
		"delay: %lluns, mtu: %u, ends: [p0, p1%s%s]}\n%s",
		count > 2 ? ", p2: {}" : "",
		capture_fd >= 0 ? ", cap: {kind: replay, file: x, start: 50ms, speed: 2}" : "",
		(unsigned long long)rate, (unsigned long long)delay, mtu, count > 2 ? ", p2" : "",
		capture_fd >= 0 ? ", cap" : "", timeline);
	ck_assert_int_eq(wire_home_open_ends(count, capture_fd >= 0, WIRE_RING_SIZE_DEFAULT, &home), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/wire", dir);
	listener = wire_listen(socket_path);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(write(pipes[1], text, size), (ssize_t)size);
	run_ghost(socket_path, pipes[0]);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_msg(readable(listener, PATIENCE_MS), "the ghost does not connect");
	daemon_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(daemon_fd, 0);
	close(listener);
	unlink(socket_path);
	ck_assert(readable(daemon_fd, PATIENCE_MS));
	ck_assert_msg(wire_welcome(&home, daemon_fd, WIRE_ROLE_GHOST, getuid(), &terms, ports, &diag) == 0, "%s",
		      diag.text);
	next_msg(daemon_fd, WIRE_MSG_READY);
	for (uint32_t i = 0; i < count; i++)
		ports[i].tap_fd = home.bell_fd[0]; /* any fd will do */
	shuttle_daemon_fd = attach_here(&home, WIRE_ROLE_SHUTTLE, ports, &terms, &shuttle);
	/* Far enough in the past for every stamp of a test, and for the lag. */
	origin_ns = clock_ns() - 10000000000u;
}

static void start_clock(void)
{
	send_msg(daemon_fd, WIRE_MSG_START, origin_ns);
}

static void expect_exit(int wanted)
{
	int status, pid;
	uint64_t until = clock_ns() + PATIENCE_MS * 1000000ull;

	while ((pid = waitpid(ghost_pid, &status, WNOHANG)) == 0) {
		ck_assert_msg(clock_ns() < until, "the ghost did not end");
		poll(NULL, 0, 1);
	}
	ghost_pid = -1;
	ck_assert_msg(WIFEXITED(status), "the ghost died of signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), wanted);
}

static void stop_ghost(void)
{
	send_msg(daemon_fd, WIRE_MSG_STOP, 0);
	expect_exit(0);
}

static const struct stats_port *port_stats(uint32_t port)
{
	return &stats_ports(home.stats[1])[port];
}

static void put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t at_ns)
{
	uint8_t *room;

	ck_assert_int_eq(ring_p_reserve(&shuttle.tx[port], len, &room), 1);
	memcpy(room, frame, len);
	ring_p_commit(&shuttle.tx[port], len, origin_ns + at_ns);
	wire_flush_tx(&shuttle, port);
}

static struct wire_record take(uint32_t port, uint8_t *ret_frame)
{
	struct wire_record record;
	const uint8_t *frame;
	int r;

	while ((r = ring_c_peek(&shuttle.rx[port], &record, &frame)) == 0) {
		for (uint32_t word = 0; word < WIRE_WORDS; word++) {
			wire_take_bits(&shuttle.own_inbox->data[word]);
			wire_take_bits(&shuttle.own_inbox->space[word]);
		}
		if (ring_c_peek(&shuttle.rx[port], &record, &frame) != 0)
			continue;
		if (!wire_may_sleep(&shuttle))
			continue;
		ck_assert_msg(readable(shuttle.own_bell_fd, PATIENCE_MS), "nothing comes out of port %u", port);
		wire_awake(&shuttle, true);
	}
	ck_assert_int_eq(r, 1);
	memcpy(ret_frame, frame, record.len);
	ring_c_release(&shuttle.rx[port]);
	wire_flush_rx(&shuttle, port);
	return record;
}

/* What the link costs a lone frame: preamble, at least 60 bytes, FCS, and the way. */
static uint64_t transit_ns(uint32_t len)
{
	return 8ull * ((len < 60 ? 60 : len) + 4 + 8) * 1000000000u / rate_bps + delay_ns;
}

/* ---- a capture ------------------------------------------------------------------------------------------------ */

#define CAPTURED     200u
#define CAPTURED_GAP 120000001u /* ns in the file, half of that in the simulation */

/* A pcap file of broadcasts, the i-th with i in its payload. */
static void make_capture(void)
{
	const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 65535, 1};
	uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb6};

	capture_fd = memfd_create("capture", MFD_CLOEXEC);
	ck_assert_int_ge(capture_fd, 0);
	ck_assert_int_eq(write(capture_fd, head, sizeof(head)), sizeof(head));
	for (uint64_t i = 0; i < CAPTURED; i++) {
		uint64_t at = i * CAPTURED_GAP;
		uint32_t record[4] = {(uint32_t)(at / 1000000000u), (uint32_t)(at % 1000000000u), sizeof(frame),
				      sizeof(frame)};

		frame[20] = (uint8_t)i;
		ck_assert_int_eq(write(capture_fd, record, sizeof(record)), sizeof(record));
		ck_assert_int_eq(write(capture_fd, frame, sizeof(frame)), sizeof(frame));
	}
}

static uint64_t captured_departure(uint64_t number)
{
	return 50000000 + number * CAPTURED_GAP / 2 + transit_ns(60);
}

/* Frames of a file leave at times that the file and the link alone decide. */
START_TEST(test_capture)
{
	uint8_t frame[WIRE_FRAME_MAX];

	make_capture();
	start_ghost(2, 1000000000, 700, 1500, 0);
	origin_ns = clock_ns();
	start_clock();
	for (uint32_t i = 0; i < 10; i++) {
		for (uint32_t port = 0; port < 2; port++) {
			struct wire_record record = take(port, frame);

			ck_assert_uint_eq(frame[20], i);
			ck_assert_uint_eq(record.len, 60);
			ck_assert_uint_eq(record.time_ns, captured_departure(i));
		}
	}
	ck_assert_uint_eq(stats_get(&stats_ports(home.stats[1])[2].up.drops[STATS_DROP_LOST]), 0);
	stop_ghost();
	close(capture_fd);
	capture_fd = -1;
}
END_TEST

/* Who begins long after the barrier does not catch up: what was due is lost, and what comes comes at its time. */
START_TEST(test_capture_successor)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct wire_record record;
	uint64_t lost, first;

	make_capture();
	start_ghost(2, 1000000000, 700, 1500, 0);
	start_clock();
	record = take(0, frame);
	first = frame[20];
	lost = stats_get(&stats_ports(home.stats[1])[2].up.drops[STATS_DROP_LOST]);
	/* of 10 s, and not all */
	ck_assert_uint_ge(first, 165);
	ck_assert_uint_eq(lost, first);
	ck_assert_uint_eq(record.time_ns, captured_departure(first));
	stop_ghost();
	close(capture_fd);
	capture_fd = -1;
}
END_TEST

/* ---- every kind of frame -------------------------------------------------------------------------------------- */

struct kind {
	const char *name;
	const char *to;   /* destination, hex; NULL: the other port */
	const char *head; /* from the type field on, hex */
	uint32_t len;     /* of the frame */
	uint32_t mtu;     /* of the smallest link that carries it */
};

static const struct kind kinds[] = {
	{"ARP request", "ffffffffffff", "08060001080006040001", 42, 1500},
	{"ARP reply, padded", NULL, "08060001080006040002", 60, 1500},
	{"IPv4 unicast", NULL, "080045000054", 98, 1500},
	{"IPv4 multicast", "01005e000005", "080045c00044", 82, 1500},
	{"IPv4 broadcast", "ffffffffffff", "080045000148", 342, 1500},
	{"IPv4 largest", NULL, "0800450005dc", 1514, 1500},
	{"IPv6 unicast", NULL, "86dd60000000", 118, 1500},
	{"IPv6 neighbour solicitation", "3333ff000001", "86dd6000000000203aff", 86, 1500},
	{"IPv6 router advertisement", "333300000001", "86dd6000000000403aff", 118, 1500},
	{"802.1Q", NULL, "810000640800", 102, 1500},
	{"802.1Q largest", NULL, "810000640800", 1518, 1500},
	{"802.1Q small", NULL, "810000640806", 46, 1500},
	{"priority tag", NULL, "8100e0000800", 64, 1500},
	{"802.1Q around a length", NULL, "810000640026424203", 64, 1500},
	{"QinQ 802.1ad", NULL, "88a80064810000c80800", 106, 1500},
	{"QinQ largest", NULL, "88a80064810000c80800", 1522, 1500},
	{"QinQ of two 8100", NULL, "81000064810000c80800", 110, 1500},
	{"STP BPDU", "0180c2000000", "00264242030000000000", 60, 1500},
	{"STP BPDU, unpadded", "0180c2000000", "00264242030000000000", 52, 1500},
	{"RSTP BPDU", "0180c2000000", "002742420300000202", 60, 1500},
	{"CDP in SNAP", "01000ccccccc", "0158aaaa0300000c2000", 358, 1500},
	{"PVST in SNAP", "01000ccccccd", "0032aaaa0300000c010b", 64, 1500},
	{"IS-IS hello", "0180c2000015", "05dcfefe0383", 1514, 1500},
	{"IS-IS short", "0180c2000014", "0042fefe0383", 80, 1500},
	{"IPX raw", "ffffffffffff", "0030ffff0030", 62, 1500},
	{"LLDP", "0180c200000e", "88cc020704", 130, 1500},
	{"LACP", "0180c2000002", "88090101", 124, 1500},
	{"EAPOL start", "0180c2000003", "888e01010000", 18, 1500},
	{"PAUSE", "0180c2000001", "88080001ffff", 60, 1500},
	{"PPPoE discovery", "ffffffffffff", "8863110900000004", 60, 1500},
	{"MPLS", NULL, "884700064140", 200, 1500},
	{"PTP", "011b19000000", "88f70002002c", 58, 1500},
	{"Wake-on-LAN", "ffffffffffff", "0842ffffffffffff", 116, 1500},
	{"CFM", "0180c2000031", "890200", 100, 1500},
	{"local experimental 1", NULL, "88b50102", 60, 1500}, /* the type that odd frames travel under */
	{"local experimental 1, short", NULL, "88b50102", 20, 1500},
	{"local experimental 2", NULL, "88b60102", 300, 1500},
	{"loopback test", NULL, "90000000", 60, 1500},
	{"unknown type", NULL, "fffe0102", 77, 1500},
	{"highest type", NULL, "ffff0102", 77, 1500},
	{"length 0", NULL, "0000", 60, 1500},
	{"length 0, header only", NULL, "0000", 14, 1500},
	{"length 1", NULL, "0001", 60, 1500},
	{"length 46", NULL, "002e", 60, 1500},
	{"length 45, unpadded", NULL, "002d", 59, 1500},
	{"length 47", NULL, "002f", 61, 1500},
	{"length 1499", NULL, "05db", 1513, 1500},
	{"length 1500", NULL, "05dc", 1514, 1500},
	{"length beyond the frame", NULL, "05dc", 100, 1500},
	{"1501, neither length nor type", NULL, "05dd", 100, 1500},
	{"1535, neither length nor type", NULL, "05ff", 1514, 1500},
	{"1536, the lowest type", NULL, "0600", 60, 1500},
	{"header only", NULL, "0800", 14, 1500},
	{"one byte", NULL, "0800", 15, 1500},
	{"59 bytes", NULL, "0800", 59, 1500},
	{"60 bytes", NULL, "0800", 60, 1500},
	{"61 bytes", NULL, "0800", 61, 1500},
	{"jumbo IPv4", NULL, "080045002328", 9014, 9000},
	{"jumbo 802.1Q", NULL, "810000640800", 9018, 9000},
	{"jumbo QinQ", NULL, "88a80064810000c80800", 9022, 9000},
	{"jumbo LLC under 8870", NULL, "8870fefe0383", 9014, 9000},
	{"1515 bytes on a jumbo link", NULL, "0800", 1515, 9000},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void unhex(const char *hex, uint8_t *ret)
{
	unsigned int byte;

	for (; *hex; hex += 2) {
		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		*ret++ = (uint8_t)byte;
	}
}

static void make_kind(const struct kind *kind, uint32_t from, uint32_t to, uint8_t *frame)
{
	random_fill((uint64_t)(kind - kinds) * 8 + from, frame, kind->len);
	memcpy(frame, ports[to].mac, 6);
	if (kind->to)
		unhex(kind->to, frame);
	/* Any source: bridges and VMs send with addresses that are not the interface's. */
	if ((kind - kinds) % 2)
		memcpy(frame + 6, ports[from].mac, 6);
	else
		frame[6] &= 0xfe;
	ck_assert_uint_le(12 + strlen(kind->head) / 2, kind->len < 14 ? 14 : kind->len);
	unhex(kind->head, frame + 12);
}

static const struct {
	uint64_t rate, delay;
	uint32_t mtu;
} links[] = {
	{100000000, 6560, 1500},   {10000000, 0, 1500},
	{10000000, 1000000, 9000}, /* longer than the gap: part of it is waited at the port */
	{1000000000, 500, 9000},   {100000000, 25000, 9000},
};

START_TEST(test_every_kind)
{
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t bytes = 0;
	uint32_t count = 0;

	start_ghost(2, links[_i].rate, links[_i].delay, links[_i].mtu, 0);
	for (uint32_t i = 0; i < KINDS; i++) {
		if (kinds[i].mtu > links[_i].mtu)
			continue;
		make_kind(&kinds[i], 0, 1, frame);
		put(0, frame, kinds[i].len, 1000000 + i * 20000000ull);
		make_kind(&kinds[i], 1, 0, frame);
		put(1, frame, kinds[i].len, 11000000 + i * 20000000ull);
		count++;
		bytes += kinds[i].len;
	}
	ck_assert_uint_ge(count, 50);
	start_clock();
	for (uint32_t i = 0; i < KINDS; i++) {
		if (kinds[i].mtu > links[_i].mtu)
			continue;
		for (uint32_t from = 0; from < 2; from++) {
			struct wire_record record = take(1 - from, got);
			uint64_t stamp = (from ? 11000000 : 1000000) + i * 20000000ull;

			make_kind(&kinds[i], from, 1 - from, frame);
			ck_assert_msg(record.len == kinds[i].len, "%s: %u bytes came out as %u", kinds[i].name,
				      kinds[i].len, record.len);
			ck_assert_msg(memcmp(got, frame, record.len) == 0, "%s came out changed", kinds[i].name);
			ck_assert_msg(record.time_ns == stamp + transit_ns(record.len),
				      "%s of %u bytes took %lld ns instead of %llu", kinds[i].name, record.len,
				      (long long)(record.time_ns - stamp), (unsigned long long)transit_ns(record.len));
		}
	}
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	for (uint32_t port = 0; port < 2; port++) {
		const struct stats_port *stats = port_stats(port);

		ck_assert_uint_eq(stats->up.frames, count);
		ck_assert_uint_eq(stats->up.bytes, bytes);
		ck_assert_uint_eq(stats->transmitted, count);
		ck_assert_uint_eq(stats->received, count);
		ck_assert_uint_eq(stats->down.frames, count);
		ck_assert_uint_eq(stats->down.bytes, bytes);
		ck_assert_uint_eq(stats->late.count, count);
		ck_assert_uint_eq(stats->late.max_ns, 0); /* injected at its stamp, every one */
		ck_assert_uint_ne(stats->digest, 0);
		for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
			ck_assert_uint_eq(stats->up.drops[cause] + stats->down.drops[cause], 0);
	}
	ck_assert_uint_eq(home.stats[1]->injected, 2 * count);
	stop_ghost();
}
END_TEST

START_TEST(test_digest_repeats)
{
	/* The same frames at the same times, twice: the same digest. One bit more: another. */
	uint64_t digests[3];
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	for (int round = 0; round < 3; round++) {
		start_ghost(3, 100000000, 6560, 1500, 0);
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t len = 60 + i * 7;

			random_fill(i, frame, len);
			frame[0] = 0xff;
			if (round == 2 && i == 70)
				frame[50] ^= 1;
			put(i % 2, frame, len, 1000000 + i * 3000); /* they contend for the medium */
		}
		start_clock();
		for (uint32_t i = 0; i < 100; i++)
			take(2, got);
		send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
		next_msg(daemon_fd, WIRE_MSG_QUIESCED);
		digests[round] = port_stats(2)->digest;
		stop_ghost();
		wire_detach(&shuttle);
		wire_home_close(&home);
		close(daemon_fd);
		close(shuttle_daemon_fd);
	}
	ck_assert_uint_eq(digests[0], digests[1]);
	ck_assert_uint_ne(digests[0], digests[2]);
}
END_TEST

START_TEST(test_filter)
{
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	const char *to[] = {"ffffffffffff", "01005e000001", "020000000099", "333300000001"};
	char own[13];

	promiscuous = _i != 0;
	start_ghost(3, 100000000, 1000, 1500, 0);
	snprintf(own, sizeof(own), "%02x%02x%02x%02x%02x%02x", ports[1].mac[0], ports[1].mac[1], ports[1].mac[2],
		 ports[1].mac[3], ports[1].mac[4], ports[1].mac[5]);
	for (uint32_t i = 0; i < 5; i++) {
		random_fill(i, frame, 100);
		unhex(i == 4 ? own : to[i], frame);
		frame[6] &= 0xfe;
		put(0, frame, 100, 1000000 * (i + 1));
	}
	start_clock();
	for (uint32_t i = 0; i < 5; i++) {
		if (i == 2 && !promiscuous)
			continue; /* for another station */
		ck_assert_uint_eq(take(1, got).time_ns, 1000000 * (i + 1) + transit_ns(100));
	}
	for (uint32_t i = 0; i < 4; i++) {
		if (i != 2)
			take(2, got);
	}
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	next_msg(daemon_fd, WIRE_MSG_QUIESCED);
	ck_assert_uint_eq(port_stats(1)->received, 5);
	ck_assert_uint_eq(port_stats(1)->down.frames, promiscuous ? 5 : 4);
	ck_assert_uint_eq(port_stats(1)->down.drops[STATS_DROP_FILTERED], promiscuous ? 0 : 1);
	ck_assert_uint_eq(port_stats(2)->down.frames, 3);
	ck_assert_uint_eq(port_stats(2)->down.drops[STATS_DROP_FILTERED], 2);
	ck_assert_uint_eq(port_stats(0)->received, 0); /* nobody hears itself */
	stop_ghost();
}
END_TEST

/* ---- time ----------------------------------------------------------------------------------------------------- */

START_TEST(test_equal_stamps)
{
	/* Two frames stamped alike, published in the other order: the lower port gets the medium. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(3, 100000000, 0, 1500, 0);
	for (uint32_t i = 0; i < 20; i++) {
		for (int port = 1; port >= 0; port--) {
			random_fill(i, frame, 1000);
			frame[0] = 0xff;
			frame[20] = (uint8_t)port;
			put((uint32_t)port, frame, 1000, 1000000 * (i + 1));
		}
	}
	start_clock();
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_uint_eq(take(2, got).time_ns, 1000000 * (i + 1) + transit_ns(1000));
		ck_assert_uint_eq(got[20], 0);
		take(2, got);
		ck_assert_uint_eq(got[20], 1);
	}
	stop_ghost();
}
END_TEST

START_TEST(test_late_frame)
{
	/* A frame from before what was already simulated enters then, and the difference is counted. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	struct wire_record record;

	start_ghost(2, 100000000, 0, 1500, 0);
	random_fill(1, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, 5000000);
	start_clock();
	record = take(1, got);
	ck_assert_uint_eq(record.time_ns, 5000000 + transit_ns(100));
	put(0, frame, 100, 1000000); /* stamped earlier than the one that has already left */
	record = take(1, got);
	ck_assert_uint_ge(record.time_ns, 5000000 + 2 * (transit_ns(100) - 640));
	ck_assert_uint_eq(port_stats(0)->late.count, 2);
	ck_assert_uint_ge(port_stats(0)->late.max_ns, 4000000);
	ck_assert_uint_eq(port_stats(0)->late.over_budget, 1);
	/* Stamped before the origin: time 0, late as well. */
	random_fill(2, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, (uint64_t)0 - 1000000);
	take(1, got);
	ck_assert_mem_eq(got, frame, 100);
	stop_ghost();
}
END_TEST

START_TEST(test_lag)
{
	/* With a lag the simulation runs half of it behind the clock; simulated times do not change by it. */
	static const uint64_t lag_ns = 20000000;
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(2, 100000000, 6560, 1500, lag_ns);
	start_clock();
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t at = clock_ns() - origin_ns;
		struct wire_record record;

		random_fill(i, frame, 100);
		frame[0] = 0xff;
		put(0, frame, 100, at);
		record = take(1, got);
		ck_assert_uint_eq(record.time_ns, at + transit_ns(100));
		ck_assert_uint_ge(clock_ns(), origin_ns + record.time_ns + lag_ns / 2);
	}
	ck_assert_uint_eq(port_stats(0)->late.max_ns, 0);
	stop_ghost();
}
END_TEST

/* ---- links that change ---------------------------------------------------------------------------------------- */

static void put_at(uint64_t at_ns)
{
	uint8_t frame[60] = {0};

	memcpy(frame, ports[1].mac, 6);
	memcpy(frame + 6, ports[0].mac, 6);
	frame[12] = 8; /* IPv4 */
	put(0, frame, sizeof(frame), at_ns);
}

static void expect_departure(uint64_t at_ns, uint64_t rate, uint64_t delay)
{
	uint8_t got[WIRE_FRAME_MAX];
	struct wire_record record = take(1, got);

	rate_bps = rate;
	delay_ns = delay;
	ck_assert_msg(record.time_ns == at_ns + transit_ns(60), "a frame of %llu ns took %lld ns instead of %llu",
		      (unsigned long long)at_ns, (long long)(record.time_ns - at_ns),
		      (unsigned long long)transit_ns(60));
}

/* The scenario's own changes are made at their times, to the ns, and before a frame with the same stamp. */
START_TEST(test_timeline)
{
	timeline = "timeline:\n"
		   "  - {at: 5ms, link: lan, key: delay, value: 1ms}\n"
		   "  - {at: 10ms, link: lan, key: rate, value: 10Mbps}\n"
		   "  - {at: 20ms, link: lan.p0, key: state, value: down}\n"
		   "  - {at: 25ms, link: lan, key: state, value: up}\n"
		   "  - {at: 25ms, link: lan, key: delay, value: 2us}\n"
		   "  - {at: 30ms, link: lan.p1, key: state, value: down}\n"
		   "  - {at: 35ms, link: lan, key: state, value: up}\n"
		   "  - {at: 40ms, link: lan, key: rate, value: 1Gbps}\n"
		   "  - {at: 60min, link: lan, key: state, value: down}\n";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(4000000);
	put_at(4999999); /* its last bit leaves after the change */
	put_at(5010000);
	put_at(9999999); /* finished as it began, at the old rate */
	put_at(10030000);
	put_at(20000000); /* down */
	put_at(24999999); /* down */
	put_at(25000000);
	put_at(30000000); /* arrives at an end that is down */
	put_at(35000000);
	put_at(40000000);
	start_clock();
	expect_departure(4000000, 100000000, 1000);
	expect_departure(4999999, 100000000, 1000000);
	expect_departure(5010000, 100000000, 1000000);
	expect_departure(9999999, 100000000, 1000000);
	expect_departure(10030000, 10000000, 1000000);
	expect_departure(25000000, 10000000, 2000);
	expect_departure(35000000, 10000000, 2000);
	expect_departure(40000000, 1000000000, 2000);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(port_stats(0)->up.frames, 11);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 2);
	ck_assert_uint_eq(port_stats(0)->transmitted, 9);
	ck_assert_uint_eq(port_stats(1)->down.drops[STATS_DROP_DOWN], 1);
	ck_assert_uint_eq(port_stats(1)->down.frames, 8);
	ck_assert_uint_eq(home.stats[1]->changes, 8);
	stop_ghost();
}
END_TEST

/* What waits at the medium of an end that goes down is dropped, and the end can send again afterwards. */
START_TEST(test_down_clears_queue)
{
	timeline = "timeline:\n"
		   "  - {at: 2ms, link: lan.p0, key: state, value: down}\n"
		   "  - {at: 3ms, link: lan.p0, key: state, value: up}\n"
		   "  - {at: 4ms, link: lan, key: queue, value: 2p}\n";
	start_ghost(2, 1000000, 1000, 1500, 0); /* a frame takes 576 us, and 160 us of gap */
	for (int i = 0; i < 5; i++)
		put_at(1000000 + (uint64_t)i);
	for (int i = 0; i < 5; i++)
		put_at(5000000 + (uint64_t)i);
	start_clock();
	expect_departure(1000000, 1000000, 1000);
	expect_departure(1000000 + 672000, 1000000, 1000);
	for (uint64_t i = 0; i < 3; i++) /* one is being sent, two wait, two find no room */
		expect_departure(5000000 + i * 672000, 1000000, 1000);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 3);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_QUEUE], 2);
	ck_assert_uint_eq(port_stats(0)->transmitted, 5);
	stop_ghost();
}
END_TEST

static void send_change(uint64_t stamp_ns, uint64_t number, const char *text)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_CHANGE);

	msg.value[0] = stamp_ns;
	msg.value[1] = number;
	snprintf(msg.text, sizeof(msg.text), "%s", text);
	ck_assert_int_eq(wire_msg_send(daemon_fd, &msg, NULL, 0), 0);
}

static struct wire_msg expect_changed(uint64_t number, uint64_t at_ns)
{
	struct wire_msg msg = next_msg(daemon_fd, WIRE_MSG_CHANGED);

	ck_assert_uint_eq(msg.arg, 0);
	ck_assert_uint_eq(msg.value[1], number);
	if (at_ns)
		ck_assert_uint_eq(msg.value[0], at_ns);
	return msg;
}

/* Live changes stand in the same order as frames, by their stamps, however they were sent. */
START_TEST(test_live_change)
{
	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	send_change(origin_ns + 4000000, 7, "lan delay=3us");
	send_change(origin_ns + 2000000, 8, "lan delay=2us");
	send_change(origin_ns + 6000000, 9, "lan.p0 state=down");
	send_change(origin_ns + 8000000, 10, "lan.p0.eth0 state=up");
	for (uint64_t at = 1000000; at <= 9000000; at += 2000000)
		put_at(at);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	expect_departure(3000000, 100000000, 2000);
	expect_departure(5000000, 100000000, 3000);
	expect_departure(9000000, 100000000, 3000);
	ck_assert_str_eq(expect_changed(8, 2000000).text, "");
	ck_assert_str_eq(expect_changed(7, 4000000).text, "");
	ck_assert_str_eq(expect_changed(9, 6000000).text, "");
	ck_assert_str_eq(expect_changed(10, 8000000).text, "");
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 1);
	stop_ghost();
}
END_TEST

/* Two changes at once: the second is heard on the way to sleep, when the ghost has already looked what is due next. */
START_TEST(test_two_changes_at_once)
{
	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(1000000);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	for (uint64_t i = 0; i < 10; i++) {
		/* Both are there before it goes on, and it has not asked the daemon for longer than it may. */
		ck_assert_int_eq(kill(ghost_pid, SIGSTOP), 0);
		ck_assert_int_eq(waitpid(ghost_pid, NULL, WUNTRACED), ghost_pid);
		send_change(0, 2 * i, "lan delay=2us");
		send_change(0, 2 * i + 1, "lan delay=3us");
		poll(NULL, 0, 3);
		ck_assert_int_eq(kill(ghost_pid, SIGCONT), 0);
		ck_assert_str_eq(expect_changed(2 * i, 0).text, "");
		ck_assert_str_eq(expect_changed(2 * i + 1, 0).text, "");
	}
	stop_ghost();
}
END_TEST

/* The daemon checks changes; a ghost that is told nonsense all the same says so and goes on. */
START_TEST(test_wild_change)
{
	static const char *const wild[] = {"",
					   " ",
					   "lan",
					   "lan delay",
					   "lan delay=",
					   "lan =5ms",
					   "lan delay=5",
					   "net delay=5ms",
					   "lan mtu=1000",
					   "lan.p2 state=up",
					   "lan. state=up",
					   "lan state=sideways",
					   "\xff\xfe \x80=\x01",
					   "lan delay=99999999999999999999999999999999999999999999s",
					   "lan rate=0bps",
					   "lan queue=-1p",
					   "lan delay=5ms\nlan delay=6ms"};
	char longest[WIRE_TEXT_SIZE];

	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(1000000);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[100] = ' ';
	longest[110] = '=';
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		send_change(i % 2 ? 0 : clock_ns(), i, wild[i]);
		ck_assert_msg(expect_changed(i, 0).text[0] != '\0', "\"%s\" was taken", wild[i]);
	}
	send_change(origin_ns, 100, longest);
	ck_assert_str_ne(expect_changed(100, 0).text, "");
	put_at(clock_ns() - origin_ns);
	take(1, (uint8_t[WIRE_FRAME_MAX]){0});
	stop_ghost();
}
END_TEST

START_TEST(test_quiesce)
{
	/* QUIESCED comes when the last frame is out, not before: this cable is 300 ms long. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(2, 100000000, 300000000, 1500, 0);
	start_clock();
	random_fill(1, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, clock_ns() - origin_ns);
	while (stats_get(&port_stats(0)->up.frames) == 0)
		poll(NULL, 0, 1);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(stats_get(&port_stats(1)->down.frames), 1);
	take(1, got);
	stop_ghost();
}
END_TEST

START_TEST(test_slow_shuttle)
{
	/* The ring toward the shuttle is full: the ghost waits, loses nothing and still listens to the daemon. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	const uint32_t count = 160, len = 1500;

	start_ghost(3, 1000000000, 0, 1500, 0);
	for (uint32_t port = 0; port < 2; port++) {
		for (uint32_t i = 0; i < count; i++) {
			random_fill(i, frame, len);
			frame[0] = 0xff;
			frame[20] = (uint8_t)port;
			put(port, frame, len, 1000000 + i * 100000 + port * 50000);
		}
	}
	start_clock();
	while (stats_get(&port_stats(2)->stalls) == 0)
		poll(NULL, 0, 1);
	if (_i) {
		/* It is told to go while it waits, by a shuttle that keeps it awake for nothing. */
		send_msg(daemon_fd, WIRE_MSG_STOP, 0);
		for (int status; waitpid(ghost_pid, &status, WNOHANG) == 0;) {
			static uint64_t until;

			until = until ? until : clock_ns() + PATIENCE_MS * 1000000ull;
			ck_assert_msg(clock_ns() < until, "the ghost hangs");
			__atomic_store_n(&shuttle.peer_inbox->data[0], 1, __ATOMIC_SEQ_CST);
			__atomic_store_n(&shuttle.peer_inbox->space[0], 1, __ATOMIC_SEQ_CST);
		}
		ghost_pid = -1;
		return;
	}
	for (uint32_t i = 0; i < 2 * count; i++) {
		ck_assert_uint_eq(take(2, got).len, len);
		ck_assert_uint_eq(got[20], i % 2);
		random_fill(i / 2, frame, len);
		ck_assert_mem_eq(got + 21, frame + 21, len - 21);
	}
	stop_ghost();
}
END_TEST

START_TEST(test_daemon_gone)
{
	start_ghost(2, 100000000, 0, 1500, 0);
	if (_i)
		start_clock();
	close(daemon_fd);
	expect_exit(1);
}
END_TEST

START_TEST(test_no_daemon)
{
	char path[128];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), pipes[2];
	static const char text[] = "ghostbridge: 1\nnodes: {a: {}, b: {}}\n"
				   "links: {lan: {kind: csma, rate: 1Mbps, delay: 0s, ends: [a, b]}}\n";

	snprintf(path, sizeof(path), "%s/none", dir);
	run_ghost(path, null); /* no scenario either */
	expect_exit(1);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(write(pipes[1], text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(pipes[1]);
	run_ghost(path, pipes[0]);
	expect_exit(1);
}
END_TEST

/* ---- a shuttle that does not behave --------------------------------------------------------------------------- */

START_TEST(test_hostile_shuttle)
{
	static uint8_t frame[WIRE_FRAME_MAX];
	/* A wild consumer index is seen when the ring seems full; a third port's ring would be full before. */
	uint32_t count = _i >= WILD_CONS_AHEAD ? 2 : 3, port = (uint32_t)_i % count;
	struct wire_msg msg;
	uint8_t *room;

	start_ghost(count, 1000000000, 0, 1500, 0);
	if (_i & 1)
		misbehave(&shuttle, port, clock_ns(), (enum misdeed)_i); /* already before START */
	start_clock();
	if (!(_i & 1))
		misbehave(&shuttle, port, clock_ns(), (enum misdeed)_i);
	while (_i >= WILD_CONS_AHEAD && !readable(daemon_fd, 0)) {
		random_fill(1, frame, 1500);
		frame[0] = 0xff;
		if (ring_p_reserve(&shuttle.tx[(port + 1) % count], 1500, &room) == 1)
			put((port + 1) % count, frame, 1500, clock_ns() - origin_ns);
	}
	msg = next_msg(daemon_fd, WIRE_MSG_ERROR);
	ck_assert_msg(strstr(msg.text, ports[port].name), "\"%s\" does not name the port", msg.text);
	expect_exit(STATUS_NONSENSE);
	ck_assert_int_eq(wire_msg_receive(daemon_fd, &msg, NULL, NULL), -ECONNRESET); /* said once */
}
END_TEST

START_TEST(test_hostile_noise)
{
	/* Everything the shuttle can write to, written over at random: ends in order, or goes on. */
	uint64_t state = 2000 + (uint64_t)_i, until;
	static uint8_t frame[WIRE_FRAME_MAX];
	bool stopped = false;
	int status;
	uint8_t *room;

	start_ghost(3, 1000000000, 1000, 1500, 0);
	start_clock();
	until = clock_ns() + PATIENCE_MS * 1000000ull;
	for (uint64_t round = 0; waitpid(ghost_pid, &status, WNOHANG) == 0; round++) {
		uint64_t at = random_next(&state) % (shuttle.memory_size / 8);

		ck_assert_msg(clock_ns() < until, "the ghost hangs");
		random_fill(round, frame, 200);
		if (ring_p_reserve(&shuttle.tx[round % 3], 200, &room) == 1)
			put((uint32_t)(round % 3), frame, 200, clock_ns() - origin_ns);
		/* Mostly the part where the control and the used records are. */
		if (random_next(&state) % 2)
			at %= 4096;
		if (round > 100)
			((uint64_t *)(void *)shuttle.memory)[at] = random_next(&state);
		wire_ring_bell(shuttle.peer_bell_fd);
		if (round == 20000) {
			send_msg(daemon_fd, WIRE_MSG_STOP, 0);
			stopped = true;
		}
	}
	ghost_pid = -1;
	ck_assert_msg(WIFEXITED(status), "the ghost died of signal %d", WTERMSIG(status));
	if (!stopped) {
		ck_assert_int_eq(WEXITSTATUS(status), STATUS_NONSENSE);
		ck_assert_ptr_nonnull(strstr(next_msg(daemon_fd, WIRE_MSG_ERROR).text, ".eth0"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ghost");
	TCase *tcase;
	SRunner *runner;
	int failed;

	tcase = tcase_create("frames");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_kind, 0, sizeof(links) / sizeof(*links));
	tcase_add_test(tcase, test_capture);
	tcase_add_test(tcase, test_capture_successor);
	tcase_add_test(tcase, test_digest_repeats);
	tcase_add_loop_test(tcase, test_filter, 0, 2);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("time");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_equal_stamps);
	tcase_add_test(tcase, test_late_frame);
	tcase_add_test(tcase, test_lag);
	tcase_add_test(tcase, test_timeline);
	tcase_add_test(tcase, test_down_clears_queue);
	tcase_add_test(tcase, test_live_change);
	tcase_add_test(tcase, test_two_changes_at_once);
	tcase_add_test(tcase, test_wild_change);
	tcase_add_test(tcase, test_quiesce);
	tcase_add_loop_test(tcase, test_slow_shuttle, 0, 2);
	tcase_add_loop_test(tcase, test_daemon_gone, 0, 2);
	tcase_add_test(tcase, test_no_daemon);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("hostile shuttle");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_hostile_shuttle, 0, WILD_COUNT);
	tcase_add_loop_test(tcase, test_hostile_noise, 0, 10);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
