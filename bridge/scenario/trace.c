/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.c - the key `trace` of a p2p link: a rate that changes as a file says.
 *
 * The file is what mahimahi's mm-link reads (Netravali et al., "Mahimahi: Accurate Record-and-Replay for HTTP", USENIX
 * ATC 2015): a time in ms on every line, never smaller than the one before, each an opportunity to deliver 1504 bytes;
 * after the last it begins again, that much later.
 *
 * A ghost can open no file, and a run directory should say all that was run, so the file's content goes into the
 * scenario's own text: `trace: FILE` becomes `trace: {file: FILE, steps: "..."}`, the differences between the lines.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define TRACE_MS_MAX (UINT32_C(7) * 24 * 3600 * 1000) /* a week */

static const char *const trace_keys[] = {"file", "steps", NULL};

/* The whole number a text begins with. Return: what follows it, or NULL if there is none or it is too large. */
static const char *read_ms(const char *text, const char *end, uint32_t *ret)
{
	uint32_t value = 0;

	if (text == end || *text < '0' || *text > '9')
		return NULL;
	for (; text < end && *text >= '0' && *text <= '9'; text++) {
		if (value > TRACE_MS_MAX / 10)
			return NULL;
		value = value * 10 + (uint32_t)(*text - '0');
	}
	*ret = value;
	return value <= TRACE_MS_MAX ? text : NULL;
}

static struct scn_value *add_text(struct scn_load *load, struct scn_value *map, const char *key, char *text)
{
	struct scn_value *value = scn_alloc(&load->tree, sizeof(*value));

	if (!value || !text) {
		load->nomem = true;
		return NULL;
	}
	value->kind = SCN_TEXT;
	value->pos = map->pos;
	value->key_pos = map->pos;
	value->set = map->set;
	value->key = key;
	value->text = text;
	value->len = strlen(text);
	scn_add_child(map, value);
	return value;
}

/* Turn a file's lines into differences. Return: the text, or NULL with an error reported or load->nomem set. */
static char *differences(struct scn_load *load, const struct scn_value *value, const char *data, size_t size)
{
	const char *at = data, *end = data + size;
	char *text = scn_alloc(&load->tree, size + 2), *out = text; /* a difference is no longer than its line */
	uint32_t ms, last = 0;
	unsigned int line;

	if (!text) {
		load->nomem = true;
		return NULL;
	}
	for (line = 1; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at)), *rest;

		if (!stop)
			stop = end;
		rest = read_ms(at, stop, &ms);
		if (rest && rest < stop && *rest == '\r')
			rest++;
		if (rest != stop) {
			scn_error(load, value,
				  "line %u of %s is not a time in ms; a trace has one whole number on every "
				  "line, up to %u",
				  line, scn_show(value->text).text, TRACE_MS_MAX);
			return NULL;
		}
		if (ms < last) {
			scn_error(load, value,
				  "line %u of %s goes back from %u to %u ms; times in a trace never decrease", line,
				  scn_show(value->text).text, last, ms);
			return NULL;
		}
		out += sprintf(out, "%s%u", line > 1 ? " " : "", ms - last);
		last = ms;
		at = stop < end ? stop + 1 : end;
	}
	if (!last) {
		scn_error(load, value, "%s %s; a trace's last line is how long it takes", scn_show(value->text).text,
			  size ? "takes no time" : "is empty");
		return NULL;
	}
	return text;
}

/* Replace a file's name by what is in it. */
static bool take_in(struct scn_load *load, struct scn_value *value)
{
	char *data = NULL, *name, *text;
	size_t size = 0;
	int err;

	if (!load->options->read_file) {
		scn_error(load, value,
			  "\"%s\" is a file, and here none can be read; give its content as "
			  "{steps: \"1 0 2\"}",
			  scn_show(value->text).text);
		return false;
	}
	err = load->options->read_file(load->options->read_file_data, value->text, &data, &size);
	if (err) {
		scn_error(load, value, "cannot read %s: %s", scn_show(value->text).text,
			  err == -EFBIG ? "too large for a trace" : strerror(-err));
		return false;
	}
	text = differences(load, value, data, size);
	free(data);
	if (!text)
		return false;
	name = scn_strndup(&load->tree, value->text, value->len);
	value->kind = SCN_MAP;
	value->text = "";
	value->len = 0;
	add_text(load, value, "file", name);
	add_text(load, value, "steps", text);
	load->inlined = true;
	return !load->nomem;
}

bool scn_read_trace(struct scn_load *load, struct scn_value *value, const uint32_t **ret_ms, size_t *ret_count)
{
	const struct scn_value *steps;
	const char *at, *end, *text;
	uint32_t *times, step;
	uint64_t ms = 0;
	size_t count = 0;

	if (value->kind != SCN_MAP && (!scn_text(load, value) || !take_in(load, value)))
		return false;
	scn_read_map(load, value, trace_keys);
	if (!scn_read_text(load, value, "steps", "\"1 0 2\"", &text))
		return false;
	steps = scn_get(value, "steps");
	times = scn_new(load, steps->len / 2 + 1, sizeof(*times));
	if (!times)
		return false;
	end = text + steps->len;
	for (at = text; at; at = at < end ? at + 1 : NULL) {
		at = read_ms(at, end, &step);
		if (!at || (at < end && (*at != ' ' || at + 1 == end)) || ms + step > TRACE_MS_MAX) {
			scn_error(load, steps,
				  "number %zu is not a time in ms; steps are whole numbers with one blank "
				  "between them, all together up to %u ms",
				  count + 1, TRACE_MS_MAX);
			return false;
		}
		ms += step;
		times[count++] = (uint32_t)ms;
	}
	if (!ms) {
		scn_error(load, steps, "take no time; the sum of a trace's steps is how long it takes");
		return false;
	}
	*ret_ms = times;
	*ret_count = count;
	return true;
}
