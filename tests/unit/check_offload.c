/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload.c - the segmenter and the coalescer against the kernel's own software segmentation.
 *
 * `check_offload measure` prints what a segment and a frame cost.
 */
#include "tests/unit/check_offload.h"

#include <sys/mman.h>
#include <time.h>

struct compared *compared;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void keep_least(double *least, double value)
{
	if (*least == 0 || value < *least)
		*least = value;
}

/* The least of many rounds, beside a copy of the same payload: what nothing can be faster than. */
static void measure(uint32_t payload)
{
	enum { COUNT = 40, ROUNDS = 2000 };
	static uint8_t frame[FRAME_MAX], super[FRAME_MAX], ring[COUNT][2048];
	static struct coalescer coalescer;
	double copy = 0, cut = 0, joined = 0, lone = 0;
	struct recipe recipe = plain_recipe();
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	struct headers at;
	uint32_t len;

	recipe.gso_size = payload;
	recipe.payload = payload * COUNT;
	recipe.tcp_options = 12;
	len = build(&recipe, frame, &header, &at);
	memset(&coalescer, 0, sizeof(coalescer));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t segment_size = at.payload + payload;
		double start;
		size_t size;
		int count;

		memcpy(super, frame, len);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++)
			memcpy(ring[i], super + at.payload + i * payload, payload);
		keep_least(&copy, now_ns() - start);
		start = now_ns();
		/* Check's assertions cost more than what is measured. */
		if (segment_begin(&segmenter, &header, super, len))
			ck_abort();
		for (uint32_t i = 0; segment_len(&segmenter) != 0; i++)
			segment_next(&segmenter, ring[i]);
		keep_least(&cut, now_ns() - start);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++)
			if (!coalesce_offer(&coalescer, ring[i], segment_size))
				ck_abort();
		coalesce_take(&coalescer, &count, &size);
		keep_least(&joined, now_ns() - start);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++) {
			coalesce_offer(&coalescer, ring[i], segment_size);
			coalesce_take(&coalescer, &count, &size);
		}
		keep_least(&lone, now_ns() - start);
	}
	printf("%4u bytes of payload: copy %.0f ns, segment_next %.0f ns, coalesce_offer %.0f ns joined, %.0f ns "
	       "alone\n",
	       payload, copy / COUNT, cut / COUNT, joined / COUNT, lone / COUNT);
}

START_TEST(costs)
{
	measure(64);
	measure(536);
	measure(1448);
}
END_TEST

int main(int argc, char **argv)
{
	const bool measuring = argc == 2 && strcmp(argv[1], "measure") == 0;
	const char *obstacle = measuring ? NULL : make_oracle();
	Suite *suite = suite_create("offload");
	SRunner *runner;
	TCase *tcase;
	int failed;

	if (measuring) {
		tcase = tcase_create("costs");
		tcase_set_timeout(tcase, 60);
		tcase_add_test(tcase, costs);
		suite_add_tcase(suite, tcase);
		runner = srunner_create(suite);
		srunner_run_all(runner, CK_SILENT);
		failed = srunner_ntests_failed(runner);
		srunner_free(runner);
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	tcase = tcase_create("alone");
	tcase_set_timeout(tcase, 60);
	offload_segment_alone_tests(tcase);
	offload_coalesce_alone_tests(tcase);
	suite_add_tcase(suite, tcase);
	if (!obstacle) {
		tcase = tcase_create("kernel");
		tcase_add_checked_fixture(tcase, clear_oracle, NULL);
		tcase_set_timeout(tcase, 60);
		offload_oracle_kernel_tests(tcase);
		offload_segment_kernel_tests(tcase);
		offload_coalesce_kernel_tests(tcase);
		offload_tcp_kernel_tests(tcase);
		suite_add_tcase(suite, tcase);
	}
	compared = mmap(NULL, sizeof(*compared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (compared == MAP_FAILED)
		return EXIT_FAILURE;
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed)
		return EXIT_FAILURE;
	if (obstacle) {
		fprintf(stderr, "check_offload: SKIPPED, NOTHING WAS COMPARED WITH THE KERNEL: %s\n", obstacle);
		return 77;
	}
	printf("as the kernel's: %" PRIu64 " super-frames in %" PRIu64 " segments, %" PRIu64 " checksums, %" PRIu64
	       " coalesced frames\n",
	       compared->supers, compared->segments, compared->checksums, compared->joined);
	if (!uso)
		fprintf(stderr, "check_offload: UDP WAS NOT COMPARED: this kernel is older than 6.2\n");
	return EXIT_SUCCESS;
}
