/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tape.c - see tape.h.
 */
#include "bridge/experiment/tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/record/boundary.h"

#define BUFFER_SIZE (1u << 20)

/* A tape's next entry, while tapes are joined. */
struct head {
	struct journal_entry entry;
	uint8_t payload[JOURNAL_PAYLOAD_MAX];
};

static void drain(struct pcapng_out *out, FILE *file, size_t most)
{
	if (out->size <= most)
		return;
	fwrite(out->data, 1, out->size, file);
	out->size = 0;
}

static int add_device(struct tape *tape, const struct journal_entry *entry, const uint8_t *payload)
{
	struct replay *replay = tape->replay;
	uint32_t *devices = realloc(tape->devices, (tape->device_count + 1) * sizeof(*devices));
	char name[512], *type;

	if (!devices)
		return -ENOMEM;
	tape->devices = devices;
	devices[tape->device_count++] = replay->device_count++;
	snprintf(name, sizeof(name), "%.*s", (int)entry->size, (const char *)payload);
	type = strchrnul(name, '\n');
	if (*type)
		*type++ = '\0';
	pcapng_interface(&replay->devices, (uint16_t)entry->extra, name, type);
	pcapng_end_options(&replay->devices);
	pcapng_end(&replay->devices);
	return 0;
}

static int add_sniffed(struct tape *tape, const struct journal_entry *entry, const uint8_t *payload)
{
	static const uint32_t flags[] = {
		[JOURNAL_EITHER_WAY] = 0, [JOURNAL_RECEIVED] = PCAPNG_INBOUND, [JOURNAL_SENT] = PCAPNG_OUTBOUND};

	if (entry->port >= tape->device_count || entry->extra >= sizeof(flags) / sizeof(flags[0]))
		return -EPROTO;
	pcapng_packet(&tape->replay->devices, tape->devices[entry->port], entry->time_ns, payload, entry->size,
		      flags[entry->extra], NULL);
	return 0;
}

/* Where an entry ends up. */
static int add(struct tape *tape, const struct journal_entry *entry, const uint8_t *payload)
{
	struct replay *replay = tape->replay;
	int r = 0;

	switch (entry->kind) {
	case JOURNAL_DEVICE:
	case JOURNAL_SNIFFED:
		if (!replay->pcap)
			return 0;
		r = entry->kind == JOURNAL_DEVICE ? add_device(tape, entry, payload)
						  : add_sniffed(tape, entry, payload);
		drain(&replay->devices, replay->pcap, BUFFER_SIZE);
		return replay->devices.no_memory ? -ENOMEM : r;
	default:
		if (!replay->out)
			return 0;
		r = boundary_add(replay->out, tape->ghost, entry, payload);
		drain(&replay->out->out, replay->out_file, BUFFER_SIZE);
		return r;
	}
}

void tape_begin(struct replay *replay)
{
	if (!replay->pcap)
		return;
	pcapng_section(&replay->devices);
	pcapng_option_text(&replay->devices, PCAPNG_SHB_USERAPPL, "ghostbridge " GB_VERSION);
	pcapng_end_options(&replay->devices);
	pcapng_end(&replay->devices);
}

int tape_open(struct tape *tape, struct replay *replay, uint32_t ghost)
{
	*tape = (struct tape){.replay = replay, .ghost = ghost};
	if (replay->recording->ghost_count < 2 || (!replay->pcap && !replay->out))
		return 0;
	tape->file = tmpfile();
	return tape->file ? 0 : -errno;
}

void tape_close(struct tape *tape)
{
	if (tape->file)
		fclose(tape->file);
	free(tape->devices);
	memset(tape, 0, sizeof(*tape));
}

int tape_put(struct tape *tape, const struct journal_entry *entry, const uint8_t *payload)
{
	if (!tape->file)
		return add(tape, entry, payload);
	if (fwrite(entry, sizeof(*entry), 1, tape->file) != 1 ||
	    (entry->size && fwrite(payload, entry->size, 1, tape->file) != 1))
		return -EIO;
	return 0;
}

/* Return: whether there was one. */
static bool next(struct tape *tape, struct head *head)
{
	return fread(&head->entry, sizeof(head->entry), 1, tape->file) == 1 &&
	       (!head->entry.size || fread(head->payload, head->entry.size, 1, tape->file) == 1);
}

/* Each tape keeps its own order; of their first entries the earliest goes. */
static int merge(struct tape **tapes, uint32_t count)
{
	struct head *heads = calloc(count, sizeof(*heads));
	bool *has = calloc(count, sizeof(*has));
	int r = heads && has ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		rewind(tapes[i]->file);
		has[i] = next(tapes[i], &heads[i]);
	}
	while (r == 0) {
		uint32_t first = count;

		for (uint32_t i = 0; i < count; i++) {
			if (has[i] && (first == count || heads[i].entry.time_ns < heads[first].entry.time_ns))
				first = i;
		}
		if (first == count)
			break;
		r = add(tapes[first], &heads[first].entry, heads[first].payload);
		has[first] = next(tapes[first], &heads[first]);
	}
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = ferror(tapes[i]->file) ? -EIO : 0;
	free(heads);
	free(has);
	return r;
}

int tape_join(struct replay *replay, struct tape **tapes, uint32_t count)
{
	int r = count && tapes[0]->file ? merge(tapes, count) : 0;

	if (replay->pcap)
		drain(&replay->devices, replay->pcap, 0);
	return r;
}
