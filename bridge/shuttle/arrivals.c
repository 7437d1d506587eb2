/* SPDX-License-Identifier: GPL-2.0-only */
/* arrivals.c - see arrivals.h. */
#include "bridge/shuttle/arrivals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

/* Entries passed over in search of a length: more drops than that between two frames are made good when the TAP is
 * empty. */
#define SEARCH_MAX 64u

int arrivals_map(struct arrivals *arrivals, int map_fd)
{
	void *map = mmap(NULL, sizeof(struct arrivals_ring), PROT_READ, MAP_SHARED, map_fd, 0);

	*arrivals = (struct arrivals){.ring = NULL};
	if (map == MAP_FAILED)
		return -errno;
	arrivals->ring = map;
	arrivals->next = __atomic_load_n(&arrivals->ring->written, __ATOMIC_ACQUIRE);
	return 0;
}

void arrivals_unmap(struct arrivals *arrivals)
{
	if (arrivals->ring)
		munmap((void *)arrivals->ring, sizeof(struct arrivals_ring));
	arrivals->ring = NULL;
}

uint64_t arrivals_take(struct arrivals *arrivals, uint64_t len, uint64_t now_ns)
{
	const struct arrivals_ring *ring = arrivals->ring;
	uint64_t written, time = now_ns;

	if (!ring)
		return now_ns;
	written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
	if (written - arrivals->next > ARRIVALS_COUNT)
		arrivals->next = written - ARRIVALS_COUNT;
	for (uint64_t i = arrivals->next; i < written && i - arrivals->next < SEARCH_MAX; i++) {
		const struct arrivals_entry *entry = &ring->entries[i % ARRIVALS_COUNT];

		if (__atomic_load_n(&entry->len, __ATOMIC_RELAXED) != len)
			continue;
		time = __atomic_load_n(&entry->time_ns, __ATOMIC_RELAXED);
		arrivals->next = i + 1;
		break;
	}
	/* An entry that is being written again has a time of its future owner, or none yet. */
	if (time > now_ns)
		time = now_ns;
	if (time < arrivals->last_ns)
		time = arrivals->last_ns;
	arrivals->last_ns = time;
	return time;
}
