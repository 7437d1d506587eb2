/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng.c - see pcapng.h. Layout: draft-ietf-opsawg-pcapng, sections 3 and 4.
 */
#include "bridge/record/pcapng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define CAPACITY_MIN     (64u << 10)

static uint32_t read_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t read_u16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint8_t *room(struct pcapng_out *out, size_t size)
{
	size_t capacity = out->capacity ? out->capacity : CAPACITY_MIN;
	uint8_t *grown;

	while (capacity - out->size < size)
		capacity *= 2;
	if (capacity != out->capacity) {
		grown = realloc(out->data, capacity);
		if (!grown) {
			out->no_memory = true;
			return NULL;
		}
		out->data = grown;
		out->capacity = capacity;
	}
	out->size += size;
	return out->data + out->size - size;
}

void pcapng_out_done(struct pcapng_out *out)
{
	free(out->data);
	memset(out, 0, sizeof(*out));
}

void pcapng_add(struct pcapng_out *out, const void *data, size_t size)
{
	uint8_t *at = room(out, size);

	if (at && size)
		memcpy(at, data, size);
}

void pcapng_add_u32(struct pcapng_out *out, uint32_t value)
{
	pcapng_add(out, &value, sizeof(value));
}

void pcapng_pad(struct pcapng_out *out)
{
	static const uint8_t zeroes[4];

	pcapng_add(out, zeroes, (4 - (out->size - out->block) % 4) % 4);
}

void pcapng_begin(struct pcapng_out *out, uint32_t type)
{
	out->block = out->size;
	pcapng_add_u32(out, type);
	pcapng_add_u32(out, 0); /* its length, when it is known */
}

void pcapng_end(struct pcapng_out *out)
{
	uint32_t size;

	pcapng_pad(out);
	size = (uint32_t)(out->size - out->block + 4);
	pcapng_add_u32(out, size);
	if (!out->no_memory)
		memcpy(out->data + out->block + 4, &size, sizeof(size));
}

void pcapng_option(struct pcapng_out *out, uint16_t code, const void *data, size_t size)
{
	uint16_t head[2] = {code, (uint16_t)size};

	pcapng_add(out, head, sizeof(head));
	pcapng_add(out, data, (uint16_t)size);
	pcapng_pad(out);
}

void pcapng_option_text(struct pcapng_out *out, uint16_t code, const char *text)
{
	pcapng_option(out, code, text, strnlen(text, PCAPNG_OPTION_MAX));
}

void pcapng_end_options(struct pcapng_out *out)
{
	pcapng_option(out, PCAPNG_OPT_END, NULL, 0);
}

void pcapng_section(struct pcapng_out *out)
{
	const uint16_t version[2] = {1, 0};
	const uint64_t unknown_length = UINT64_MAX;

	pcapng_begin(out, PCAPNG_SECTION);
	pcapng_add_u32(out, BYTE_ORDER_MAGIC);
	pcapng_add(out, version, sizeof(version));
	pcapng_add(out, &unknown_length, sizeof(unknown_length));
}

void pcapng_interface(struct pcapng_out *out, uint16_t link_type, const char *name, const char *description)
{
	const uint16_t type[2] = {link_type, 0};
	const uint8_t nanoseconds = 9;

	pcapng_begin(out, PCAPNG_INTERFACE);
	pcapng_add(out, type, sizeof(type));
	pcapng_add_u32(out, 0); /* no limit on a packet's length */
	pcapng_option_text(out, PCAPNG_IF_NAME, name);
	if (description && description[0])
		pcapng_option_text(out, PCAPNG_IF_DESCRIPTION, description);
	pcapng_option(out, PCAPNG_IF_TSRESOL, &nanoseconds, 1);
}

/* In one go: this is what a recording consists of. */
void pcapng_packet(struct pcapng_out *out, uint32_t interface, uint64_t time_ns, const void *data, uint32_t size,
		   uint32_t flags, const char *comment)
{
	const struct {
		uint16_t code, size;
		uint32_t flags;
		uint16_t end_code, end_size;
	} options = {
		.code = PCAPNG_EPB_FLAGS, .size = sizeof(options.flags), .flags = flags, .end_code = PCAPNG_OPT_END};
	bool is_plain = flags && !comment;
	uint32_t padded = (size + 3) & ~3u;
	uint32_t total = (uint32_t)(7 * sizeof(total) + padded + sizeof(options) + sizeof(total));
	uint32_t head[7] = {PCAPNG_PACKET, total, interface, (uint32_t)(time_ns >> 32), (uint32_t)time_ns, size, size};
	uint8_t *at;

	out->block = out->size;
	at = room(out, is_plain ? total : sizeof(head) + padded);
	if (!at)
		return;
	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	if (padded) {
		memset(at + padded - 4, 0, 4);
		memcpy(at, data, size);
		at += padded;
	}
	if (is_plain) {
		memcpy(at, &options, sizeof(options));
		memcpy(at + sizeof(options), &total, sizeof(total));
		return;
	}
	if (flags)
		pcapng_option(out, PCAPNG_EPB_FLAGS, &flags, sizeof(flags));
	if (comment)
		pcapng_option_text(out, PCAPNG_OPT_COMMENT, comment);
	if (flags || comment)
		pcapng_end_options(out);
	pcapng_end(out); /* says how long it really is */
}

int pcapng_next(struct pcapng_in *in, struct pcapng_block *ret, struct diag *diag)
{
	size_t left = in->size - in->at;
	const uint8_t *at = in->data + in->at;
	uint32_t type, size;

	if (left == 0)
		return in->at ? 0 : diag_set(diag, -EPROTO, "the file is empty");
	if (left < 12)
		return in->at ? -ENODATA : diag_set(diag, -EPROTO, "this is no pcapng file");
	type = read_u32(at);
	size = read_u32(at + 4);
	if (in->at == 0 && type != PCAPNG_SECTION)
		return diag_set(diag, -EPROTO, "this is no pcapng file: it does not begin with a section header");
	if (type == PCAPNG_SECTION && read_u32(at + 8) != BYTE_ORDER_MAGIC)
		return diag_set(diag, -EPROTO, "the section at byte %zu is of another byte order, or this is no pcapng",
				in->at);
	if (size < 12 || size % 4 || size > PCAPNG_BLOCK_MAX)
		return diag_set(diag, -EPROTO, "the block at byte %zu says it is %u bytes long", in->at, size);
	if (size > left)
		return -ENODATA;
	if (read_u32(at + size - 4) != size)
		return diag_set(diag, -EPROTO, "the block at byte %zu ends with another length than it begins with",
				in->at);
	*ret = (struct pcapng_block){.type = type, .offset = in->at, .body = at + 8, .size = size - 12};
	in->at += size;
	return 1;
}

int pcapng_read_packet(const struct pcapng_block *block, struct pcapng_frame *ret)
{
	const uint8_t *body = block->body;
	size_t padded;

	if (block->size < 20)
		return -EPROTO;
	*ret = (struct pcapng_frame){.interface = read_u32(body),
				     .time = (uint64_t)read_u32(body + 4) << 32 | read_u32(body + 8),
				     .data = body + 20,
				     .size = read_u32(body + 12),
				     .original = read_u32(body + 16)};
	padded = ((size_t)ret->size + 3) & ~(size_t)3;
	if (padded > block->size - 20)
		return -EPROTO;
	ret->options = body + 20 + padded;
	ret->options_size = block->size - 20 - padded;
	return 0;
}

int pcapng_next_option(const uint8_t **options, size_t *size, struct pcapng_opt *ret)
{
	size_t padded;

	if (*size == 0)
		return 0;
	if (*size < 4)
		return -EPROTO;
	ret->code = read_u16(*options);
	ret->size = read_u16(*options + 2);
	ret->data = *options + 4;
	if (ret->code == PCAPNG_OPT_END)
		return 0;
	padded = ((size_t)ret->size + 3) & ~(size_t)3;
	if (padded > *size - 4)
		return -EPROTO;
	*options += 4 + padded;
	*size -= 4 + padded;
	return 1;
}
