/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recorder.c - see recorder.h.
 */
#include "bridge/record/recorder.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "bridge/sandbox.h"

#define WRITE_SIZE (512u << 10) /* so much is written at once, or what there is at the end of a turn */

int recorder_sandbox(void)
{
	static const int allowed[] = {
		SCMP_SYS(write),           SCMP_SYS(ftruncate), SCMP_SYS(lseek),      SCMP_SYS(clock_nanosleep),
		SCMP_SYS(clock_gettime),   SCMP_SYS(brk),       SCMP_SYS(mmap),       SCMP_SYS(munmap),
		SCMP_SYS(mremap),          SCMP_SYS(exit),      SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
		SCMP_SYS(restart_syscall), SCMP_SYS(futex),
	};

	return sandbox_enter(allowed, sizeof(allowed) / sizeof(*allowed));
}

/* All that is in the buffer. After the first failure nothing more is written: the file ends with its last whole block.
 */
static void write_out(int fd, struct boundary_writer *writer, struct recorder_status *status)
{
	struct pcapng_out *out = &writer->out;
	size_t done = 0;
	ssize_t n;

	if (out->no_memory && !status->error)
		status->error = -ENOMEM;
	while (!status->error && done < out->size) {
		n = write(fd, out->data + done, out->size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			status->error = -errno;
			if (ftruncate(fd, (off_t)status->bytes) < 0)
				break; /* then the reader will find half a block at the end */
			break;
		}
		done += (size_t)n;
	}
	if (!status->error)
		__atomic_store_n(&status->bytes, status->bytes + out->size, __ATOMIC_RELAXED);
	out->size = 0;
}

/* Return: whether there was anything. */
static bool drain(int fd, struct journal *journal, uint32_t ghost, struct boundary_writer *writer,
		  struct recorder_status *status)
{
	struct journal_entry entry;
	const uint8_t *payload;
	bool any = false;
	int r;

	if (status->broken == ghost + 1)
		return false;
	while ((r = journal_look(journal, &entry, &payload)) == 1) {
		any = true;
		r = boundary_add(writer, ghost, &entry, payload);
		if (r < 0)
			break;
		journal_take(journal);
		if (writer->out.size >= WRITE_SIZE)
			write_out(fd, writer, status);
	}
	if (r < 0)
		__atomic_store_n(&status->broken, ghost + 1, __ATOMIC_RELAXED);
	return any;
}

void recorder_run(int fd, struct journal *journals, struct boundary_writer *writer, struct recorder_status *status)
{
	const struct timespec turn = {.tv_nsec = RECORDER_TURN_NS};
	bool finish, any;

	write_out(fd, writer, status);
	do {
		/* Read before looking: what was put before we were told to finish is taken. */
		finish = __atomic_load_n(&status->finish, __ATOMIC_ACQUIRE);
		any = false;
		for (uint32_t ghost = 0; ghost < writer->ghost_count; ghost++)
			any |= drain(fd, &journals[ghost], ghost, writer, status);
		boundary_flush(writer);
		write_out(fd, writer, status);
		__atomic_store_n(&status->frames, writer->frames, __ATOMIC_RELAXED);
		__atomic_store_n(&status->gaps, writer->gaps, __ATOMIC_RELAXED);
		if (!finish && !any)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &turn, NULL);
	} while (!finish || any);
	__atomic_store_n(&status->done, 1, __ATOMIC_RELEASE);
}
