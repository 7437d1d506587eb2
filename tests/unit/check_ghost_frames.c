/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost_frames.c - every kind of frame through a ghost, and those of a capture file.
 */
#include "tests/unit/check_ghost.h"

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

/* What a container gets that sends from one other address, from a group's, from its own again, and from a second. */
START_TEST(test_changed_address)
{
	static const struct {
		uint32_t port;
		const char *to, *from;
		bool taken; /* by port 1 */
	} frames[] = {
		{1, "ffffffffffff", "020000000099", false},
		{0, "020000000099", NULL, true},
		{1, "ffffffffffff", "01005e000001", false},
		{0, "020000000099", NULL, true},
		{1, "ffffffffffff", NULL, false},
		{0, "020000000099", NULL, true},
		{1, "ffffffffffff", "020000000098", false},
		{0, "020000000099", NULL, false},
		{0, "020000000098", NULL, true},
	};
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	promiscuous = false;
	start_ghost(3, 100000000, 1000, 1500, 0);
	for (uint32_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		random_fill(i, frame, 100);
		unhex(frames[i].to, frame);
		if (frames[i].from)
			unhex(frames[i].from, frame + 6);
		else
			memcpy(frame + 6, ports[frames[i].port].mac, 6);
		put(frames[i].port, frame, 100, 1000000 * (i + 1));
	}
	start_clock();
	for (uint32_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		if (frames[i].taken)
			ck_assert_uint_eq(take(1, got).time_ns, 1000000 * (i + 1) + transit_ns(100));
	}
	for (uint32_t i = 0; i < 4; i++) {
		take(0, got);
		take(2, got);
	}
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	next_msg(daemon_fd, WIRE_MSG_QUIESCED);
	ck_assert_uint_eq(port_stats(1)->received, 5);
	ck_assert_uint_eq(port_stats(1)->down.frames, 4);
	ck_assert_uint_eq(port_stats(1)->down.drops[STATS_DROP_FILTERED], 1);
	ck_assert_uint_eq(port_stats(2)->down.drops[STATS_DROP_FILTERED], 5);
	stop_ghost();
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

TCase *ghost_frames_tests(void)
{
	TCase *tcase = tcase_create("frames");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_kind, 0, sizeof(links) / sizeof(*links));
	tcase_add_test(tcase, test_capture);
	tcase_add_test(tcase, test_capture_successor);
	tcase_add_test(tcase, test_digest_repeats);
	tcase_add_loop_test(tcase, test_filter, 0, 2);
	tcase_add_test(tcase, test_changed_address);
	return tcase;
}
