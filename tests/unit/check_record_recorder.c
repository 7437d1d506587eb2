/* SPDX-License-Identifier: GPL-2.0-only */
/* check_record_recorder.c - the recorder at work: whichever way bytes take to the file, they are the same. */
#include "tests/unit/check_record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/record/recorder.h"
#include "bridge/record/recording.h"
#include "bridge/record/spool.h"

#define FRAMES 12000u

static char directory[32], path[64];
static uint8_t frame[9000];

static void make_directory(void)
{
	strcpy(directory, "/var/tmp/gb-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/boundary", directory);
}

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

static uint32_t length_of(uint64_t number)
{
	return 60 + (uint32_t)(number * number * 7919 % (sizeof(frame) - 60));
}

/* What a ghost would journal: frames in and out, and its end. */
static void produce(struct journal *journal, uint32_t count)
{
	struct journal_entry begin = {.kind = JOURNAL_BEGIN}, end = {.kind = JOURNAL_END, .time_ns = count};

	ck_assert(journal_put(journal, &begin, NULL));
	for (uint32_t i = 0; i < count; i++) {
		struct journal_entry in = {.size = length_of(i) / 4, .kind = JOURNAL_IN, .port = i % 2, .time_ns = i};
		struct journal_entry out = {.kind = JOURNAL_OUT, .extra = in.size, .port = (i + 1) % 2, .time_ns = i};

		memset(frame, (int)i, in.size);
		memcpy(frame + 20, &i, sizeof(i));
		ck_assert(journal_put(journal, &in, frame));
		ck_assert(journal_put(journal, &out, NULL));
	}
	ck_assert(journal_put(journal, &end, NULL));
}

static int open_file(int flags)
{
	return open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0600);
}

/* Record @count frames in one go. Return: the file, mapped as a whole into malloc()ed memory. */
static uint8_t *record(bool direct, uint32_t count, rlim_t limit, struct recorder_status *status, size_t *ret_size)
{
	static const struct boundary_port ports[] = {{"h1.eth0", "lan", 0, 0}, {"h2.eth0", "lan", 0, 1}};
	const struct boundary_info info = {.name = "unit",
					   .default_name = "unit",
					   .scenario = "ghostbridge: 1\n",
					   .ns3 = "3.37",
					   .ghost_count = 1,
					   .ports = ports,
					   .port_count = 2};
	struct boundary_writer *writer = malloc(sizeof(*writer));
	int journal_fd = journal_make(JOURNAL_SIZE, JOURNAL_PRODUCE), fd, direct_fd = -1;
	struct journal producer, consumer;
	struct rlimit before, now;
	struct stat stat;
	uint8_t *bytes;

	ck_assert_int_eq(journal_map(journal_fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(journal_fd, false, &consumer), 0);
	produce(&producer, count);
	ck_assert_int_eq(boundary_open(writer, &info), 0);
	unlink(path);
	fd = open_file(O_CREAT);
	ck_assert_int_ge(fd, 0);
	if (direct)
		direct_fd = open_file(O_DIRECT);
	*status = (struct recorder_status){.finish = 1};
	getrlimit(RLIMIT_FSIZE, &before);
	now = (struct rlimit){.rlim_cur = limit, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &now), 0);
	recorder_run(fd, direct_fd, &consumer, writer, status);
	setrlimit(RLIMIT_FSIZE, &before);
	ck_assert_uint_eq(status->done, 1);
	ck_assert_int_eq(fstat(fd, &stat), 0);
	close(fd);
	if (direct_fd >= 0)
		close(direct_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bytes = malloc((size_t)stat.st_size + 1);
	ck_assert_int_eq(read(fd, bytes, (size_t)stat.st_size), stat.st_size);
	*ret_size = (size_t)stat.st_size;
	close(fd);
	close(journal_fd);
	journal_unmap(&producer);
	journal_unmap(&consumer);
	boundary_close(writer);
	free(writer);
	return bytes;
}

START_TEST(test_past_the_cache_or_not)
{
	struct recorder_status cached, direct;
	size_t size, direct_size;
	uint8_t *first = record(false, FRAMES, RLIM_INFINITY, &cached, &size),
		*second = record(true, FRAMES, RLIM_INFINITY, &direct, &direct_size);

	ck_assert_int_eq(cached.error, 0);
	ck_assert_int_eq(direct.error, 0);
	ck_assert_uint_eq(direct.frames, FRAMES);
	ck_assert_uint_gt(size, 20 * SPOOL_WRITE_SIZE);
	ck_assert_uint_eq(cached.bytes, size);
	ck_assert_uint_eq(direct.bytes, size);
	ck_assert_uint_eq(direct_size, size);
	ck_assert(memcmp(first, second, size) == 0);
	free(first);
	free(second);
}
END_TEST

/* Whatever the order of pushes and flushes, the file is what was added, and known to be whole up to a block's end. */
START_TEST(test_spool)
{
	struct pcapng_out out = {.data = NULL}, all = {.data = NULL};
	int fd = open_file(O_CREAT), direct_fd = open_file(O_DIRECT);
	uint64_t ends[400], seed = 1;
	struct spool spool;
	uint8_t *bytes;

	pcapng_packet(&out, 0, 0, frame, 99, PCAPNG_INBOUND, NULL);
	pcapng_packet(&all, 0, 0, frame, 99, PCAPNG_INBOUND, NULL);
	spool_open(&spool, fd, direct_fd, &out);
	for (uint32_t i = 0; i < 400; i++) {
		size_t before = 0;

		for (int count = 0; out.size < SPOOL_WRITE_SIZE && (count == 0 || seed % 50 != 0); count++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			before = out.size;
			frame[40] = (uint8_t)seed;
			pcapng_packet(&out, 1, seed, frame, length_of(seed >> 40), PCAPNG_INBOUND, NULL);
			pcapng_packet(&all, 1, seed, frame, length_of(seed >> 40), PCAPNG_INBOUND, NULL);
		}
		ends[i] = all.size;
		if (out.size >= SPOOL_WRITE_SIZE)
			spool_push(&spool, before);
		else
			spool_flush(&spool);
		ck_assert_uint_le(spool.whole, spool.size);
		ck_assert_uint_le(spool.size, ends[i]);
		ck_assert_uint_lt(ends[i] - spool.size, sizeof(frame) + 200);
		seed |= 1;
	}
	spool_flush(&spool);
	ck_assert_int_eq(spool.error, 0);
	ck_assert_uint_eq(spool.whole, all.size);
	close(fd);
	if (direct_fd >= 0)
		close(direct_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bytes = malloc(all.size);
	ck_assert_int_eq(read(fd, bytes, all.size), (ssize_t)all.size);
	ck_assert(memcmp(bytes, all.data, all.size) == 0);
	close(fd);
	free(bytes);
	pcapng_out_done(&out);
	pcapng_out_done(&all);
}
END_TEST

/* A disk that is full, here and there: the file ends with a whole block, and that is told. */
START_TEST(test_full_disk)
{
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 40000; limit < 4000000; limit += 777777) {
		for (int direct = 0; direct < 2; direct++) {
			struct recorder_status status;
			struct recording recording;
			struct diag diag = {.text = ""};
			size_t size;

			free(record(direct, FRAMES / 3, limit, &status, &size));
			ck_assert_int_eq(status.error, -EFBIG);
			ck_assert_uint_eq(status.bytes, size);
			ck_assert_uint_le(size, limit);
			ck_assert_int_eq(recording_load(path, &recording, &diag), 0);
			ck_assert_ptr_null(strstr(recording.incomplete, "middle"));
			recording_unload(&recording);
		}
	}
}
END_TEST

TCase *record_recorder_tests(void)
{
	TCase *tcase = tcase_create("recorder");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, test_past_the_cache_or_not);
	tcase_add_test(tcase, test_spool);
	tcase_add_test(tcase, test_full_disk);
	return tcase;
}
