/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emit.c - a tree as YAML text again, after --set has changed it.
 *
 * Maps and lists in block form, scalars plain where nothing can be mistaken and in double quotes everywhere else. What
 * is written here, parse.c reads back as the same tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

struct out {
	char *data;
	size_t size; /* bytes used */
	size_t room;
	bool failed;
};

static void put(struct out *out, const char *text, size_t len)
{
	size_t room;
	char *data;

	if (out->failed)
		return;
	if (out->room - out->size < len + 1) {
		room = (out->room + len + 1) * 2;
		data = realloc(out->data, room);
		if (!data) {
			out->failed = true;
			return;
		}
		out->data = data;
		out->room = room;
	}
	memcpy(out->data + out->size, text, len);
	out->size += len;
	out->data[out->size] = '\0';
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void put_indent(struct out *out, unsigned int depth)
{
	for (; depth > 0; depth--)
		put_text(out, "  ");
}

/* Plain only when the text is one word of characters that mean nothing in YAML. */
static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	if (!len || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./", text[0]))
		return false;
	if (!strcmp(text, "..."))
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/%+-") == len;
}

static void put_quoted(struct out *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	char escape[8];

	put_text(out, "\"");
	for (; *c; c++) {
		if (*c == '"' || *c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", *c);
		else if (*c == '\n')
			snprintf(escape, sizeof(escape), "\\n");
		else if (*c < 0x20 || *c == 0x7f)
			snprintf(escape, sizeof(escape), "\\x%02X", *c);
		/* C1 controls, line separators and the byte order mark come in by escapes only, and leave so */
		else if (*c == 0xc2 && c[1] < 0xa0)
			snprintf(escape, sizeof(escape), "\\x%02X", *++c);
		else if (*c == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9))
			snprintf(escape, sizeof(escape), "\\u20%02X", (c += 2)[0] - 0x80);
		else if (*c == 0xef && c[1] == 0xbb && c[2] == 0xbf)
			snprintf(escape, sizeof(escape), "\\u%s", (c += 2) ? "FEFF" : "");
		else
			snprintf(escape, sizeof(escape), "%c", *c);
		put_text(out, escape);
	}
	put_text(out, "\"");
}

static void put_scalar(struct out *out, const struct scn_value *value)
{
	if (value->kind == SCN_NULL)
		put_text(out, "null");
	else if (is_plain(value->text) && !scn_is_null_text(value->text, value->len))
		put_text(out, value->text);
	else
		put_quoted(out, value->text);
}

/* What follows "key:" or "-": a scalar on the same line, or an indented block. */
static void put_value(struct out *out, const struct scn_value *value, unsigned int depth)
{
	const struct scn_value *child;

	if ((value->kind == SCN_MAP || value->kind == SCN_LIST) && value->count) {
		if (value->parent)
			put_text(out, "\n");
		for (child = value->first; child; child = child->next) {
			put_indent(out, depth);
			if (value->kind == SCN_LIST) {
				put_text(out, "-");
			} else {
				if (is_plain(child->key))
					put_text(out, child->key);
				else
					put_quoted(out, child->key);
				put_text(out, ":");
			}
			put_value(out, child, depth + 1);
		}
		return;
	}
	if (value->parent)
		put_text(out, " ");
	if (value->kind == SCN_MAP)
		put_text(out, "{}");
	else if (value->kind == SCN_LIST)
		put_text(out, "[]");
	else
		put_scalar(out, value);
	put_text(out, "\n");
}

char *scn_emit(const struct scn_value *root, size_t *ret_size)
{
	struct out out = {0};

	put_value(&out, root, 0);
	if (out.failed) {
		free(out.data);
		return NULL;
	}
	*ret_size = out.size;
	return out.data;
}
