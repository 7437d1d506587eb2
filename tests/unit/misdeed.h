/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * misdeed.h - what a hostile peer may write into a wire: one list for the tests of both sides.
 */
#ifndef UNIT_MISDEED_H
#define UNIT_MISDEED_H

#include "bridge/wire/wire.h"

enum misdeed {
	WILD_PROD_FAR,
	WILD_PROD_BACK,
	WILD_PROD_UNALIGNED,
	WILD_PROD_MAX,
	WILD_LEN_ZERO,
	WILD_LEN_RUNT,
	WILD_LEN_LONG,
	WILD_LEN_UNPUBLISHED,
	WILD_LEN_MAX,
	WILD_TYPE_ZERO,
	WILD_TYPE_MAX,
	WILD_FLAGS,
	WILD_PAD,
	WILD_PAD_WHOLE_RING,
	WILD_TIME_FAR,
	WILD_TIME_WRAPS,
	WILD_TIME_MAX,
	WILD_CONS_AHEAD,
	WILD_CONS_BEHIND,
	WILD_CONS_UNALIGNED,
	WILD_COUNT,
};

/**
 * misbehave() - Write one thing that no peer should
 * @wire:	the misbehaving side's
 * @now_ns:	a time stamp that would be right in its records
 */
static inline void misbehave(struct wire *wire, uint32_t port, uint64_t now_ns, enum misdeed misdeed)
{
	struct wire_ring_ctl *tx = wire->tx[port].ctl, *rx = wire->rx[port].ctl;
	const uint64_t ring_size = wire->tx[port].size;
	uint64_t prod = tx->prod, step = ring_record_size(100);
	struct wire_record record = {.len = 100, .type = WIRE_RECORD_FRAME, .time_ns = now_ns};

	switch (misdeed) {
	case WILD_PROD_FAR:
		step = ring_size + 32;
		break;
	case WILD_PROD_BACK:
		step = (uint64_t)0 - 32;
		break;
	case WILD_PROD_UNALIGNED:
		step = 77;
		break;
	case WILD_PROD_MAX:
		step = UINT64_MAX - prod;
		break;
	case WILD_LEN_ZERO:
		record.len = 0;
		break;
	case WILD_LEN_RUNT:
		record.len = 13;
		break;
	case WILD_LEN_LONG:
		record.len = WIRE_FRAME_MAX + 1;
		step = ring_record_size(record.len);
		break;
	case WILD_LEN_UNPUBLISHED:
		record.len = 1000;
		break;
	case WILD_LEN_MAX:
		record.len = UINT32_MAX;
		break;
	case WILD_TYPE_ZERO:
		record.type = 0;
		break;
	case WILD_TYPE_MAX:
		record.type = UINT16_MAX;
		break;
	case WILD_FLAGS:
		record.flags = 0x8000;
		break;
	case WILD_PAD:
		record.type = WIRE_RECORD_PAD;
		break;
	case WILD_PAD_WHOLE_RING:
		record.type = WIRE_RECORD_PAD;
		record.len = (uint32_t)(ring_size - sizeof(record));
		step = ring_size;
		break;
	case WILD_TIME_FAR:
		record.time_ns = now_ns + 3600000000000ull;
		break;
	case WILD_TIME_WRAPS:
		record.time_ns = (uint64_t)0 - 1000000; /* due a little before the origin */
		break;
	case WILD_TIME_MAX:
		record.time_ns = UINT64_MAX;
		break;
	case WILD_CONS_AHEAD:
		__atomic_store_n(&rx->cons, rx->prod + (1ull << 40), __ATOMIC_SEQ_CST);
		return;
	case WILD_CONS_BEHIND:
		__atomic_store_n(&rx->cons, rx->prod - 2 * ring_size, __ATOMIC_SEQ_CST);
		return;
	case WILD_CONS_UNALIGNED:
		__atomic_store_n(&rx->cons, rx->prod - 1, __ATOMIC_SEQ_CST);
		return;
	case WILD_COUNT:
		return;
	}
	memcpy(wire->tx[port].data + prod % ring_size, &record, sizeof(record));
	__atomic_store_n(&tx->prod, prod + step, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&wire->peer_inbox->data[port / 64], 1ull << (port % 64), __ATOMIC_SEQ_CST);
	__atomic_exchange_n(&wire->peer_inbox->sleeping, 0, __ATOMIC_SEQ_CST);
	wire_ring_bell(wire->peer_bell_fd);
}

#endif /* UNIT_MISDEED_H */
