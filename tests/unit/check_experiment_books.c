/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_experiment_books.c - the books of a link: every frame that goes in comes out or is counted under a cause.
 */
#include "tests/unit/check_experiment.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/tally.h"

/* A link on which every frame of a random-looking load has a known fate. */
static struct tally_port *balanced(size_t count)
{
	struct tally_port *ports = calloc(count, sizeof(*ports));
	uint64_t transmitted = 0;

	for (size_t i = 0; i < count; i++) {
		struct tally_port *port = &ports[i];

		port->shuttle.up.frames = 1000 + 10 * i;
		port->shuttle.up.bytes = 64 * port->shuttle.up.frames;
		port->shuttle.up.drops[STATS_DROP_OVERSIZE] = 3 + i;
		port->ghost.up.frames = port->shuttle.up.frames - 3 - i;
		port->ghost.up.drops[STATS_DROP_QUEUE] = 50;
		port->ghost.up.drops[STATS_DROP_MEDIUM] = i;
		port->ghost.transmitted = port->ghost.up.frames - 50 - i;
		transmitted += port->ghost.transmitted;
	}
	for (size_t i = 0; i < count; i++) {
		struct tally_port *port = &ports[i];

		port->ghost.received = transmitted - port->ghost.transmitted;
		port->ghost.down.drops[STATS_DROP_FILTERED] = 7;
		port->ghost.down.frames = port->ghost.received - 7;
		port->shuttle.down.drops[STATS_DROP_TAP_DOWN] = 2;
		port->shuttle.down.frames = port->ghost.down.frames - 2;
	}
	return ports;
}

static uint64_t all_drops(const struct tally_link *link)
{
	uint64_t sum = 0;

	for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
		sum += link->drops[cause];
	return sum;
}

START_TEST(books_balance)
{
	for (size_t count = 2; count <= 5; count++) {
		struct tally_port *ports = balanced(count);
		struct tally_link link;

		tally_close(ports, count, TALLY_SHARED, true, false, &link);
		ck_assert(link.conserved);
		ck_assert_int_eq(link.propagating, 0);
		ck_assert_uint_eq(link.copies, link.received);
		ck_assert_uint_eq(link.drops[STATS_DROP_IN_FLIGHT], 0);
		if (count == 2)
			ck_assert_uint_eq(link.frames_in, link.frames_out + all_drops(&link));
		free(ports);
	}
}
END_TEST

/* The ghost alone counts at the end of a simulated node. */
START_TEST(books_have_simulated_ends)
{
	struct tally_port *ports = balanced(3);
	struct tally_link link;
	uint64_t up = ports[1].ghost.up.frames, down = ports[1].ghost.down.frames;

	memset(&ports[1].shuttle, 0, sizeof(ports[1].shuttle));
	tally_take_inner(&ports[1]);
	tally_close(ports, 3, TALLY_SHARED, true, false, &link);
	ck_assert(link.conserved);
	ck_assert_uint_eq(link.inner_in, up);
	ck_assert_uint_eq(link.inner_out, down);
	ck_assert_uint_eq(link.frames_in, ports[0].up.frames + ports[2].up.frames + up);
	/* What its stack did not get is missed. */
	ports[1].shuttle.down.frames--;
	tally_close(ports, 3, TALLY_SHARED, true, false, &link);
	ck_assert(!link.conserved);
	free(ports);
}
END_TEST

START_TEST(books_name_what_is_under_way)
{
	struct tally_port *ports = balanced(2);
	struct tally_link link;

	ports[0].shuttle.up.frames += 4; /* read, not yet sent */
	ports[1].ghost.received -= 5;    /* on the cable ... */
	ports[1].ghost.down.frames -= 5;
	ports[1].shuttle.down.frames -= 11; /* ... and 6 in the ring */
	tally_close(ports, 2, TALLY_SHARED, false, false, &link);
	ck_assert(link.conserved);
	ck_assert_int_eq(link.propagating, 5);
	ck_assert_uint_eq(ports[0].up.drops[STATS_DROP_IN_FLIGHT], 4);
	ck_assert_uint_eq(ports[1].down.drops[STATS_DROP_IN_FLIGHT], 11);
	ck_assert_uint_eq(link.frames_in, link.frames_out + all_drops(&link));
	/* If everybody says that nothing is under way, these 15 frames are unaccounted for. */
	tally_close(ports, 2, TALLY_SHARED, true, false, &link);
	ck_assert(!link.conserved);
	/* Unless a process died with them. */
	tally_close(ports, 2, TALLY_SHARED, true, true, &link);
	ck_assert(link.conserved);
	ck_assert_uint_eq(link.drops[STATS_DROP_LOST], 15);
	ck_assert_uint_eq(link.drops[STATS_DROP_IN_FLIGHT], 0);
	free(ports);
}
END_TEST

START_TEST(books_sum_what_was_checked)
{
	struct tally_port *ports = balanced(3);
	struct stats_port again;
	struct tally_link link;
	json_t *json;

	ports[0].ghost.spacing = (struct stats_check){.checked = 10};
	ports[1].ghost.spacing = (struct stats_check){.checked = 5, .broken = 2, .first_ns = 3000000000};
	ports[2].ghost.spacing = (struct stats_check){.checked = 5, .broken = 1, .first_ns = 2000000000};
	ports[2].ghost.order = (struct stats_check){.checked = 7};
	tally_close(ports, 3, TALLY_SHARED, true, false, &link);
	json = tally_invariants(SCENARIO_LINK_CSMA, &link.spacing, &link.order);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "spacing"), "checked")), 20);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "spacing"), "broken")), 3);
	ck_assert_double_eq(json_real_value(json_object_get(json_object_get(json, "spacing"), "first_s")), 2.0);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "order"), "checked")), 7);
	ck_assert_ptr_null(json_object_get(json_object_get(json, "order"), "first_s"));
	json_decref(json);
	json = tally_invariants(SCENARIO_LINK_WIFI, &link.spacing, &link.order);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "order"), "checked")), 7);
	ck_assert_ptr_null(json_object_get(json, "spacing"));
	json_decref(json);
	json = tally_invariants(SCENARIO_LINK_GHOST, &link.spacing, &link.order);
	ck_assert_uint_eq(json_object_size(json), 0);
	json_decref(json);
	/* What a ghost's predecessor found is not forgotten. */
	tally_copy(&again, &ports[0].ghost);
	tally_add(&again, &ports[1].ghost);
	ck_assert_uint_eq(again.spacing.checked, 15);
	ck_assert_uint_eq(again.spacing.broken, 2);
	ck_assert_uint_eq(again.spacing.first_ns, 3000000000);
	free(ports);
}
END_TEST

START_TEST(books_notice_frames_from_nowhere)
{
	struct tally_port *ports = balanced(2);
	struct tally_link link;

	ports[1].shuttle.down.frames++;
	tally_close(ports, 2, TALLY_SHARED, false, false, &link);
	ck_assert(!link.conserved);
	ports[1].shuttle.down.frames--;
	ports[0].ghost.transmitted += 1;
	tally_close(ports, 2, TALLY_SHARED, true, false, &link);
	ck_assert(!link.conserved);
	free(ports);
	/* What a hostile ghost may write. */
	ports = balanced(2);
	memset(&ports[0].ghost, 0xff, sizeof(ports[0].ghost));
	tally_close(ports, 2, TALLY_SHARED, false, false, &link);
	free(ports);
}
END_TEST

START_TEST(counters_add_up)
{
	struct stats_port *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	a->up.frames = 1;
	a->digest = 42;
	b->up.frames = 2;
	b->down.drops[STATS_DROP_FILTERED] = 3;
	stats_hist_add(&b->late, 1000, 10);
	tally_copy(a, b);
	ck_assert_uint_eq(a->up.frames, 2);
	a->digest = 42;
	tally_add(a, b);
	ck_assert_uint_eq(a->up.frames, 4);
	ck_assert_uint_eq(a->down.drops[STATS_DROP_FILTERED], 6);
	ck_assert_uint_eq(a->late.count, 2);
	ck_assert_uint_eq(a->late.over_budget, 2);
	ck_assert_uint_eq(a->digest, 0);
	free(a);
	free(b);
}
END_TEST

START_TEST(books_of_an_unknown_medium)
{
	struct tally_port ports[2];
	struct tally_link link;

	memset(ports, 0, sizeof(ports));
	/* One end sends 10, of which 2 found the queue full; its device heard nothing, the other's 30 copies of them.
	 */
	ports[0].shuttle.up.frames = ports[0].ghost.up.frames = 10;
	ports[0].ghost.up.drops[STATS_DROP_QUEUE] = 2;
	ports[0].ghost.transmitted = 8;
	ports[1].ghost.received = 30;
	ports[1].ghost.down.drops[STATS_DROP_FILTERED] = 5;
	ports[1].ghost.down.frames = ports[1].shuttle.down.frames = 25;
	tally_close(ports, 2, TALLY_OPAQUE, true, false, &link);
	ck_assert(link.conserved);
	ck_assert_uint_eq(link.frames_in, 10);
	ck_assert_uint_eq(link.frames_out, 25);
	/* One that the port had and the shuttle did not write is missed. */
	ports[1].shuttle.down.frames = 24;
	tally_close(ports, 2, TALLY_OPAQUE, true, false, &link);
	ck_assert(!link.conserved);
}
END_TEST

START_TEST(books_of_a_cell)
{
	struct tally_port ports[3];
	struct tally_link link;

	memset(ports, 0, sizeof(ports));
	/* One end sends 10: the radio lost 3, an answer to one came back at once, one of the others got the rest. */
	ports[0].shuttle.up.frames = ports[0].ghost.up.frames = 10;
	ports[0].ghost.up.drops[STATS_DROP_RADIO] = 3;
	ports[0].ghost.transmitted = 7;
	ports[0].ghost.received = ports[0].ghost.down.frames = ports[0].shuttle.down.frames = 1;
	ports[1].ghost.received = ports[1].ghost.down.frames = ports[1].shuttle.down.frames = 6;
	tally_close(ports, 3, TALLY_UNICAST, true, false, &link);
	ck_assert(link.conserved);
	ck_assert_uint_eq(link.copies, 7);
	ck_assert_uint_eq(link.frames_in, link.frames_out + link.drops[STATS_DROP_RADIO]);
	/* One that was delivered and that nobody got may be under way, and nobody is under way when all has settled. */
	ports[1].ghost.received = ports[1].ghost.down.frames = ports[1].shuttle.down.frames = 5;
	tally_close(ports, 3, TALLY_UNICAST, false, false, &link);
	ck_assert(link.conserved);
	ck_assert_int_eq(link.propagating, 1);
	tally_close(ports, 3, TALLY_UNICAST, true, false, &link);
	ck_assert(!link.conserved);
	tally_close(ports, 3, TALLY_UNICAST, true, true, &link);
	ck_assert(link.conserved);
	/* One too many is wrong at any time. */
	ports[1].ghost.received = ports[1].ghost.down.frames = ports[1].shuttle.down.frames = 7;
	tally_close(ports, 3, TALLY_UNICAST, false, false, &link);
	ck_assert(!link.conserved);
}
END_TEST

TCase *experiment_book_tests(void)
{
	TCase *tcase = tcase_create("books");

	tcase_add_test(tcase, books_balance);
	tcase_add_test(tcase, books_have_simulated_ends);
	tcase_add_test(tcase, books_name_what_is_under_way);
	tcase_add_test(tcase, books_notice_frames_from_nowhere);
	tcase_add_test(tcase, books_sum_what_was_checked);
	tcase_add_test(tcase, counters_add_up);
	tcase_add_test(tcase, books_of_an_unknown_medium);
	tcase_add_test(tcase, books_of_a_cell);
	return tcase;
}
