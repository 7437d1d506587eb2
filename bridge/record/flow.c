/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow.c - see flow.h.
 */
#include "bridge/record/flow.h"

#include <stdlib.h>

#include "bridge/record/digest.h"

struct passage {
	uint64_t hash;
	uint64_t time_ns;
	uint32_t port;
	bool seen; /* of one that entered: it left somewhere */
};

struct flows {
	struct passage *in, *out;
	size_t in_count, out_count;
	size_t *next; /* per frame that entered, at the first of its hash: where to go on looking */
	uint64_t *delays;
};

static int by_hash(const void *left, const void *right)
{
	const struct passage *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

static int by_port(const void *left, const void *right)
{
	const struct passage *a = left, *b = right;

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Index of the first frame with this hash, or in_count. */
static size_t first_of(const struct flows *flows, uint64_t hash)
{
	size_t low = 0, high = flows->in_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flows->in[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < flows->in_count && flows->in[low].hash == hash ? low : flows->in_count;
}

static int collect(struct recording *recording, struct flows *flows, struct flow_port *ret)
{
	struct recording_entry entry;
	uint64_t out = 0;

	for (uint32_t i = 0; i < recording->port_count; i++)
		out += recording->ports[i].frames_out;
	flows->in = malloc((recording->frames_in + 1) * sizeof(*flows->in));
	flows->out = malloc((out + 1) * sizeof(*flows->out));
	flows->next = calloc(recording->frames_in + 1, sizeof(*flows->next));
	flows->delays = malloc((out + 1) * sizeof(*flows->delays));
	if (!flows->in || !flows->out || !flows->next || !flows->delays)
		return -ENOMEM;
	recording_rewind(recording);
	while (recording_next(recording, &entry)) {
		if (entry.kind == JOURNAL_IN && flows->in_count < recording->frames_in) {
			flows->in[flows->in_count++] = (struct passage){.hash = digest_bytes(entry.data, entry.len),
									.time_ns = entry.time_ns,
									.port = entry.interface};
			ret[entry.interface].entered++;
			ret[entry.interface].entered_bytes += entry.len;
		} else if (entry.kind == JOURNAL_OUT && flows->out_count < out) {
			flows->out[flows->out_count++] = (struct passage){
				.hash = entry.value, .time_ns = entry.time_ns, .port = entry.interface};
			ret[entry.interface].left++;
			ret[entry.interface].left_bytes += entry.len;
		}
	}
	return 0;
}

/* All that left one port, in order of time. */
static void find_port(struct flows *flows, const struct passage *out, size_t count, struct flow_port *ret)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		size_t first = first_of(flows, out[i].hash), at = first;

		if (first == flows->in_count)
			continue;
		at = flows->next[first] > first ? flows->next[first] : first;
		while (at < flows->in_count && flows->in[at].hash == out[i].hash && flows->in[at].port == out[i].port)
			at++;
		if (at == flows->in_count || flows->in[at].hash != out[i].hash ||
		    flows->in[at].time_ns > out[i].time_ns)
			continue;
		flows->next[first] = at + 1;
		flows->in[at].seen = true;
		flows->delays[ret->found] = out[i].time_ns - flows->in[at].time_ns;
		sum += (double)flows->delays[ret->found++];
	}
	if (ret->found == 0)
		return;
	qsort(flows->delays, ret->found, sizeof(*flows->delays), by_value);
	ret->delay_mean_ns = sum / (double)ret->found;
	ret->delay_min_ns = flows->delays[0];
	ret->delay_p50_ns = flows->delays[(ret->found - 1) / 2];
	ret->delay_p99_ns = flows->delays[(ret->found - 1) * 99 / 100];
	ret->delay_max_ns = flows->delays[ret->found - 1];
}

int flow_find(struct recording *recording, struct flow_port *ret)
{
	struct flows flows = {.in = NULL};
	int r;

	memset(ret, 0, recording->port_count * sizeof(*ret));
	r = collect(recording, &flows, ret);
	if (r == 0) {
		qsort(flows.in, flows.in_count, sizeof(*flows.in), by_hash);
		qsort(flows.out, flows.out_count, sizeof(*flows.out), by_port);
		for (size_t i = 0, end; i < flows.out_count; i = end) {
			end = i;
			while (end < flows.out_count && flows.out[end].port == flows.out[i].port)
				end++;
			memset(flows.next, 0, flows.in_count * sizeof(*flows.next));
			find_port(&flows, &flows.out[i], end - i, &ret[flows.out[i].port]);
		}
		for (size_t i = 0; i < flows.in_count; i++)
			ret[flows.in[i].port].vanished += !flows.in[i].seen;
	}
	recording_rewind(recording);
	free(flows.in);
	free(flows.out);
	free(flows.next);
	free(flows.delays);
	return r;
}
