/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng.h - pcapng (draft-ietf-opsawg-pcapng) blocks, written to and read from memory.
 *
 * Pure: no file descriptor. Writing appends whole blocks to a growing buffer; reading walks over a file in memory and
 * believes nothing in it. Only the byte order of this machine: that is what ghostbridge writes and reads.
 */
#ifndef RECORD_PCAPNG_H
#define RECORD_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"

#define PCAPNG_SECTION   0x0a0d0d0au /* Section Header Block */
#define PCAPNG_INTERFACE 1u          /* Interface Description Block */
#define PCAPNG_PACKET    6u          /* Enhanced Packet Block */
#define PCAPNG_CUSTOM    0xbadu      /* Custom Block; others may copy it */

#define PCAPNG_OPT_END         0u
#define PCAPNG_OPT_COMMENT     1u
#define PCAPNG_OPT_CUSTOM_TEXT 2988u
#define PCAPNG_OPT_CUSTOM_DATA 2989u
#define PCAPNG_SHB_OS          3u
#define PCAPNG_SHB_USERAPPL    4u
#define PCAPNG_IF_NAME         2u
#define PCAPNG_IF_DESCRIPTION  3u
#define PCAPNG_IF_TSRESOL      9u
#define PCAPNG_EPB_FLAGS       2u

#define PCAPNG_INBOUND  1u /* bits of PCAPNG_EPB_FLAGS */
#define PCAPNG_OUTBOUND 2u

#define PCAPNG_LINK_ETHERNET 1u

#define PCAPNG_OPTION_MAX 65535u
#define PCAPNG_BLOCK_MAX  (16u << 20) /* bytes; a longer one is not believed */

/* Blocks under construction. Zeroes are a valid empty one. */
struct pcapng_out {
	uint8_t *data;
	size_t size; /* bytes of whole blocks, and of the one begun */
	size_t capacity;
	size_t block;   /* where the block that was begun starts */
	bool no_memory; /* something is missing: what was written since is not to be used */
};

void pcapng_out_done(struct pcapng_out *out);

/** pcapng_begin() - Begin a block. */
void pcapng_begin(struct pcapng_out *out, uint32_t type);
/** pcapng_add() - Append bytes to its body. */
void pcapng_add(struct pcapng_out *out, const void *data, size_t size);
void pcapng_add_u32(struct pcapng_out *out, uint32_t value);
/** pcapng_pad() - Zeroes up to a multiple of 4. */
void pcapng_pad(struct pcapng_out *out);
/** pcapng_option() - Append an option; @size at most PCAPNG_OPTION_MAX. */
void pcapng_option(struct pcapng_out *out, uint16_t code, const void *data, size_t size);
/** pcapng_option_text() - Append an option that is text, cut to PCAPNG_OPTION_MAX. */
void pcapng_option_text(struct pcapng_out *out, uint16_t code, const char *text);
/** pcapng_end() - End the block: its length is filled in. After options, pcapng_end_options() first. */
void pcapng_end(struct pcapng_out *out);
void pcapng_end_options(struct pcapng_out *out);

/** pcapng_section() - Begin a section header; options may follow. */
void pcapng_section(struct pcapng_out *out);

/** pcapng_interface() - Begin an interface with nanosecond time stamps; more options may follow. */
void pcapng_interface(struct pcapng_out *out, uint16_t link_type, const char *name, const char *description);

/**
 * pcapng_packet() - A whole Enhanced Packet Block
 * @flags:	PCAPNG_INBOUND or PCAPNG_OUTBOUND, or 0 for none
 * @comment:	or NULL
 */
void pcapng_packet(struct pcapng_out *out, uint32_t interface, uint64_t time_ns, const void *data, uint32_t size,
		   uint32_t flags, const char *comment);

/* A file in memory, being read. */
struct pcapng_in {
	const uint8_t *data;
	size_t size;
	size_t at;
};

struct pcapng_block {
	uint32_t type;
	size_t offset; /* in the file */
	const uint8_t *body;
	size_t size; /* of the body */
};

/**
 * pcapng_next() - The next block
 *
 * Return: 1, 0 at the end, -ENODATA when the file ends in the middle of a block, -EPROTO with @diag when this is no
 * pcapng, or one of another byte order
 */
int pcapng_next(struct pcapng_in *in, struct pcapng_block *ret, struct diag *diag);

struct pcapng_frame {
	uint32_t interface;
	uint64_t time; /* in units of its interface's resolution */
	const uint8_t *data;
	uint32_t size;     /* bytes captured */
	uint32_t original; /* bytes on the wire */
	const uint8_t *options;
	size_t options_size;
};

/** pcapng_read_packet() - Take an Enhanced Packet Block apart. Return: 0 or -EPROTO. */
int pcapng_read_packet(const struct pcapng_block *block, struct pcapng_frame *ret);

struct pcapng_opt {
	uint16_t code;
	uint16_t size;
	const uint8_t *data;
};

/**
 * pcapng_next_option() - Walk over options
 * @options, @size: moved on
 *
 * Return: 1, 0 at their end, -EPROTO
 */
int pcapng_next_option(const uint8_t **options, size_t *size, struct pcapng_opt *ret);

#endif /* RECORD_PCAPNG_H */
