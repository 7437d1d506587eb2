/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_ring.c - any bytes as a ring's control and memory, through both ends of ring.h.
 *
 * The first bytes say where the indices stand and what the other side writes into them between two calls; the rest is
 * the ring's memory from the consumer's position on. Whatever it is: nothing is read or written outside of the ring,
 * what is handed out is a possible frame, and the consumer comes to an end.
 */
#include <stdlib.h>

#include "bridge/wire/ring.h"

#define SIZE ((uint64_t)WIRE_RING_SIZE_MIN)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct head {
	uint32_t start; /* consumer's position, in records */
	uint32_t ahead; /* of the producer's index, bytes */
	uint64_t later; /* what the peer makes of its index after some calls */
	uint32_t after; /* that many */
	uint16_t lens[4];
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void consume(const struct head *head, struct wire_ring_ctl *ctl, uint8_t *data)
{
	struct wire_record record;
	const uint8_t *payload;
	struct ring ring;
	uint64_t first, count = 0;
	int r;

	if (ring_init_consumer(&ring, ctl, data, SIZE) < 0)
		return;
	first = ring.own;
	while ((r = ring_c_peek(&ring, &record, &payload)) == 1) {
		require(record.type == WIRE_RECORD_FRAME && record.flags == 0);
		require(record.len >= WIRE_FRAME_MIN && record.len <= WIRE_FRAME_MAX);
		require(payload >= data && payload + record.len <= data + SIZE);
		ring_c_release(&ring);
		require(ring.own - first <= 2 * SIZE);
		if (++count == head->after % 64)
			ctl->prod += head->later;
		if (count % 8 == 0)
			ring_c_publish(&ring);
		require(count < 3 * SIZE / WIRE_RECORD_ALIGN);
		if (ring.own - first > SIZE)
			break;
	}
	if (r < 0) {
		uint64_t own = ring.own;

		/* What was refused stays refused. */
		require(ring_c_peek(&ring, &record, &payload) < 0 && ring.own == own);
	}
	ring_c_publish(&ring);
	require(ctl->cons == ring.own);
	ring_c_discard(&ring);
	ring_c_publish(&ring);
}

static void produce(const struct head *head, struct wire_ring_ctl *ctl, uint8_t *data)
{
	struct ring ring;
	uint8_t *payload;

	if (ring_init_producer(&ring, ctl, data, SIZE) < 0)
		return;
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t len = WIRE_FRAME_MIN + head->lens[i % 4] % (WIRE_FRAME_MAX - WIRE_FRAME_MIN + 1);
		uint64_t own = ring.own;
		int r = ring_p_reserve(&ring, len, &payload);

		if (i == head->after % 64)
			ctl->cons += head->later;
		if (r == 0 && !ring_p_want_space(&ring, len))
			r = ring_p_reserve(&ring, len, &payload);
		if (r != 1) {
			require(ring.own == own);
			continue;
		}
		require(payload >= data && payload + len <= data + SIZE);
		memset(payload, (int)i, len);
		ring_p_commit(&ring, len - (i & 1 ? 0 : len - WIRE_FRAME_MIN), i);
		require(ring.own - own <= SIZE && ring.own % WIRE_RECORD_ALIGN == 0);
		if (i % 3 == 0)
			ring_p_publish(&ring);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct wire_ring_ctl *ctl;
	struct head head;
	uint8_t *data;
	size_t at;

	if (size < sizeof(head) || size > sizeof(head) + SIZE)
		return -1;
	memcpy(&head, input, sizeof(head));
	input += sizeof(head);
	size -= sizeof(head);
	/* Of their own, so that AddressSanitizer knows where they end. */
	ctl = aligned_alloc(WIRE_CACHE_LINE, sizeof(*ctl));
	data = aligned_alloc(4096, SIZE);
	require(ctl && data);
	memset(ctl, 0, sizeof(*ctl));
	memset(data, 0, SIZE);
	ctl->cons = (uint64_t)head.start * WIRE_RECORD_ALIGN;
	ctl->prod = ctl->cons + head.ahead;
	at = ctl->cons % SIZE;
	memcpy(data + at, input, size < SIZE - at ? size : SIZE - at);
	if (size > SIZE - at)
		memcpy(data, input + SIZE - at, size - (SIZE - at));
	if (head.after & 64)
		produce(&head, ctl, data);
	else
		consume(&head, ctl, data);
	free(ctl);
	free(data);
	return 0;
}
