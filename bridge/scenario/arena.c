/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arena.c - memory for trees and scenarios, freed in one go, and the hash index used for every "is it there already?".
 *
 * A file may hold tens of thousands of keys; the index keeps duplicate checks linear whatever the file says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define CHUNK_SIZE (16u << 10)

struct scn_chunk {
	struct scn_chunk *next;
	size_t size; /* of data */
	size_t used;
	max_align_t data[];
};

void *scn_alloc(struct scn_arena *arena, size_t size)
{
	struct scn_chunk *chunk = arena->chunks;
	size_t room;
	void *ret;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!chunk || chunk->size - chunk->used < size) {
		room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	ret = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return ret;
}

char *scn_strndup(struct scn_arena *arena, const char *text, size_t len)
{
	char *ret = scn_alloc(arena, len + 1);

	if (ret)
		memcpy(ret, text, len);
	return ret;
}

void scn_arena_done(struct scn_arena *arena)
{
	struct scn_chunk *chunk;

	while ((chunk = arena->chunks)) {
		arena->chunks = chunk->next;
		free(chunk);
	}
}

struct scn_slot {
	const void *key; /* NULL: free */
	size_t size;
	uint32_t hash;
	uint32_t value;
};

uint32_t scn_hash(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (uint32_t)((hash ^ byte[i]) * UINT64_C(16777619));
	return hash;
}

void scn_index_init(struct scn_index *index, struct scn_arena *arena)
{
	memset(index, 0, sizeof(*index));
	index->arena = arena;
}

static struct scn_slot *index_slot(const struct scn_index *index, const void *key, size_t size, uint32_t hash)
{
	size_t at = hash & (index->slot_count - 1);
	struct scn_slot *slot;

	for (;; at = (at + 1) & (index->slot_count - 1)) {
		slot = &index->slots[at];
		if (!slot->key || (slot->hash == hash && slot->size == size && !memcmp(slot->key, key, size)))
			return slot;
	}
}

static int index_grow(struct scn_index *index)
{
	struct scn_index bigger = *index;

	bigger.slot_count = index->slot_count ? index->slot_count * 2 : 16;
	bigger.slots = scn_alloc(index->arena, bigger.slot_count * sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->slot_count; i++) {
		const struct scn_slot *slot = &index->slots[i];

		if (slot->key)
			*index_slot(&bigger, slot->key, slot->size, slot->hash) = *slot;
	}
	*index = bigger;
	return 0;
}

int scn_index_add(struct scn_index *index, const void *key, size_t size, uint32_t value, uint32_t *ret_old)
{
	uint32_t hash = scn_hash(key, size);
	struct scn_slot *slot;

	/* FNV is no secret: a file may make keys collide. At SCN_VALUES_MAX values the worst case is still bearable. */
	if (index->used * 2 >= index->slot_count && index_grow(index) < 0)
		return -ENOMEM;
	slot = index_slot(index, key, size, hash);
	if (slot->key) {
		if (ret_old)
			*ret_old = slot->value;
		return -EEXIST;
	}
	*slot = (struct scn_slot){.key = key, .size = size, .hash = hash, .value = value};
	index->used++;
	return 0;
}

uint32_t scn_index_find(const struct scn_index *index, const void *key, size_t size)
{
	const struct scn_slot *slot;

	if (!index->slot_count)
		return SCENARIO_NONE;
	slot = index_slot(index, key, size, scn_hash(key, size));
	return slot->key ? slot->value : SCENARIO_NONE;
}
