/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recording.c - see recording.h.
 */
#include "bridge/record/recording.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GHOSTS_MAX  1024u
#define TIME_MAX_NS (366ull * 86400 * 1000000000)

static uint32_t read_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static bool begins_with(const uint8_t *data, size_t size, const char *text)
{
	return size >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

/* Value of "KEY=" in lines of text, newly allocated, or NULL. */
static char *meta_value(const char *text, size_t size, const char *key)
{
	size_t key_size = strlen(key);
	const char *end = text + size;

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		if (!line_end)
			line_end = end;
		if ((size_t)(line_end - text) > key_size && memcmp(text, key, key_size) == 0 && text[key_size] == '=')
			return strndup(text + key_size + 1, (size_t)(line_end - text) - key_size - 1);
		text = line_end + 1;
	}
	return NULL;
}

/* A number of the meta text; @max + 1 when it is missing or not one. */
static uint64_t meta_number(const char *text, size_t size, const char *key, uint64_t max)
{
	char *value = meta_value(text, size, key), *end;
	uint64_t number = max + 1;

	if (value && value[0] >= '0' && value[0] <= '9') {
		errno = 0;
		number = strtoull(value, &end, 10);
		if (errno || *end || number > max)
			number = max + 1;
	}
	free(value);
	return number;
}

static int read_meta(struct recording *recording, const char *text, size_t size, struct diag *diag)
{
	uint64_t schema = meta_number(text, size, "schema", UINT32_MAX);

	if (schema != BOUNDARY_SCHEMA)
		return diag_set(diag, -EPROTONOSUPPORT,
				"the recording's schema is %" PRIu64 "; this program reads schema %d", schema,
				BOUNDARY_SCHEMA);
	if (recording->name)
		return diag_set(diag, -EPROTO, "the recording describes itself twice");
	recording->name = meta_value(text, size, "name");
	recording->default_name = meta_value(text, size, "scenario");
	recording->source = meta_value(text, size, "source");
	recording->ghostbridge = meta_value(text, size, "ghostbridge");
	recording->ns3 = meta_value(text, size, "ns-3");
	recording->ghost = meta_value(text, size, "ghost");
	recording->program = meta_value(text, size, "program");
	recording->seed = meta_number(text, size, "seed", UINT64_MAX - 1);
	recording->lag_ns = meta_number(text, size, "lag_ns", UINT64_MAX - 1);
	recording->workers = (uint32_t)meta_number(text, size, "workers", UINT32_MAX - 1);
	recording->ghost_count = (uint32_t)meta_number(text, size, "ghosts", GHOSTS_MAX);
	recording->port_count = (uint32_t)meta_number(text, size, "ports", RECORDING_PORTS_MAX);
	if (!recording->name || !recording->default_name || !recording->ghostbridge || !recording->ns3 ||
	    recording->seed == UINT64_MAX || recording->lag_ns == UINT64_MAX || recording->workers == UINT32_MAX ||
	    recording->ghost_count > GHOSTS_MAX || recording->port_count > RECORDING_PORTS_MAX)
		return diag_set(diag, -EPROTO, "the recording's description of itself is not complete");
	return 0;
}

static int read_section(struct recording *recording, const struct pcapng_block *block, struct diag *diag)
{
	const uint8_t *options = block->body + 16;
	size_t size = block->size - 16, text_size = 0;
	struct pcapng_opt opt;
	char *grown;
	int r;

	while ((r = pcapng_next_option(&options, &size, &opt)) == 1) {
		const uint8_t *text = opt.data + 4;
		size_t len;

		if (opt.code != PCAPNG_OPT_CUSTOM_TEXT || opt.size < 4 || read_u32(opt.data) != BOUNDARY_ENTERPRISE)
			continue;
		len = opt.size - 4u;
		if (begins_with(text, len, BOUNDARY_TEXT_META)) {
			r = read_meta(recording, (const char *)text + strlen(BOUNDARY_TEXT_META),
				      len - strlen(BOUNDARY_TEXT_META), diag);
			if (r < 0)
				return r;
		} else if (begins_with(text, len, BOUNDARY_TEXT_SCENARIO)) {
			text += strlen(BOUNDARY_TEXT_SCENARIO);
			len -= strlen(BOUNDARY_TEXT_SCENARIO);
			grown = realloc(recording->scenario, text_size + len + 1);
			if (!grown)
				return diag_set(diag, -ENOMEM, "out of memory");
			memcpy(grown + text_size, text, len);
			text_size += len;
			grown[text_size] = '\0';
			recording->scenario = grown;
		}
	}
	if (r < 0)
		return diag_set(diag, r, "the section header's options make no sense");
	if (!recording->name)
		return diag_set(diag, -EPROTO,
				"this is a pcapng file, but not a recording of ghostbridge: only a run with --record "
				"writes one");
	if (!recording->scenario)
		return diag_set(diag, -EPROTO, "the recording holds no scenario, so there is nothing to simulate");
	return 0;
}

/* "link lan, ghost 0" -> "lan" */
static char *link_of(const struct pcapng_opt *opt)
{
	const char *text = (const char *)opt->data, *comma;

	if (!begins_with(opt->data, opt->size, "link "))
		return NULL;
	comma = memchr(text, ',', opt->size);
	return comma ? strndup(text + 5, (size_t)(comma - text) - 5) : NULL;
}

static int read_interface(const struct recording *recording, const struct pcapng_block *block,
			  struct recording_port *port, struct diag *diag)
{
	const uint8_t *options = block->body + 8;
	size_t size = block->size - 8;
	bool has_place = false, in_ns = false;
	struct pcapng_opt opt;
	int r;

	while ((r = pcapng_next_option(&options, &size, &opt)) == 1) {
		if (opt.code == PCAPNG_IF_NAME && !port->name) {
			port->name = strndup((const char *)opt.data, opt.size);
		} else if (opt.code == PCAPNG_IF_DESCRIPTION && !port->link) {
			port->link = link_of(&opt);
		} else if (opt.code == PCAPNG_IF_TSRESOL && opt.size == 1) {
			in_ns = opt.data[0] == 9;
		} else if (opt.code == PCAPNG_OPT_CUSTOM_DATA && opt.size == 12 &&
			   read_u32(opt.data) == BOUNDARY_ENTERPRISE) {
			port->ghost = read_u32(opt.data + 4);
			port->index = read_u32(opt.data + 8);
			has_place = true;
		}
	}
	if (r < 0 || !port->name || !port->link || !has_place || !in_ns || port->ghost >= recording->ghost_count)
		return diag_set(diag, -EPROTO, "the interface at byte %zu is not one of a recording", block->offset);
	return 0;
}

static int read_head(struct recording *recording, struct diag *diag)
{
	struct pcapng_block block;
	int r;

	r = pcapng_next(&recording->in, &block, diag);
	if (r == 1 && block.size < 16)
		r = -EPROTO;
	if (r != 1)
		return diag->text[0] ? r : diag_set(diag, -EPROTO, "the file ends within its header");
	r = read_section(recording, &block, diag);
	if (r < 0)
		return r;
	recording->ports = calloc(recording->port_count + 1u, sizeof(*recording->ports));
	recording->ghosts = calloc(recording->ghost_count + 1u, sizeof(*recording->ghosts));
	if (!recording->ports || !recording->ghosts)
		return diag_set(diag, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i <= recording->port_count; i++) {
		r = pcapng_next(&recording->in, &block, diag);
		if (r != 1 || block.type != PCAPNG_INTERFACE || block.size < 8)
			return diag->text[0] ? r : diag_set(diag, -EPROTO, "the file ends before its interfaces do");
		if (i == recording->port_count)
			break; /* the one for changes */
		r = read_interface(recording, &block, &recording->ports[i], diag);
		if (r < 0)
			return r;
	}
	recording->first = recording->in.at;
	return 0;
}

void recording_rewind(struct recording *recording)
{
	recording->in.at = recording->first;
	recording->block.type = 0;
	recording->departure_at = 0;
}

/* The next departure of the block that is being read, if there is one. Return: 1 or 0. */
static int next_departure(struct recording *recording, struct recording_entry *ret)
{
	struct boundary_departure departure;

	while (recording->departure_at + sizeof(departure) <= recording->block.size) {
		memcpy(&departure, recording->block.body + recording->departure_at, sizeof(departure));
		recording->departure_at += sizeof(departure);
		if (departure.interface >= recording->port_count)
			continue; /* recording_parse() has refused the file already */
		*ret = (struct recording_entry){.kind = JOURNAL_OUT,
						.ghost = recording->ports[departure.interface].ghost,
						.interface = departure.interface,
						.len = departure.len,
						.time_ns = departure.time_ns,
						.value = departure.hash,
						.offset = recording->block.offset};
		return 1;
	}
	recording->departure_at = 0;
	return 0;
}

/* Return: 1 with @ret set, 0 when this block is no entry (departures are waiting, or it is not ours), -EPROTO. */
static int read_block(struct recording *recording, struct recording_entry *ret)
{
	const struct pcapng_block *block = &recording->block;
	struct boundary_event event;
	struct pcapng_frame frame;

	if (block->type == PCAPNG_PACKET) {
		if (pcapng_read_packet(block, &frame) < 0 || frame.interface > recording->port_count)
			return -EPROTO;
		if (frame.interface == recording->port_count)
			return 0; /* a remark; the event itself is a block of its own */
		if (frame.size != frame.original || frame.size < 14 || frame.size > JOURNAL_PAYLOAD_MAX)
			return -EPROTO;
		*ret = (struct recording_entry){.kind = JOURNAL_IN,
						.ghost = recording->ports[frame.interface].ghost,
						.interface = frame.interface,
						.len = frame.size,
						.time_ns = frame.time,
						.data = frame.data,
						.size = frame.size,
						.offset = block->offset};
		return 1;
	}
	if (block->type != PCAPNG_CUSTOM || block->size < 8 || read_u32(block->body) != BOUNDARY_ENTERPRISE)
		return 0;
	if (read_u32(block->body + 4) == BOUNDARY_DEPARTURES) {
		if ((block->size - 8) % sizeof(struct boundary_departure))
			return -EPROTO;
		recording->departure_at = 8;
		return 0;
	}
	if (read_u32(block->body + 4) != BOUNDARY_EVENT || block->size < 8 + sizeof(event))
		return -EPROTO;
	memcpy(&event, block->body + 8, sizeof(event));
	if (event.ghost >= recording->ghost_count || event.text_size > block->size - 8 - sizeof(event))
		return -EPROTO;
	if (event.kind != JOURNAL_BEGIN && event.kind != JOURNAL_END && event.kind != JOURNAL_GAP &&
	    event.kind != JOURNAL_CONTROL)
		return -EPROTO;
	*ret = (struct recording_entry){.kind = (enum journal_kind)event.kind,
					.ghost = event.ghost,
					.time_ns = event.time_ns,
					.value = event.value,
					.extra = event.extra,
					.data = event.text_size ? block->body + 8 + sizeof(event) : NULL,
					.size = event.text_size,
					.offset = block->offset};
	return 1;
}

/* As recording_next(), and -ENODATA for half a block at the end, -EPROTO. */
static int next_entry(struct recording *recording, struct recording_entry *ret, struct diag *diag)
{
	int r;

	for (;;) {
		if (recording->departure_at && next_departure(recording, ret))
			return 1;
		r = pcapng_next(&recording->in, &recording->block, diag);
		if (r != 1)
			return r;
		if (recording->block.type == PCAPNG_SECTION || recording->block.type == PCAPNG_INTERFACE)
			return diag_set(diag, -EPROTO,
					"at byte %zu something else begins; a recording is one section whose "
					"interfaces come first",
					recording->block.offset);
		r = read_block(recording, ret);
		if (r < 0)
			return diag_set(diag, r, "the block at byte %zu makes no sense", recording->block.offset);
		if (r == 1)
			return 1;
	}
}

int recording_next(struct recording *recording, struct recording_entry *ret)
{
	struct diag diag = {""};

	return next_entry(recording, ret, &diag) == 1;
}

__attribute__((format(printf, 2, 3))) static void set_incomplete(struct recording *recording, const char *fmt, ...)
{
	va_list args;

	if (recording->incomplete[0])
		return;
	va_start(args, fmt);
	vsnprintf(recording->incomplete, sizeof(recording->incomplete), fmt, args);
	va_end(args);
}

static void note(struct recording *recording, const struct recording_entry *entry, uint64_t number)
{
	struct recording_ghost *ghost = &recording->ghosts[entry->ghost];
	struct recording_port *port = &recording->ports[entry->interface];

	if (entry->time_ns > recording->end_ns)
		recording->end_ns = entry->time_ns;
	if (!ghost->has_ended && entry->time_ns > ghost->end_ns)
		ghost->end_ns = entry->time_ns;
	switch (entry->kind) {
	case JOURNAL_IN:
		port->frames_in++;
		port->bytes_in += entry->len;
		recording->frames_in++;
		break;
	case JOURNAL_OUT:
		port->frames_out++;
		port->bytes_out += entry->len;
		break;
	case JOURNAL_GAP:
		set_incomplete(recording,
			       "%" PRIu64 " entries are missing at %.6f s, because the disk could not follow",
			       entry->value, (double)entry->time_ns / 1e9);
		if (ghost->gap_at == UINT64_MAX)
			ghost->gap_at = number;
		break;
	case JOURNAL_BEGIN:
		if (ghost->has_begun) {
			set_incomplete(recording, "ghost %u died and was started again during the run", entry->ghost);
			if (ghost->gap_at == UINT64_MAX)
				ghost->gap_at = number;
		}
		ghost->has_begun = true;
		ghost->begin_events = entry->value;
		break;
	case JOURNAL_END:
		ghost->has_ended = true;
		ghost->is_cut = entry->extra != 0;
		ghost->events = entry->value;
		ghost->end_ns = entry->time_ns;
		if (ghost->is_cut)
			set_incomplete(recording, "ghost %u was stopped while it waited for its shuttle", entry->ghost);
		break;
	default:
		break;
	}
}

/* How far a ghost has come while the file is read. */
struct progress {
	uint64_t latest; /* when the last thing entered */
	bool is_over;    /* its end has been seen */
};

/*
 * Whether an entry can come where it stands. A ghost waits for the time of what enters and of its end, so one that is
 * wrong would keep a replay going for ever. Frames that leave may do so in any order, ahead of their time too.
 */
static int check_order(const struct recording_entry *entry, struct progress *progress, struct diag *diag)
{
	if (entry->time_ns > TIME_MAX_NS)
		return diag_set(diag, -EPROTO, "the block at byte %zu has a time later than a year after the start",
				entry->offset);
	if (entry->kind == JOURNAL_BEGIN) {
		*progress = (struct progress){.latest = 0};
		return 0;
	}
	if (progress->is_over)
		return diag_set(diag, -EPROTO, "at byte %zu ghost %u goes on after its end", entry->offset,
				entry->ghost);
	if (entry->kind != JOURNAL_IN && entry->kind != JOURNAL_CONTROL && entry->kind != JOURNAL_END)
		return 0;
	if (entry->time_ns < progress->latest)
		return diag_set(diag, -EPROTO, "the %s at byte %zu %s before what is in front of it",
				entry->kind == JOURNAL_IN        ? "frame"
				: entry->kind == JOURNAL_CONTROL ? "change"
								 : "end",
				entry->offset, entry->kind == JOURNAL_END ? "comes" : "entered");
	progress->latest = entry->time_ns;
	progress->is_over = entry->kind == JOURNAL_END;
	return 0;
}

static int scan(struct recording *recording, struct diag *diag)
{
	struct recording_entry entry;
	uint64_t number = 0;
	struct progress *progress = calloc(recording->ghost_count + 1u, sizeof(*progress));
	int r;

	if (!progress)
		return diag_set(diag, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < recording->ghost_count; i++)
		recording->ghosts[i].gap_at = UINT64_MAX;
	while ((r = next_entry(recording, &entry, diag)) == 1) {
		r = check_order(&entry, &progress[entry.ghost], diag);
		if (r < 0)
			break;
		note(recording, &entry, number++);
	}
	free(progress);
	if (r == -EPROTO || r == -ENOMEM)
		return r;
	if (r == -ENODATA)
		set_incomplete(recording, "the file ends in the middle of a block, at byte %zu", recording->in.at);
	for (uint32_t i = 0; i < recording->ghost_count; i++) {
		if (!recording->ghosts[i].has_ended)
			set_incomplete(recording, "the recording has no end: the run, or its recorder, was killed");
	}
	return 0;
}

int recording_parse(const uint8_t *data, size_t size, struct recording *ret, struct diag *diag)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->in = (struct pcapng_in){.data = data, .size = size};
	r = read_head(ret, diag);
	if (r == -ENODATA)
		r = diag_set(diag, -EPROTO, "the file ends within its header");
	if (r >= 0)
		r = scan(ret, diag);
	recording_rewind(ret);
	return r;
}

void recording_done(struct recording *recording)
{
	for (uint32_t i = 0; recording->ports && i < recording->port_count; i++) {
		free(recording->ports[i].name);
		free(recording->ports[i].link);
	}
	free(recording->ports);
	free(recording->ghosts);
	free(recording->name);
	free(recording->default_name);
	free(recording->source);
	free(recording->scenario);
	free(recording->ghostbridge);
	free(recording->ns3);
	free(recording->ghost);
	free(recording->program);
	memset(recording, 0, sizeof(*recording));
}

int recording_load(const char *path, struct recording *ret, struct diag *diag)
{
	struct stat status;
	void *map;
	int fd, r;

	memset(ret, 0, sizeof(*ret));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return diag_set(diag, -errno, "%s", strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
		close(fd);
		return diag_set(diag, -EPROTO, "this is no file, or an empty one");
	}
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	r = -errno;
	close(fd);
	if (map == MAP_FAILED)
		return diag_set(diag, r, "%s", strerror(-r));
	r = recording_parse(map, (size_t)status.st_size, ret, diag);
	if (r < 0) {
		recording_done(ret);
		munmap(map, (size_t)status.st_size);
	}
	return r;
}

void recording_unload(struct recording *recording)
{
	void *map = (void *)(uintptr_t)recording->in.data;
	size_t size = recording->in.size;

	recording_done(recording);
	if (map)
		munmap(map, size);
}
