/* SPDX-License-Identifier: GPL-2.0-only */
/* check_record.c - pcapng, and recordings written, read, cut and spoiled. */
#include "tests/unit/check_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/record/digest.h"
#include "bridge/record/flow.h"

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_SCALAR
#include <xxhash.h>

static uint8_t frame[1500];

static struct journal_entry entry(enum journal_kind kind, uint32_t port, uint64_t time_ns, uint32_t size)
{
	return (struct journal_entry){.kind = (uint16_t)kind, .port = port, .time_ns = time_ns, .size = size};
}

/* Two ghosts: two ports on one link, and two on another. */
static void open_writer(struct boundary_writer *writer, const char *scenario)
{
	static const struct boundary_port ports[] = {
		{"h1.eth0", "lan", 0, 0}, {"h2.eth0", "lan", 0, 1}, {"h3.eth0", "wan", 1, 0}, {"h4.eth0", "wan", 1, 1}};
	const struct boundary_info info = {.name = "unit",
					   .default_name = "unit",
					   .scenario = scenario,
					   .ns3 = "3.37",
					   .program = "0123456789abcdef",
					   .seed = 42,
					   .workers = 2,
					   .ghost_count = 2,
					   .ports = ports,
					   .port_count = 4};

	ck_assert_int_eq(boundary_open(writer, &info), 0);
}

static void add(struct boundary_writer *writer, uint32_t ghost, const struct journal_entry *what)
{
	ck_assert_int_eq(boundary_add(writer, ghost, what, frame), 0);
}

static void add_in(struct boundary_writer *writer, uint32_t ghost, uint32_t port, uint64_t time_ns, uint8_t mark)
{
	struct journal_entry in = entry(JOURNAL_IN, port, time_ns, 100);

	frame[20] = mark;
	add(writer, ghost, &in);
}

static void add_out(struct boundary_writer *writer, uint32_t ghost, uint32_t port, uint64_t time_ns, uint8_t mark)
{
	struct journal_entry out = entry(JOURNAL_OUT, port, time_ns, 0);

	frame[20] = mark;
	out.extra = 100;
	out.value = digest_bytes(frame, 100);
	add(writer, ghost, &out);
}

static void add_end(struct boundary_writer *writer, uint32_t ghost, uint64_t time_ns)
{
	struct journal_entry end = entry(JOURNAL_END, 0, time_ns, 0);

	end.value = 77;
	add(writer, ghost, &end);
}

/* A small recording in which everything occurs. */
static void fill(struct boundary_writer *writer)
{
	struct journal_entry change = entry(JOURNAL_CONTROL, 0, 2500, 14), begin = entry(JOURNAL_BEGIN, 0, 0, 0);

	add(writer, 0, &begin);
	add(writer, 1, &begin);
	add_in(writer, 0, 0, 1000, 1);
	add_in(writer, 1, 1, 500, 9);
	add_in(writer, 0, 0, 2000, 2);
	memcpy(frame + 200, "lan delay=10ms", 14);
	ck_assert_int_eq(boundary_add(writer, 0, &change, frame + 200), 0);
	add_out(writer, 0, 1, 4000, 1);
	add_in(writer, 0, 1, 4500, 3);
	add_end(writer, 0, 9000);
	add_end(writer, 1, 9100);
	boundary_flush(writer);
}

START_TEST(test_recording_round_trip)
{
	static const enum journal_kind kinds[] = {JOURNAL_BEGIN,   JOURNAL_BEGIN, JOURNAL_IN, JOURNAL_IN,  JOURNAL_IN,
						  JOURNAL_CONTROL, JOURNAL_OUT,   JOURNAL_IN, JOURNAL_END, JOURNAL_END};
	static const uint64_t times[] = {0, 0, 1000, 500, 2000, 2500, 4000, 4500, 9000, 9100};
	struct boundary_writer *writer = malloc(sizeof(*writer));
	size_t scenario_size = 200000, i, seen[2] = {0, 0};
	char *scenario = malloc(scenario_size + 1);
	struct recording recording;
	struct recording_entry got;
	struct diag diag = {""};

	memset(scenario, 'x', scenario_size); /* more than fits into one option */
	scenario[scenario_size] = '\0';
	scenario[60000] = 'y';
	open_writer(writer, scenario);
	fill(writer);
	ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag), 0);
	ck_assert_str_eq(recording.scenario, scenario);
	ck_assert_str_eq(recording.name, "unit");
	ck_assert_str_eq(recording.ns3, "3.37");
	ck_assert_uint_eq(recording.seed, 42);
	ck_assert_uint_eq(recording.workers, 2);
	ck_assert_uint_eq(recording.port_count, 4);
	ck_assert_str_eq(recording.ports[2].name, "h3.eth0");
	ck_assert_str_eq(recording.ports[2].link, "wan");
	ck_assert_uint_eq(recording.ports[3].ghost, 1);
	ck_assert_uint_eq(recording.ports[3].index, 1);
	ck_assert_str_eq(recording.incomplete, "");
	ck_assert_uint_eq(recording.ghosts[0].events, 77);
	ck_assert_uint_eq(recording.ghosts[1].end_ns, 9100);
	ck_assert_uint_eq(recording.ports[0].frames_in, 2);
	ck_assert_uint_eq(recording.ports[1].frames_out, 1);
	ck_assert_str_eq(recording.program, "0123456789abcdef");
	ck_assert_ptr_null(recording.ghost);
	/* Twice: rewinding works. Events keep their place, departures come before the next event or at the end. */
	for (int round = 0; round < 2; round++) {
		for (i = 0; recording_next(&recording, &got); i++) {
			bool known = false;

			for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++)
				known |= kinds[j] == got.kind && times[j] == got.time_ns;
			ck_assert(known);
			if (got.kind == JOURNAL_CONTROL) {
				ck_assert_uint_eq(got.size, 14);
				ck_assert_int_eq(memcmp(got.data, "lan delay=10ms", 14), 0);
			}
			seen[round]++;
		}
		ck_assert_uint_eq(i, sizeof(kinds) / sizeof(kinds[0]));
		recording_rewind(&recording);
	}
	recording_done(&recording);
	boundary_close(writer);
	free(writer);
	free(scenario);
}
END_TEST

/* Wherever the file ends, it is refused by name or read up to its last whole block. */
START_TEST(test_recording_cut_anywhere)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct recording recording;
	struct recording_entry got;
	size_t head, last = 0;

	open_writer(writer, "ghostbridge: 1\n");
	head = writer->out.size;
	fill(writer);
	for (size_t size = 0; size < writer->out.size; size++) {
		uint8_t *copy = malloc(size + 1); /* of its own, so that reading on is noticed */
		struct diag diag = {""};
		size_t count = 0;
		int r;

		memcpy(copy, writer->out.data, size);
		r = recording_parse(copy, size, &recording, &diag);
		if (size < head) {
			ck_assert_int_eq(r, -EPROTO);
			ck_assert_str_ne(diag.text, "");
		} else {
			ck_assert_int_eq(r, 0);
			ck_assert_str_ne(recording.incomplete, "");
			while (recording_next(&recording, &got))
				count++;
			ck_assert_uint_ge(count, last);
			last = count;
		}
		recording_done(&recording);
		free(copy);
	}
	ck_assert_uint_ge(last, 9);
	boundary_close(writer);
	free(writer);
}
END_TEST

START_TEST(test_recording_spoiled_anywhere)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct recording_entry got;
	struct recording recording;
	uint8_t *copy;

	open_writer(writer, "ghostbridge: 1\n");
	fill(writer);
	copy = malloc(writer->out.size);
	for (size_t at = 0; at < writer->out.size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct diag diag = {""};

			memcpy(copy, writer->out.data, writer->out.size);
			copy[at] ^= (uint8_t)(1 << bit);
			/* Whatever it says: no crash, and a refusal has a reason. */
			if (recording_parse(copy, writer->out.size, &recording, &diag) < 0)
				ck_assert_str_ne(diag.text, "");
			else
				while (recording_next(&recording, &got))
					;
			recording_done(&recording);
		}
	}
	free(copy);
	boundary_close(writer);
	free(writer);
}
END_TEST

START_TEST(test_foreign_files)
{
	struct pcapng_out out = {.data = NULL};
	struct recording recording;
	struct diag diag = {""};
	static const uint8_t pcap[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0};

	ck_assert_int_eq(recording_parse(pcap, sizeof(pcap), &recording, &diag), -EPROTO);
	ck_assert_ptr_nonnull(strstr(diag.text, "no pcapng"));
	recording_done(&recording);
	/* somebody else's pcapng */
	pcapng_section(&out);
	pcapng_option_text(&out, PCAPNG_SHB_USERAPPL, "dumpcap");
	pcapng_end_options(&out);
	pcapng_end(&out);
	pcapng_interface(&out, PCAPNG_LINK_ETHERNET, "eth0", NULL);
	pcapng_end_options(&out);
	pcapng_end(&out);
	diag.text[0] = '\0';
	ck_assert_int_eq(recording_parse(out.data, out.size, &recording, &diag), -EPROTO);
	ck_assert_ptr_nonnull(strstr(diag.text, "not a recording"));
	recording_done(&recording);
	/* of the other byte order */
	memcpy(out.data + 8, "\x1a\x2b\x3c\x4d", 4);
	diag.text[0] = '\0';
	ck_assert_int_eq(recording_parse(out.data, out.size, &recording, &diag), -EPROTO);
	ck_assert_ptr_nonnull(strstr(diag.text, "byte order"));
	recording_done(&recording);
	pcapng_out_done(&out);
}
END_TEST

START_TEST(test_other_schema)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct recording recording;
	struct diag diag = {""};
	uint8_t *at;

	open_writer(writer, "ghostbridge: 1\n");
	fill(writer);
	at = memmem(writer->out.data, writer->out.size, "schema=1", 8);
	ck_assert_ptr_nonnull(at);
	at[7] = '2';
	ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag), -EPROTONOSUPPORT);
	ck_assert_ptr_nonnull(strstr(diag.text, "schema is 2"));
	recording_done(&recording);
	boundary_close(writer);
	free(writer);
}
END_TEST

START_TEST(test_gap_and_second_ghost)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct journal_entry gap = entry(JOURNAL_GAP, 0, 3000, 0), begin = entry(JOURNAL_BEGIN, 0, 0, 0);
	struct recording recording;
	struct diag diag = {""};

	gap.value = 5;
	open_writer(writer, "ghostbridge: 1\n");
	add(writer, 0, &begin);
	add_in(writer, 0, 0, 1000, 1);
	add(writer, 0, &gap);
	add_in(writer, 0, 0, 4000, 2);
	add_end(writer, 0, 5000);
	add_end(writer, 1, 5000);
	ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag), 0);
	ck_assert_ptr_nonnull(strstr(recording.incomplete, "5 entries are missing"));
	ck_assert_uint_eq(recording.ghosts[0].gap_at, 2);
	ck_assert_uint_eq(recording.ghosts[1].gap_at, UINT64_MAX);
	recording_done(&recording);
	boundary_close(writer);

	open_writer(writer, "ghostbridge: 1\n");
	add(writer, 0, &begin);
	add_in(writer, 0, 0, 4000, 1);
	add(writer, 0, &begin);
	add_in(writer, 0, 0, 2000, 2); /* its successor's time begins anew */
	ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag), 0);
	ck_assert_ptr_nonnull(strstr(recording.incomplete, "started again"));
	recording_done(&recording);
	boundary_close(writer);
	free(writer);
}
END_TEST

START_TEST(test_refuses_what_makes_no_sense)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct journal_entry in = entry(JOURNAL_IN, 2, 0, 100);

	open_writer(writer, "ghostbridge: 1\n");
	ck_assert_int_eq(boundary_add(writer, 0, &in, frame), -EPROTO); /* ghost 0 has two ports */
	in.port = 0;
	in.size = 13;
	ck_assert_int_eq(boundary_add(writer, 0, &in, frame), -EPROTO);
	in.kind = 99;
	ck_assert_int_eq(boundary_add(writer, 0, &in, frame), -EPROTO);
	boundary_close(writer);
	free(writer);
}
END_TEST

/* What comes in an order that no run has: where, and what is said of it. A replay would wait for it. */
START_TEST(test_refuses_another_order)
{
	static const struct {
		struct journal_entry entries[3];
		const char *said;
	} cases[] = {
		{{{.kind = JOURNAL_IN, .size = 100, .time_ns = 2000},
		  {.kind = JOURNAL_IN, .size = 100, .time_ns = 1000}},
		 "entered before"},
		{{{.kind = JOURNAL_IN, .size = 100, .time_ns = 2000}, {.kind = JOURNAL_CONTROL, .time_ns = 1000}},
		 "the change at byte"},
		{{{.kind = JOURNAL_CONTROL, .time_ns = 2000}, {.kind = JOURNAL_IN, .size = 100, .time_ns = 1000}},
		 "the frame at byte"},
		{{{.kind = JOURNAL_IN, .size = 100, .time_ns = 1ull << 63}, {.kind = JOURNAL_END, .time_ns = 5000}},
		 "later than a year"},
		{{{.kind = JOURNAL_IN, .size = 100, .time_ns = 1ull << 40}, {.kind = JOURNAL_END, .time_ns = 5000}},
		 "the end at byte"},
		{{{.kind = JOURNAL_OUT, .extra = 100, .time_ns = 1ull << 60}}, "later than a year"},
		{{{.kind = JOURNAL_END, .time_ns = 5000}, {.kind = JOURNAL_IN, .size = 100, .time_ns = 6000}},
		 "ghost 0 goes on after its end"},
		{{{.kind = JOURNAL_END, .time_ns = 5000}, {.kind = JOURNAL_OUT, .extra = 100, .time_ns = 5000}},
		 "ghost 0 goes on after its end"},
		{{{.kind = JOURNAL_END, .time_ns = 5000}, {.kind = JOURNAL_END, .time_ns = 5000}},
		 "ghost 0 goes on after its end"},
		/* Frames leave ahead of their time, and a ghost may have a successor. */
		{{{.kind = JOURNAL_OUT, .extra = 100, .time_ns = 7000}, {.kind = JOURNAL_END, .time_ns = 5000}}, NULL},
		{{{.kind = JOURNAL_END, .time_ns = 5000},
		  {.kind = JOURNAL_BEGIN},
		  {.kind = JOURNAL_CONTROL, .time_ns = 9}},
		 NULL},
	};
	struct boundary_writer *writer = malloc(sizeof(*writer));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recording recording;
		struct diag diag = {""};

		open_writer(writer, "ghostbridge: 1\n");
		for (size_t j = 0; j < 3 && cases[i].entries[j].kind; j++)
			add(writer, 0, &cases[i].entries[j]);
		boundary_flush(writer);
		ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag),
				 cases[i].said ? -EPROTO : 0);
		ck_assert_msg(!cases[i].said || strstr(diag.text, cases[i].said), "case %zu: %s", i, diag.text);
		recording_done(&recording);
		boundary_close(writer);
	}
	free(writer);
}
END_TEST

/* Of what enters every bit counts, and the order, but nothing of what leaves. */
START_TEST(test_inputs)
{
	static const struct journal_entry frame_in = {.kind = JOURNAL_IN, .size = 100, .time_ns = 5};
	static const struct journal_entry change = {.kind = JOURNAL_CONTROL, .size = 100, .time_ns = 5};
	struct journal_entry others[] = {frame_in, frame_in, frame_in, change};
	struct boundary_writer *writer = malloc(sizeof(*writer));
	uint64_t once = boundary_input(0, &frame_in, frame), seen[6] = {once}, inputs[2];

	others[0].time_ns = 6;
	others[1].port = 1;
	others[2].size = 99;
	for (int i = 0; i < 4; i++)
		seen[1 + i] = boundary_input(0, &others[i], frame);
	frame[50] ^= 1;
	seen[5] = boundary_input(0, &frame_in, frame);
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(seen[i], seen[j]);
	ck_assert_uint_ne(boundary_input(seen[5], &others[0], frame), boundary_input(seen[1], &frame_in, frame));
	others[0].kind = JOURNAL_OUT;
	ck_assert_uint_eq(boundary_input(once, &others[0], frame), once);
	/* Whatever the order of two ghosts in the file. */
	open_writer(writer, "ghostbridge: 1\n");
	add_in(writer, 1, 0, 1000, 1);
	add_in(writer, 0, 0, 1000, 2);
	inputs[0] = boundary_inputs(writer->inputs, 2);
	boundary_close(writer);
	open_writer(writer, "ghostbridge: 1\n");
	add_in(writer, 0, 0, 1000, 2);
	add_in(writer, 1, 0, 1000, 1);
	inputs[1] = boundary_inputs(writer->inputs, 2);
	ck_assert_uint_eq(inputs[0], inputs[1]);
	boundary_close(writer);
	free(writer);
}
END_TEST

START_TEST(test_flows)
{
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct flow_port flows[4];
	struct recording recording;
	struct diag diag = {""};

	open_writer(writer, "ghostbridge: 1\n");
	/* Twice the same bytes, once others that are lost, and an echo of the first from the other side. */
	add_in(writer, 0, 0, 1000, 1);
	add_in(writer, 0, 0, 1100, 2);
	add_in(writer, 0, 0, 1200, 1);
	add_out(writer, 0, 1, 1500, 1);
	add_out(writer, 0, 1, 1900, 1);
	add_in(writer, 0, 1, 3000, 1);
	add_out(writer, 0, 0, 3050, 1);
	add_out(writer, 0, 0, 4000, 7); /* made inside */
	boundary_flush(writer);
	ck_assert_int_eq(recording_parse(writer->out.data, writer->out.size, &recording, &diag), 0);
	ck_assert_int_eq(flow_find(&recording, flows), 0);
	ck_assert_uint_eq(flows[0].entered, 3);
	ck_assert_uint_eq(flows[0].vanished, 1);
	ck_assert_uint_eq(flows[1].found, 2);
	ck_assert_uint_eq(flows[1].delay_min_ns, 500);
	ck_assert_uint_eq(flows[1].delay_max_ns, 700);
	ck_assert_uint_eq(flows[0].found, 1);
	ck_assert_uint_eq(flows[0].left, 2);
	ck_assert_uint_eq(flows[0].delay_min_ns, 50);
	ck_assert_uint_eq(flows[1].vanished, 0);
	recording_done(&recording);
	boundary_close(writer);
	free(writer);
}
END_TEST

/* Recordings are compared between machines, so the instructions that a digest is made of must not matter. */
START_TEST(test_digest_is_xxh3)
{
	static uint8_t bytes[9100];
	uint32_t noise = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		noise = noise * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(noise >> 24);
	}
	for (uint32_t len = 1; len < 9050; len += len < 2100 ? 1 : 113)
		for (uint32_t at = 0; at < 3; at++) /* frames lie in the ring as they come */
			ck_assert_uint_eq(digest_bytes(bytes + at, len), XXH3_64bits(bytes + at, len));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_recording_round_trip);
	tcase_add_test(tcase, test_recording_cut_anywhere);
	tcase_add_test(tcase, test_recording_spoiled_anywhere);
	tcase_add_test(tcase, test_foreign_files);
	tcase_add_test(tcase, test_other_schema);
	tcase_add_test(tcase, test_gap_and_second_ghost);
	tcase_add_test(tcase, test_refuses_what_makes_no_sense);
	tcase_add_test(tcase, test_refuses_another_order);
	tcase_add_test(tcase, test_inputs);
	tcase_add_test(tcase, test_flows);
	tcase_add_test(tcase, test_digest_is_xxh3);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, record_journal_tests());
	suite_add_tcase(suite, record_recorder_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
