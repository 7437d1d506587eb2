/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.c - YAML text to a tree, with libfyaml's event parser.
 *
 * The text is hostile until proven otherwise: size, NULs, control characters and UTF-8 are checked before libfyaml sees
 * it, depth and number of values while its events arrive. Only events are used, none of libfyaml's documents: they are
 * the part that expands aliases, compares keys in quadratic time and recurses. Aliases, anchors and tags are refused,
 * so a file means what it shows.
 */
#include <errno.h>
#include <libfyaml.h>
#include <string.h>

#include "bridge/scenario/internal.h"

/* Bytes of the UTF-8 sequence at @text, 0 if it is none. Overlong forms and surrogates are none. */
static size_t utf8_len(const unsigned char *text, size_t room, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code;
	size_t len;

	if (text[0] < 0x80) {
		*ret_code = text[0];
		return 1;
	}
	if ((text[0] & 0xe0) == 0xc0)
		len = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		len = 3;
	else if ((text[0] & 0xf8) == 0xf0)
		len = 4;
	else
		return 0;
	if (len > room)
		return 0;
	code = text[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

bool scn_check_text(struct scn_load *load, const char *data, size_t size)
{
	struct scenario_pos pos = {1, 1};
	uint32_t code;
	size_t len;

	for (size_t at = 0; at < size; at += len) {
		len = utf8_len((const unsigned char *)data + at, size - at, &code);
		if (!len) {
			scn_error_at(load, pos, "byte 0x%02x is not UTF-8; save the file as UTF-8 text",
				     (unsigned char)data[at]);
			return false;
		}
		if (!code) {
			scn_error_at(load, pos, "NUL byte; a scenario is a text file");
			return false;
		}
		if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') || (code >= 0x7f && code < 0xa0)) {
			scn_error_at(load, pos,
				     "control character U+%04X; write it as an escape in double quotes, \"\\x%02X\"",
				     code, code);
			return false;
		}
		if (code == 0xfeff && at > 0) {
			scn_error_at(load, pos, "byte order mark inside the text; remove it");
			return false;
		}
		/* YAML 1.1 ends a line there and 1.2 does not: whoever reads it sees something else */
		if (code == 0x2028 || code == 0x2029) {
			scn_error_at(load, pos, "line separator U+%04X; use a plain line end", code);
			return false;
		}
		if (code == '\n' || (code == '\r' && (at + 1 == size || data[at + 1] != '\n'))) {
			pos.line++;
			pos.column = 1;
		} else {
			pos.column++;
		}
	}
	return true;
}

bool scn_is_null_text(const char *text, size_t len)
{
	return len == 0 || (len == 1 && *text == '~') ||
	       (len == 4 && (!memcmp(text, "null", 4) || !memcmp(text, "Null", 4) || !memcmp(text, "NULL", 4)));
}

void scn_add_child(struct scn_value *parent, struct scn_value *child)
{
	child->parent = parent;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->count++;
}

/* Where the parser stands in the tree. */
struct builder {
	struct scn_load *load;
	struct scn_value *root;
	struct scn_value *open;                   /* innermost map or list not ended yet */
	struct scn_value *key;                    /* key waiting for its value, in a map */
	struct scn_index keys[SCN_DEPTH_MAX + 1]; /* of every open map */
	unsigned int depth;
	unsigned int values;
	unsigned int documents;
};

static struct scenario_pos mark_pos(const struct fy_mark *mark)
{
	if (!mark || mark->line < 0 || mark->column < 0)
		return (struct scenario_pos){0};
	return (struct scenario_pos){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

/* The mark of an anchor or alias is behind its "&" or "*". */
static struct scenario_pos name_pos(const struct fy_mark *mark, bool after_sign)
{
	struct scenario_pos pos = mark_pos(mark);

	if (after_sign && pos.column > 1)
		pos.column--;
	return pos;
}

static const char *token_text(struct fy_token *token, size_t *ret_len)
{
	const char *text = token ? fy_token_get_text(token, ret_len) : NULL;

	if (!text) {
		*ret_len = 0;
		return "";
	}
	return text;
}

/* A scalar in the place of a key. */
static bool take_key(struct builder *builder, struct scn_value *value)
{
	struct scn_load *load = builder->load;
	struct scn_value *map = builder->open, *twin;
	char path[128];
	uint32_t old;
	int err;

	if (value->kind != SCN_TEXT || !value->len) {
		scn_error_at(load, value->pos, "empty key; write a name before the \":\"");
		return false;
	}
	if (value->len > SCN_KEY_LEN_MAX) {
		scn_error_at(load, value->pos, "key of %zu bytes; at most %d are allowed", value->len, SCN_KEY_LEN_MAX);
		return false;
	}
	err = scn_index_add(&builder->keys[builder->depth], value->text, value->len, (uint32_t)map->count, &old);
	if (err == -ENOMEM) {
		load->nomem = true;
		return false;
	}
	if (err == -EEXIST) {
		for (twin = map->first; old > 0; old--)
			twin = twin->next;
		scn_path(twin, path, sizeof(path));
		if (load->set)
			scn_error_at(load, value->pos, "%s: the key stands twice; keep one of them", path);
		else
			scn_error_at(load, value->pos, "%s: the key stands twice, first at %u:%u; keep one of them",
				     path, twin->key_pos.line, twin->key_pos.column);
		/* keep reading: the second value just finds no place */
	}
	builder->key = value;
	return true;
}

/* A value in its place below the innermost open map or list. */
static bool take_value(struct builder *builder, struct scn_value *value)
{
	struct scn_value *open = builder->open;

	/* nothing, as after "key:", has no place of its own */
	if (!value->pos.line && open)
		value->pos = builder->key ? builder->key->pos : open->pos;
	if (!open) {
		builder->root = value;
	} else if (open->kind == SCN_MAP) {
		if (!builder->key) {
			scn_error_at(builder->load, value->pos, "a key must be text; a map or a list cannot be one");
			return false;
		}
		value->key = builder->key->text;
		value->key_pos = builder->key->pos;
		builder->key = NULL;
		scn_add_child(open, value);
	} else {
		scn_add_child(open, value);
	}
	return true;
}

static struct scn_value *new_value(struct builder *builder, enum scn_kind kind, struct scenario_pos pos)
{
	struct scn_load *load = builder->load;
	struct scn_value *value;

	if (++builder->values > SCN_VALUES_MAX) {
		scn_error_at(load, pos, "more than %d values; split the scenario", SCN_VALUES_MAX);
		return NULL;
	}
	value = scn_alloc(&load->tree, sizeof(*value));
	if (!value) {
		load->nomem = true;
		return NULL;
	}
	value->kind = kind;
	value->pos = load->set ? (struct scenario_pos){0} : pos;
	value->text = "";
	return value;
}

/*
 * The text of a scalar, folded and with its escapes resolved, in load->tree. fy_token_get_text() would do, but leaks
 * when a quoted scalar has more than a few escapes.
 */
static bool read_text(struct scn_load *load, struct fy_token *token, struct scn_value *value)
{
	struct fy_token_iter *iter = fy_token_iter_create(token);
	const struct fy_iter_chunk *chunk = NULL;
	char *text = NULL, *bigger;
	size_t len = 0, room = 0;
	int err = 0;

	if (!iter) {
		load->nomem = true;
		return false;
	}
	while ((chunk = fy_token_iter_chunk_next(iter, chunk, &err))) {
		if (!text || room - len < chunk->len) {
			room = (len + chunk->len) * 2 + 16;
			bigger = scn_alloc(&load->tree, room + 1);
			if (!bigger) {
				load->nomem = true;
				break;
			}
			if (len)
				memcpy(bigger, text, len);
			text = bigger;
		}
		memcpy(text + len, chunk->str, chunk->len);
		len += chunk->len;
	}
	fy_token_iter_destroy(iter);
	/* an empty block scalar at the end of the file counts as an error there, and is none */
	if (err && len && !load->nomem) {
		scn_error_at(load, value->pos, "this text cannot be read; check its quotes and indentation");
		return false;
	}
	if (text) {
		value->text = text;
		value->len = len;
	}
	return !load->nomem;
}

static bool take_scalar(struct builder *builder, struct fy_token *token, struct scenario_pos pos)
{
	struct scn_value *value = new_value(builder, SCN_TEXT, pos);

	if (!value || (token && !read_text(builder->load, token, value)))
		return false;
	if (memchr(value->text, '\0', value->len)) {
		scn_error_at(builder->load, pos, "escaped NUL in a text; no text of a scenario can hold one");
		return false;
	}
	value->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
	value->literal = token && fy_token_scalar_style(token) == FYSS_LITERAL;
	if (value->plain && scn_is_null_text(value->text, value->len))
		value->kind = SCN_NULL;
	if (builder->open && builder->open->kind == SCN_MAP && !builder->key)
		return take_key(builder, value);
	return take_value(builder, value);
}

static bool take_open(struct builder *builder, enum scn_kind kind, struct scenario_pos pos)
{
	struct scn_value *value;

	if (builder->depth >= SCN_DEPTH_MAX) {
		scn_error_at(builder->load, pos, "maps and lists nested deeper than %d levels; no key needs that",
			     SCN_DEPTH_MAX);
		return false;
	}
	value = new_value(builder, kind, pos);
	if (!value || !take_value(builder, value))
		return false;
	builder->open = value;
	builder->depth++;
	scn_index_init(&builder->keys[builder->depth], &builder->load->tree);
	return true;
}

static bool refuse_extras(struct builder *builder, struct fy_token *anchor, struct fy_token *tag,
			  struct scenario_pos pos)
{
	const struct fy_mark *mark;
	const char *text;
	size_t len;

	if (!anchor && !tag)
		return true;
	text = token_text(anchor ? anchor : tag, &len);
	mark = fy_token_start_mark(anchor ? anchor : tag);
	if (mark)
		pos = name_pos(mark, anchor != NULL);
	if (anchor)
		scn_error_at(builder->load, pos,
			     "anchor \"&%.*s\"; anchors are not part of the language, write values out",
			     (int)(len > 40 ? 40 : len), text);
	else
		scn_error_at(builder->load, pos, "tag \"%.*s\"; tags are not part of the language, leave it out",
			     (int)(len > 40 ? 40 : len), text);
	return false;
}

/* Return: false when reading ends here, with an error reported or load->nomem set. */
static bool take_event(struct builder *builder, struct fy_event *event)
{
	struct scenario_pos pos = mark_pos(fy_event_start_mark(event));
	const char *text;
	size_t len;

	switch (event->type) {
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_DOCUMENT_START:
		if (builder->documents++ == 0)
			return true;
		scn_error_at(builder->load, pos,
			     "a second document begins here; a file holds one scenario, remove the \"---\"");
		return false;
	case FYET_MAPPING_START:
		return refuse_extras(builder, event->mapping_start.anchor, event->mapping_start.tag, pos) &&
		       take_open(builder, SCN_MAP, pos);
	case FYET_SEQUENCE_START:
		return refuse_extras(builder, event->sequence_start.anchor, event->sequence_start.tag, pos) &&
		       take_open(builder, SCN_LIST, pos);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		builder->open = builder->open->parent;
		builder->depth--;
		return true;
	case FYET_SCALAR:
		return refuse_extras(builder, event->scalar.anchor, event->scalar.tag, pos) &&
		       take_scalar(builder, event->scalar.value, pos);
	case FYET_ALIAS:
		text = token_text(event->alias.anchor, &len);
		pos = name_pos(fy_event_start_mark(event), true);
		scn_error_at(builder->load, pos,
			     "alias \"*%.*s\"; aliases are not part of the language, write the value out",
			     (int)(len > 40 ? 40 : len), text);
		return false;
	}
	return false;
}

/* libfyaml has said why in its diagnostics; the first is the cause, others follow from it. */
static void report_syntax(struct scn_load *load, struct fy_diag *diag)
{
	struct scenario_pos pos = {1, 1};
	struct fy_diag_error *error;
	const char *why = "";
	void *iter = NULL;

	error = fy_diag_errors_iterate(diag, &iter);
	if (error) {
		if (error->line > 0)
			pos = (struct scenario_pos){(uint32_t)error->line,
						    error->column > 0 ? (uint32_t)error->column : 1};
		why = error->msg ? error->msg : "";
	}
	scn_error_at(load, pos, "this is not YAML%s%s; check indentation, brackets and quotes", *why ? ": " : "",
		     scn_show(why).text);
}

struct scn_value *scn_parse(struct scn_load *load, const char *data, size_t size)
{
	struct builder builder = {.load = load};
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_DISABLE_MMAP_OPT,
	};
	struct fy_parser *parser = NULL;
	struct fy_event *event;
	bool ended = false, ok = false;

	if (!scn_check_text(load, data, size))
		return NULL;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.colorize = false;
	cfg.diag = fy_diag_create(&diag_cfg);
	if (!cfg.diag) {
		load->nomem = true;
		return NULL;
	}
	fy_diag_set_collect_errors(cfg.diag, true);
	parser = fy_parser_create(&cfg);
	if (!parser || fy_parser_set_string(parser, data, size)) {
		load->nomem = true;
		goto out;
	}
	while (!ended) {
		event = fy_parser_parse(parser);
		if (!event) {
			report_syntax(load, cfg.diag);
			goto out;
		}
		ended = event->type == FYET_STREAM_END;
		ok = take_event(&builder, event);
		fy_parser_event_free(parser, event);
		if (!ok)
			goto out;
	}
	if (!builder.root) {
		ok = false;
		scn_error_at(load, (struct scenario_pos){1, 1},
			     "nothing in it; a scenario begins with \"ghostbridge: 1\"");
	}
out:
	/* collected errors hold on to tokens and input; destroying the diagnostics would leave them behind */
	fy_diag_reset_error(cfg.diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	return ok ? builder.root : NULL;
}
