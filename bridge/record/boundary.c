/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boundary.c - see boundary.h.
 */
#include "bridge/record/boundary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/record/digest.h"

#define SCENARIO_CHUNK   60000u /* bytes of text to an option, which ends at 65535 */
#define ETHERNET_MIN     14u
#define CONTROL_TEXT_MAX 1400u

static void text_option(struct pcapng_out *out, const char *kind, const char *text, size_t size)
{
	uint32_t enterprise = BOUNDARY_ENTERPRISE;
	size_t kind_size = strlen(kind);
	char *data = malloc(4 + kind_size + size);

	if (!data) {
		out->no_memory = true;
		return;
	}
	memcpy(data, &enterprise, 4);
	memcpy(data + 4, kind, kind_size);
	memcpy(data + 4 + kind_size, text, size);
	pcapng_option(out, PCAPNG_OPT_CUSTOM_TEXT, data, 4 + kind_size + size);
	free(data);
}

/* A line that not every recording has. */
static void add_hash(char *text, size_t size, const char *key, const char *value)
{
	size_t len = strlen(text);

	if (value && value[0])
		snprintf(text + len, size - len, "%s=%s\n", key, value);
}

static void add_section(struct pcapng_out *out, const struct boundary_info *info)
{
	size_t left = strlen(info->scenario);
	const char *at = info->scenario;
	char text[8192];

	pcapng_section(out);
	pcapng_option_text(out, PCAPNG_SHB_USERAPPL, "ghostbridge " GB_VERSION);
	snprintf(text, sizeof(text),
		 "ghostbridge recording of '%s', seed %" PRIu64
		 ": every frame that entered the simulation, in simulated time since the origin. `ghostbridge replay` "
		 "repeats the simulation from it.",
		 info->name, info->seed);
	pcapng_option_text(out, PCAPNG_OPT_COMMENT, text);
	snprintf(text, sizeof(text),
		 "schema=%d\nname=%s\nscenario=%s\nsource=%s\nghostbridge=%s\nns-3=%s\nseed=%" PRIu64
		 "\nlag_ns=%" PRIu64 "\nworkers=%u\nghosts=%u\nports=%u\n",
		 BOUNDARY_SCHEMA, info->name, info->default_name, info->source ? info->source : "", GB_VERSION,
		 info->ns3, info->seed, info->lag_ns, info->workers, info->ghost_count, info->port_count);
	add_hash(text, sizeof(text), "ghost", info->ghost);
	add_hash(text, sizeof(text), "program", info->program);
	text_option(out, BOUNDARY_TEXT_META, text, strlen(text));
	while (left > 0) {
		size_t size = left < SCENARIO_CHUNK ? left : SCENARIO_CHUNK;

		text_option(out, BOUNDARY_TEXT_SCENARIO, at, size);
		at += size;
		left -= size;
	}
	pcapng_end_options(out);
	pcapng_end(out);
}

static void add_interface(struct pcapng_out *out, const struct boundary_port *port)
{
	const uint32_t where[3] = {BOUNDARY_ENTERPRISE, port->ghost, port->index};
	char text[512];

	snprintf(text, sizeof(text), "link %s, ghost %u", port->link, port->ghost);
	pcapng_interface(out, PCAPNG_LINK_ETHERNET, port->name, text);
	pcapng_option(out, PCAPNG_OPT_CUSTOM_DATA, where, sizeof(where));
	pcapng_end_options(out);
	pcapng_end(out);
}

int boundary_open(struct boundary_writer *writer, const struct boundary_info *info)
{
	uint32_t ghost = 0, index = 0;

	memset(writer, 0, sizeof(*writer));
	writer->ghost_count = info->ghost_count;
	writer->port_count = info->port_count;
	writer->first = calloc(info->ghost_count + 1u, sizeof(*writer->first));
	writer->inputs = calloc(info->ghost_count + 1u, sizeof(*writer->inputs));
	if (!writer->first || !writer->inputs) {
		boundary_close(writer);
		return -ENOMEM;
	}
	add_section(&writer->out, info);
	for (uint32_t i = 0; i < info->port_count; i++) {
		const struct boundary_port *port = &info->ports[i];

		while (ghost < port->ghost && ghost < info->ghost_count) {
			writer->first[++ghost] = i;
			index = 0;
		}
		if (port->ghost != ghost || port->index != index++) {
			boundary_close(writer);
			return -EINVAL;
		}
		add_interface(&writer->out, port);
	}
	while (ghost < info->ghost_count)
		writer->first[++ghost] = info->port_count;
	pcapng_interface(&writer->out, PCAPNG_LINK_ETHERNET, BOUNDARY_CONTROL_NAME,
			 "changes made while the experiment ran, and what is missing here");
	pcapng_end_options(&writer->out);
	pcapng_end(&writer->out);
	if (writer->out.no_memory) {
		boundary_close(writer);
		return -ENOMEM;
	}
	return 0;
}

void boundary_close(struct boundary_writer *writer)
{
	pcapng_out_done(&writer->out);
	free(writer->first);
	free(writer->inputs);
	writer->first = NULL;
	writer->inputs = NULL;
}

void boundary_flush(struct boundary_writer *writer)
{
	if (writer->departure_count == 0)
		return;
	pcapng_begin(&writer->out, PCAPNG_CUSTOM);
	pcapng_add_u32(&writer->out, BOUNDARY_ENTERPRISE);
	pcapng_add_u32(&writer->out, BOUNDARY_DEPARTURES);
	pcapng_add(&writer->out, writer->departures, writer->departure_count * sizeof(*writer->departures));
	pcapng_end(&writer->out);
	writer->departure_count = 0;
}

static void add_event(struct boundary_writer *writer, uint32_t ghost, const struct journal_entry *entry,
		      const uint8_t *text)
{
	const struct boundary_event event = {.ghost = ghost,
					     .kind = entry->kind,
					     .time_ns = entry->time_ns,
					     .value = entry->value,
					     .extra = entry->extra,
					     .text_size = entry->size};

	/* In the file, too, what left before comes before. */
	boundary_flush(writer);
	pcapng_begin(&writer->out, PCAPNG_CUSTOM);
	pcapng_add_u32(&writer->out, BOUNDARY_ENTERPRISE);
	pcapng_add_u32(&writer->out, BOUNDARY_EVENT);
	pcapng_add(&writer->out, &event, sizeof(event));
	pcapng_add(&writer->out, text, entry->size);
	pcapng_end(&writer->out);
}

/* For whoever looks at the file with another tool: a frame whose payload, and comment, is text. */
static void add_remark(struct boundary_writer *writer, uint64_t time_ns, const char *text)
{
	uint8_t frame[ETHERNET_MIN + CONTROL_TEXT_MAX] = {0};
	size_t size = strnlen(text, CONTROL_TEXT_MAX);

	frame[12] = BOUNDARY_CONTROL_TYPE >> 8;
	frame[13] = BOUNDARY_CONTROL_TYPE & 0xff;
	memcpy(frame + ETHERNET_MIN, text, size);
	pcapng_packet(&writer->out, writer->port_count, time_ns, frame, (uint32_t)(ETHERNET_MIN + size), 0, text);
}

uint64_t boundary_input(uint64_t digest, const struct journal_entry *entry, const uint8_t *payload)
{
	if (entry->kind != JOURNAL_IN && entry->kind != JOURNAL_CONTROL)
		return digest;
	return digest_input(digest, entry->time_ns, entry->kind == JOURNAL_IN ? entry->port : UINT32_MAX, payload,
			    entry->size);
}

uint64_t boundary_inputs(const uint64_t *inputs, uint32_t ghost_count)
{
	return digest_bytes(inputs, ghost_count * (uint32_t)sizeof(*inputs));
}

int boundary_add(struct boundary_writer *writer, uint32_t ghost, const struct journal_entry *entry,
		 const uint8_t *payload)
{
	uint32_t ports = writer->first[ghost + 1] - writer->first[ghost];
	uint32_t interface = writer->first[ghost] + entry->port;
	char text[CONTROL_TEXT_MAX + 1];

	switch (entry->kind) {
	case JOURNAL_IN:
		if (entry->port >= ports || entry->size < ETHERNET_MIN)
			return -EPROTO;
		pcapng_packet(&writer->out, interface, entry->time_ns, payload, entry->size, PCAPNG_INBOUND, NULL);
		writer->inputs[ghost] = boundary_input(writer->inputs[ghost], entry, payload);
		writer->frames++;
		return 0;
	case JOURNAL_OUT:
		if (entry->port >= ports)
			return -EPROTO;
		writer->departures[writer->departure_count++] = (struct boundary_departure){
			.interface = interface, .len = entry->extra, .time_ns = entry->time_ns, .hash = entry->value};
		if (writer->departure_count == BOUNDARY_DEPARTURES_MAX)
			boundary_flush(writer);
		return 0;
	case JOURNAL_CONTROL:
		writer->inputs[ghost] = boundary_input(writer->inputs[ghost], entry, payload);
		add_event(writer, ghost, entry, payload);
		snprintf(text, sizeof(text), "%.*s", (int)entry->size, (const char *)payload);
		add_remark(writer, entry->time_ns, text);
		return 0;
	case JOURNAL_GAP:
		writer->gaps += entry->value;
		add_event(writer, ghost, entry, payload);
		snprintf(text, sizeof(text),
			 "INCOMPLETE: the disk could not follow, %" PRIu64
			 " entries are missing here; a replay ends at this point",
			 entry->value);
		add_remark(writer, entry->time_ns, text);
		return 0;
	case JOURNAL_BEGIN:
	case JOURNAL_END:
		add_event(writer, ghost, entry, payload);
		return 0;
	default:
		return -EPROTO;
	}
}
