/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_capture.c - capture files as streams of frames. The rewriting of addresses is in check_capture_rewrite.c.
 */
#include "tests/unit/check_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge/capture/check.h"

#define NS         UINT64_C(1000000000)
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_US   0xa1b2c3d4u

struct file {
	uint8_t data[1 << 20];
	size_t size;
};

static struct file file;

static void add(const void *data, size_t size)
{
	ck_assert(file.size + size <= sizeof(file.data));
	memcpy(file.data + file.size, data, size);
	file.size += size;
}

static void add32(uint32_t value)
{
	add(&value, sizeof(value));
}

static void head(uint32_t magic, uint32_t link_type)
{
	const uint16_t version[2] = {2, 4};

	file.size = 0;
	add32(magic);
	add(version, sizeof(version));
	add32(0);
	add32(0);
	add32(262144);
	add32(link_type);
}

/* A frame whose every byte is @fill. */
static void frame(uint32_t s, uint32_t fraction, uint32_t caplen, uint32_t len, uint8_t fill)
{
	static uint8_t bytes[1 << 17];

	memset(bytes, fill, caplen);
	add32(s);
	add32(fraction);
	add32(caplen);
	add32(len);
	add(bytes, caplen);
}

static int file_fd(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, file.data, file.size), file.size);
	return fd;
}

static struct feed_terms terms(void)
{
	return (struct feed_terms){.speed_num = 1, .speed_den = 1, .loop = 1};
}

/* Read everything; the times as text, and how it ended. */
static int read_file(const struct feed_terms *how, char *text, size_t size, struct diag *diag)
{
	struct feed *feed = NULL;
	struct feed_frame got;
	int fd = file_fd(), r;
	size_t used = 0;

	text[0] = '\0';
	ck_assert_int_eq(feed_open(fd, how, &feed, diag), 0);
	while ((r = feed_next(feed, &got, diag)) == 1)
		used += (size_t)snprintf(text + used, size - used, "%s%llu/%u/%02x", used ? " " : "",
					 (unsigned long long)got.time_ns, got.len, got.data[got.len - 1]);
	ck_assert_int_eq(feed_next(feed, &got, diag), 0);
	feed_close(feed);
	close(fd);
	return r;
}

static void expect(const struct feed_terms *how, const char *want)
{
	struct feed_summary summary;
	struct diag diag = {""};
	char text[4096];
	int fd = file_fd();

	ck_assert_msg(read_file(how, text, sizeof(text), &diag) == 0, "%s", diag.text);
	ck_assert_str_eq(text, want);
	ck_assert_msg(capture_check(fd, how, NULL, &summary, &diag) == 0, "%s", diag.text);
	close(fd);
}

static void refuse(const struct feed_terms *how, const char *part)
{
	struct feed_summary summary;
	struct diag diag = {""}, checked = {""};
	char text[4096];
	int fd = file_fd();

	ck_assert_int_lt(read_file(how, text, sizeof(text), &diag), 0);
	ck_assert_msg(strstr(diag.text, part) != NULL, "'%s' lacks '%s'", diag.text, part);
	/* and so does the child, with the same words */
	ck_assert_int_lt(capture_check(fd, how, NULL, &summary, &checked), 0);
	ck_assert_str_eq(checked.text, diag.text);
	close(fd);
}

START_TEST(times)
{
	struct feed_terms how = terms();

	head(MAGIC_NANO, 1);
	frame(1000, 999999999, 60, 60, 1);
	frame(1001, 0, 60, 60, 2);
	frame(1001, 0, 61, 61, 3);
	frame(1003, 7, 60, 60, 4);
	expect(&how, "0/60/01 1/60/02 1/61/03 2000000008/60/04");
	how.start_ns = 5;
	expect(&how, "5/60/01 6/60/02 6/61/03 2000000013/60/04");
	/* three times as fast, rounded down */
	how.speed_num = 3;
	expect(&how, "5/60/01 5/60/02 5/61/03 666666674/60/04");
	/* 1.5 times as fast */
	how.speed_num = 15;
	how.speed_den = 10;
	expect(&how, "5/60/01 5/60/02 5/61/03 1333333343/60/04");
	how.speed_num = 1;
	how.speed_den = 1000000;
	expect(&how, "5/60/01 1000005/60/02 1000005/61/03 2000000008000005/60/04");
}
END_TEST

START_TEST(microseconds)
{
	struct feed_terms how = terms();

	head(MAGIC_US, 1);
	frame(5, 999999, 60, 60, 1);
	frame(6, 1, 60, 60, 2);
	expect(&how, "0/60/01 2000/60/02");
}
END_TEST

START_TEST(passes)
{
	struct feed_terms how = terms();

	head(MAGIC_NANO, 1);
	frame(1, 0, 60, 60, 1);
	frame(1, 100, 60, 60, 2);
	how.loop = 3;
	how.start_ns = 1000;
	/* without a gap the last frame and the first meet */
	expect(&how, "1000/60/01 1100/60/02 1100/60/01 1200/60/02 1200/60/01 1300/60/02");
	how.gap_ns = 7;
	how.speed_num = 2; /* the gap is not scaled */
	expect(&how, "1000/60/01 1050/60/02 1057/60/01 1107/60/02 1114/60/01 1164/60/02");
	head(MAGIC_NANO, 1);
	frame(1, 0, 60, 60, 1);
	how.gap_ns = 0;
	refuse(&how, "takes no time, so that all passes would come at once; give them a distance: gap: 10ms");
	how.loop = 1;
	expect(&how, "1000/60/01");
}
END_TEST

START_TEST(filters)
{
	struct feed_terms how = terms();
	struct diag diag = {""};

	head(MAGIC_NANO, 1);
	frame(1, 0, 60, 60, 1);
	frame(1, 10, 70, 70, 2);
	frame(1, 30, 60, 60, 3);
	/* times count from the first frame in the file, so that two filters of one file stay together */
	how.filter = "greater 65";
	expect(&how, "10/70/02");
	/* ... and a pass is as long as the file */
	how.loop = 2;
	expect(&how, "10/70/02 40/70/02");
	how.filter = "greater 100";
	refuse(&how, "has 3 frames, none of which passes the filter");
	ck_assert_int_eq(feed_compile("udp port 53 and host 10.0.0.1", &diag), 0);
	ck_assert_int_eq(feed_compile("udp prt 53", &diag), -EINVAL);
	ck_assert_msg(strstr(diag.text, "syntax error") != NULL, "%s", diag.text);
}
END_TEST

START_TEST(truncated)
{
	struct feed_terms how = terms();

	head(MAGIC_NANO, 1);
	frame(1, 0, 20, 60, 0xff);
	refuse(&how, "frame 1 was captured in part, 20 of 60 bytes; capture whole frames (tcpdump -s 0), or have them "
		     "filled up with zeros: truncated: pad");
	how.pad = true;
	expect(&how, "0/60/00");
}
END_TEST

START_TEST(wrong_frames)
{
	struct feed_terms how = terms();

	head(MAGIC_NANO, 1);
	frame(9, 500, 60, 60, 1);
	frame(9, 400, 60, 60, 2);
	refuse(&how, "frame 2 is 0.000000100 s earlier than the one before; sort the file: reordercap IN OUT");
	head(MAGIC_NANO, 1);
	frame(9, 1000000000, 60, 60, 1);
	refuse(&how, "frame 1: its time stamp is none");
	head(MAGIC_NANO, 1);
	frame(9, 0, 13, 13, 1);
	refuse(&how, "frame 1 has 13 bytes, less than an Ethernet header; leave it out with filter: greater 14");
	head(MAGIC_NANO, 1);
	frame(9, 0, 14, 14, 1);
	expect(&how, "0/14/01");
	head(MAGIC_NANO, 1);
	frame(9, 0, FEED_FRAME_MAX, FEED_FRAME_MAX, 1);
	expect(&how, "0/16384/01");
	head(MAGIC_NANO, 1);
	frame(9, 0, FEED_FRAME_MAX + 1, FEED_FRAME_MAX + 1, 1);
	refuse(&how, "more than any link carries");
	how.filter = "less 1514"; /* as it says */
	frame(10, 0, 60, 60, 1);
	expect(&how, "1000000000/60/01");
	head(MAGIC_NANO, 1);
	frame(0, 0, 60, 60, 1);
	frame(2000000000, 0, 60, 60, 2);
	how.speed_den = 1000000;
	refuse(&how, "frame 2 comes after more than a hundred years at this speed");
}
END_TEST

START_TEST(wrong_files)
{
	struct feed_terms how = terms();
	char text[4096];
	size_t whole;

	file.size = 0;
	refuse(&how, "is no capture that libpcap can read");
	add("PNG and so on, which is something else", 38);
	refuse(&how, "is no capture that libpcap can read");
	head(MAGIC_NANO, 1);
	refuse(&how, "has no frames; capture some");
	head(MAGIC_NANO, 101);
	frame(9, 0, 60, 60, 1);
	refuse(&how, "has frames of link type 12 (RAW), and links carry Ethernet (1, EN10MB)");
	/* cut anywhere in the second frame: all before is read, then it is said */
	head(MAGIC_NANO, 1);
	frame(9, 0, 60, 60, 1);
	whole = file.size;
	frame(9, 5, 60, 60, 2);
	for (size_t size = whole + 1; size < whole + 76; size++) {
		struct diag diag = {""};

		file.size = size;
		ck_assert_int_lt(read_file(&how, text, sizeof(text), &diag), 0);
		ck_assert_str_eq(text, "0/60/01");
		ck_assert_msg(strstr(diag.text, "is damaged after frame 1 (") != NULL, "%s", diag.text);
	}
	refuse(&how, "copy what is whole: editcap -r IN OUT 1-1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *feed = tcase_create("feed");
	SRunner *runner;
	int failed;

	tcase_add_test(feed, times);
	tcase_add_test(feed, microseconds);
	tcase_add_test(feed, passes);
	tcase_add_test(feed, filters);
	tcase_add_test(feed, truncated);
	tcase_add_test(feed, wrong_frames);
	tcase_add_test(feed, wrong_files);
	suite_add_tcase(suite, feed);
	suite_add_tcase(suite, capture_rewrite_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
