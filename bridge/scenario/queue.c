/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queue.c - the key `queue` of a p2p link: which frames wait, in which order they go, and which are dropped.
 *
 * Parameters and defaults are those of ns-3's queue disciplines, in packets where ns-3 counts either way.
 */
#include <string.h>

#include "bridge/scenario/internal.h"

#define QUEUE_SIZE_MIN  1514u /* one full frame */
#define QUEUE_SIZE_MAX  (1u << 30)
#define AQM_TIME_NS_MIN UINT64_C(1000) /* CoDel's clock in ns-3 counts 1.024 us */
#define AQM_TIME_NS_MAX UINT64_C(10000000000)
#define FLOWS_MAX       65536
#define QUANTUM_MIN     64
#define QUANTUM_MAX     (1u << 20)

static const char *const disciplines[] = {"drop-tail", "red", "pie", "codel", "fq-codel", NULL};

static const char *const drop_tail_keys[] = {"discipline", "limit", NULL};
static const char *const red_keys[] = {"discipline", "limit",  "min", "max", "max-probability",
				       "weight",     "gentle", "ecn", NULL};
static const char *const pie_keys[] = {"discipline", "limit", "target", "update", "burst", "ecn", NULL};
static const char *const codel_keys[] = {"discipline", "limit", "target", "interval", "ecn", NULL};
static const char *const fq_codel_keys[] = {"discipline", "limit",   "target", "interval",
					    "flows",      "quantum", "ecn",    NULL};

static const char *const *const keys_of[] = {
	[SCENARIO_DROP_TAIL] = drop_tail_keys, [SCENARIO_RED] = red_keys,           [SCENARIO_PIE] = pie_keys,
	[SCENARIO_CODEL] = codel_keys,         [SCENARIO_FQ_CODEL] = fq_codel_keys,
};

struct scenario_queue scn_default_queue(enum scenario_discipline discipline)
{
	struct scenario_queue queue = {.discipline = discipline, .limit_frames = SCN_QUEUE_FRAMES};

	switch (discipline) {
	case SCENARIO_DROP_TAIL:
		break;
	case SCENARIO_RED:
		queue.limit_frames = 25;
		queue.min_frames = 5;
		queue.max_frames = 15;
		queue.max_share = 0.02;
		queue.weight = 0.002;
		queue.gentle = true;
		break;
	case SCENARIO_PIE:
		queue.limit_frames = 25;
		queue.target_ns = 15000000;
		queue.interval_ns = 15000000;
		queue.burst_ns = 150000000;
		break;
	case SCENARIO_CODEL:
		queue.limit_frames = 1000;
		queue.target_ns = 5000000;
		queue.interval_ns = 100000000;
		break;
	case SCENARIO_FQ_CODEL:
		queue.limit_frames = 10240;
		queue.target_ns = 5000000;
		queue.interval_ns = 100000000;
		queue.flows = 1024;
		queue.ecn = true;
		break;
	}
	return queue;
}

uint32_t scenario_discipline_frames(enum scenario_discipline discipline)
{
	return scn_default_queue(discipline).limit_frames;
}

/* "64KiB" is a size, everything else is meant as packets. */
static bool is_size(const char *text)
{
	size_t len = strlen(text);

	return len > 1 && text[len - 1] == 'B' && strchr("0123456789i", text[len - 2]);
}

static void read_limit(struct scn_load *load, const struct scn_value *map, const char *key,
		       struct scenario_queue *queue)
{
	const struct scn_value *value = scn_get(map, key);
	uint64_t frames;

	if (value && value->kind == SCN_TEXT && is_size(value->text) && queue->discipline == SCENARIO_DROP_TAIL) {
		if (scn_read_unit(load, map, key, NULL, SCN_SIZE, QUEUE_SIZE_MIN, QUEUE_SIZE_MAX, &queue->limit_size))
			queue->limit_frames = 0;
	} else if (scn_read_unit(load, map, key, NULL, SCN_PACKETS, 1, SCN_QUEUE_FRAMES_MAX, &frames)) {
		queue->limit_frames = (uint32_t)frames;
	}
}

static void read_red(struct scn_load *load, const struct scn_value *map, struct scenario_queue *queue)
{
	uint64_t min = queue->min_frames, max = queue->max_frames;
	double weight = queue->weight;

	scn_read_unit(load, map, "min", NULL, SCN_PACKETS, 1, SCN_QUEUE_FRAMES_MAX, &min);
	scn_read_unit(load, map, "max", NULL, SCN_PACKETS, 1, SCN_QUEUE_FRAMES_MAX, &max);
	if (max <= min)
		scn_error(load, map, "RED's max (%llup) must be above its min (%llup); three times min is usual",
			  (unsigned long long)max, (unsigned long long)min);
	scn_read_percent(load, map, "max-probability", &queue->max_share);
	if (scn_read_number(load, map, "weight", &weight) && (weight <= 0 || weight > 1))
		scn_error(load, scn_get(map, "weight"), "is above 0 and up to 1; the usual one is 0.002");
	scn_read_bool(load, map, "gentle", &queue->gentle);
	queue->min_frames = (uint32_t)min;
	queue->max_frames = (uint32_t)max;
	queue->weight = weight;
}

static void read_time(struct scn_load *load, const struct scn_value *map, const char *key, uint64_t *ret_ns)
{
	scn_read_unit(load, map, key, NULL, SCN_TIME, AQM_TIME_NS_MIN, AQM_TIME_NS_MAX, ret_ns);
}

static void read_parameters(struct scn_load *load, const struct scn_value *map, struct scenario_queue *queue)
{
	uint64_t flows = queue->flows, quantum = queue->quantum;

	switch (queue->discipline) {
	case SCENARIO_DROP_TAIL:
		return;
	case SCENARIO_RED:
		read_red(load, map, queue);
		break;
	case SCENARIO_PIE:
		read_time(load, map, "target", &queue->target_ns);
		read_time(load, map, "update", &queue->interval_ns);
		scn_read_unit(load, map, "burst", NULL, SCN_TIME, 0, AQM_TIME_NS_MAX, &queue->burst_ns);
		break;
	case SCENARIO_FQ_CODEL:
		scn_read_count(load, map, "flows", NULL, 1, FLOWS_MAX, &flows);
		scn_read_unit(load, map, "quantum", NULL, SCN_SIZE, QUANTUM_MIN, QUANTUM_MAX, &quantum);
		queue->flows = (uint32_t)flows;
		queue->quantum = (uint32_t)quantum;
		/* fall through */
	case SCENARIO_CODEL:
		read_time(load, map, "target", &queue->target_ns);
		read_time(load, map, "interval", &queue->interval_ns);
		break;
	}
	scn_read_bool(load, map, "ecn", &queue->ecn);
}

/* Return: whether a text is the name of a discipline. */
static bool find_discipline(const char *text, unsigned int *ret)
{
	for (unsigned int i = 0; disciplines[i]; i++) {
		if (!strcmp(text, disciplines[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

void scn_read_queue(struct scn_load *load, const struct scn_value *value, struct scenario_queue *ret)
{
	unsigned int discipline = SCENARIO_DROP_TAIL;

	if (value->kind == SCN_MAP) {
		if (scn_get(value, "discipline") &&
		    !scn_read_word(load, value, "discipline", NULL, disciplines, &discipline))
			return;
		*ret = scn_default_queue((enum scenario_discipline)discipline);
		scn_read_map(load, value, keys_of[discipline]);
		read_limit(load, value, "limit", ret);
		read_parameters(load, value, ret);
		return;
	}
	if (value->kind == SCN_TEXT && find_discipline(value->text, &discipline)) {
		*ret = scn_default_queue((enum scenario_discipline)discipline);
		return;
	}
	if (value->kind == SCN_TEXT && value->len && !strchr("0123456789-", *value->text)) {
		scn_read_word(load, value->parent, value->key, NULL, disciplines, &discipline);
		return;
	}
	*ret = scn_default_queue(SCENARIO_DROP_TAIL);
	read_limit(load, value->parent, value->key, ret);
}
