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
		SCMP_SYS(futex), SCMP_SYS(madvise),
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

/* Everything there is, but not for ever: other ghosts wait. Return: bytes taken. */
static uint64_t drain(struct spool *spool, struct journal *journal, uint32_t ghost, struct boundary_writer *writer,
		      struct recorder_status *status)
{
	uint64_t begin = journal->own;
	struct journal_entry entry;
	const uint8_t *payload;
	size_t before;
	int r;

	if (status->broken == ghost + 1)
		return 0;
	while ((r = journal_look(journal, &entry, &payload)) == 1) {
		before = writer->out.size;
		r = boundary_add(writer, ghost, &entry, payload);
		if (r < 0)
			break;
		journal_take(journal);
		if (writer->out.size >= SPOOL_WRITE_SIZE) {
			if (is_behind(journal))
				spool_flush(spool);
			else
				spool_push(spool, before);
			report(spool, status);
		}
		if (journal->own - begin >= journal->size)
			break;
	}
	if (r < 0)
		__atomic_store_n(&status->broken, ghost + 1, __ATOMIC_RELAXED);
	return journal->own - begin;
}

/* How long to stay away, so that about a write's worth is found next time. */
static uint64_t next_turn(uint64_t turn_ns, uint64_t taken)
{
	if (taken > 2 * SPOOL_WRITE_SIZE)
		turn_ns /= 2;
	else if (taken < SPOOL_WRITE_SIZE)
		turn_ns *= 2;
	return turn_ns < RECORDER_TURN_MIN_NS ? RECORDER_TURN_MIN_NS
	       : turn_ns > RECORDER_TURN_NS   ? RECORDER_TURN_NS
					      : turn_ns;
}

void recorder_run(int fd, int direct_fd, struct journal *journals, struct boundary_writer *writer,
		  struct recorder_status *status)
{
	uint64_t taken, turn_ns = RECORDER_TURN_NS;
	struct spool spool;
	bool finish;

	spool_open(&spool, fd, direct_fd, &writer->out);
	do {
		/* Read before looking: what was put before we were told to finish is taken. */
		finish = __atomic_load_n(&status->finish, __ATOMIC_ACQUIRE);
		taken = 0;
		for (uint32_t ghost = 0; ghost < writer->ghost_count; ghost++)
			taken += drain(&spool, &journals[ghost], ghost, writer, status);
		turn_ns = next_turn(turn_ns, taken);
		/* While there is much, the rest goes with what comes next: by this way it would cost far more. */
		if (finish || (taken < SPOOL_WRITE_SIZE && turn_ns == RECORDER_TURN_NS)) {
			boundary_flush(writer);
			spool_flush(&spool);
		}
		report(&spool, status);
		__atomic_store_n(&status->frames, writer->frames, __ATOMIC_RELAXED);
		__atomic_store_n(&status->gaps, writer->gaps, __ATOMIC_RELAXED);
		if (!finish)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = (long)turn_ns}, NULL);
	} while (!finish || taken > 0);
	status->inputs = boundary_inputs(writer->inputs, writer->ghost_count);
	__atomic_store_n(&status->done, 1, __ATOMIC_RELEASE);
}
