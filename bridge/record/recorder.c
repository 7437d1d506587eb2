/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recorder.c - see recorder.h.
 */
#include "bridge/record/recorder.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "bridge/record/spool.h"
#include "bridge/sandbox.h"

int recorder_sandbox(void)
{
	static const int allowed[] = {
		SCMP_SYS(write), SCMP_SYS(ftruncate),  SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime),
		SCMP_SYS(brk),   SCMP_SYS(mmap),       SCMP_SYS(munmap),          SCMP_SYS(mremap),
		SCMP_SYS(exit),  SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),    SCMP_SYS(restart_syscall),
		SCMP_SYS(futex),
	};

	return sandbox_enter(allowed, sizeof(allowed) / sizeof(*allowed));
}

static void report(const struct spool *spool, struct recorder_status *status)
{
	if (spool->error)
		status->error = spool->error;
	__atomic_store_n(&status->bytes, spool->whole, __ATOMIC_RELAXED);
}

/* Whether so much waits that the disk cannot be keeping up; the page cache has more room than the journal. */
static bool is_behind(const struct journal *journal)
{
	return __atomic_load_n(&journal->head->prod, __ATOMIC_RELAXED) - journal->own > journal->size / 2;
}

/* Return: whether there was anything. */
static bool drain(struct spool *spool, struct journal *journal, uint32_t ghost, struct boundary_writer *writer,
		  struct recorder_status *status)
{
	struct journal_entry entry;
	const uint8_t *payload;
	bool any = false;
	size_t before;
	int r;

	if (status->broken == ghost + 1)
		return false;
	while ((r = journal_look(journal, &entry, &payload)) == 1) {
		any = true;
		before = writer->out.size;
		r = boundary_add(writer, ghost, &entry, payload);
		if (r < 0)
			break;
		journal_take(journal);
		if (writer->out.size < SPOOL_WRITE_SIZE)
			continue;
		if (is_behind(journal))
			spool_flush(spool);
		else
			spool_push(spool, before);
		report(spool, status);
	}
	if (r < 0)
		__atomic_store_n(&status->broken, ghost + 1, __ATOMIC_RELAXED);
	return any;
}

void recorder_run(int fd, int direct_fd, struct journal *journals, struct boundary_writer *writer,
		  struct recorder_status *status)
{
	const struct timespec turn = {.tv_nsec = RECORDER_TURN_NS};
	struct spool spool;
	bool finish, any;

	spool_open(&spool, fd, direct_fd, &writer->out);
	do {
		/* Read before looking: what was put before we were told to finish is taken. */
		finish = __atomic_load_n(&status->finish, __ATOMIC_ACQUIRE);
		any = false;
		for (uint32_t ghost = 0; ghost < writer->ghost_count; ghost++)
			any |= drain(&spool, &journals[ghost], ghost, writer, status);
		boundary_flush(writer);
		spool_flush(&spool);
		report(&spool, status);
		__atomic_store_n(&status->frames, writer->frames, __ATOMIC_RELAXED);
		__atomic_store_n(&status->gaps, writer->gaps, __ATOMIC_RELAXED);
		if (!finish && !any)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &turn, NULL);
	} while (!finish || any);
	__atomic_store_n(&status->done, 1, __ATOMIC_RELEASE);
}
