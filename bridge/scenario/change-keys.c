/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change-keys.c - what of a link can change while it runs: one table for every kind, one row for every key.
 *
 * A new row is all that file, timeline and command line need to take a key; in the ghost the builder of that kind of
 * link registers a setter for it with BuildContext::OnChange() (docs/architecture.md).
 */
#include <stddef.h>

#include "bridge/scenario/internal.h"

/* A link, or one end of it, is cut or joined again: the same for every kind. */
static const char *const states[] = {"up", "down", NULL};

#define KEY_STATE                                                                                                      \
	{                                                                                                              \
		.key = "state", .type = SCENARIO_VALUE_WORD, .words = states, .ends = true                             \
	}
#define KEY_END                                                                                                        \
	{                                                                                                              \
		.key = NULL                                                                                            \
	}

static const struct scenario_change_key csma_keys[] = {
	{.key = "rate", .type = SCENARIO_VALUE_RATE, .min = 1, .max = SCN_RATE_BPS_MAX},
	{.key = "delay", .type = SCENARIO_VALUE_TIME, .max = SCN_DELAY_NS_MAX},
	{.key = "queue", .type = SCENARIO_VALUE_PACKETS, .min = 1, .max = SCN_QUEUE_FRAMES_MAX},
	KEY_STATE,
	KEY_END,
};

/* Of one end: of the direction in which it sends. */
static const struct scenario_change_key p2p_keys[] = {
	{.key = "rate", .type = SCENARIO_VALUE_RATE, .min = 1, .max = SCN_RATE_BPS_MAX, .ends = true},
	{.key = "delay", .type = SCENARIO_VALUE_TIME, .max = SCN_DELAY_NS_MAX, .ends = true},
	{.key = "jitter", .type = SCENARIO_VALUE_TIME, .max = SCN_DELAY_NS_MAX, .ends = true},
	{.key = "loss", .type = SCENARIO_VALUE_RATIO, .ends = true},
	{.key = "duplicate", .type = SCENARIO_VALUE_RATIO, .ends = true},
	{.key = "corrupt", .type = SCENARIO_VALUE_RATIO, .ends = true},
	{.key = "queue", .type = SCENARIO_VALUE_PACKETS, .min = 1, .max = SCN_QUEUE_FRAMES_MAX, .ends = true},
	KEY_STATE,
	KEY_END,
};

static const struct scenario_change_key wifi_keys[] = {
	{.key = "position", .type = SCENARIO_VALUE_POSITION, .ends = true},
	{.key = "tx-power", .type = SCENARIO_VALUE_POWER, .ends = true},
	KEY_STATE,
	KEY_END,
};

/* Of the link: of all its users. */
static const struct scenario_change_key lte_keys[] = {
	{.key = "position", .type = SCENARIO_VALUE_POSITION, .ends = true},
	{.key = "tx-power", .type = SCENARIO_VALUE_POWER, .ends = true},
	{.key = "enb-position", .type = SCENARIO_VALUE_POSITION},
	{.key = "enb-tx-power", .type = SCENARIO_VALUE_POWER},
	KEY_STATE,
	KEY_END,
};

/* A program of the user's own decides about the rest, a veth pair has nothing else. */
static const struct scenario_change_key state_keys[] = {KEY_STATE, KEY_END};

const struct scenario_change_key *scenario_change_keys(enum scenario_link_kind kind)
{
	switch (kind) {
	case SCENARIO_LINK_CSMA:
		return csma_keys;
	case SCENARIO_LINK_P2P:
		return p2p_keys;
	case SCENARIO_LINK_WIFI:
		return wifi_keys;
	case SCENARIO_LINK_LTE:
		return lte_keys;
	case SCENARIO_LINK_WIRE:
	case SCENARIO_LINK_GHOST:
		return state_keys;
	}
	return state_keys;
}
