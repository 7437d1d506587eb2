/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * set.c - --set PATH=VALUE: change the tree before it is read.
 *
 * A path is keys from the top with dots between them, elements of lists as [0] or .0; it may begin with the name of a
 * link or a node instead. Below `sysctls`, whose keys have dots, the rest of the path is one key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define SET_SIZE_MAX (64u << 10)

/* One step of a path. */
struct part {
	char key[SCN_KEY_LEN_MAX + 1];
	bool index; /* written as [n] */
};

struct path {
	struct part parts[SCN_DEPTH_MAX];
	size_t count;
};

/* Return: NULL, or what is wrong with the path. */
static const char *parse_path(const char *text, size_t len, struct path *ret)
{
	const char *end = text + len, *stop;
	struct part *part;
	size_t size;

	ret->count = 0;
	while (text < end) {
		if (ret->count == SCN_DEPTH_MAX)
			return "the path is too long";
		part = &ret->parts[ret->count];
		part->index = *text == '[';
		if (part->index) {
			text++;
			stop = memchr(text, ']', (size_t)(end - text));
			if (!stop)
				return "\"[\" without \"]\" in the path";
			for (const char *c = text; c < stop; c++)
				if (*c < '0' || *c > '9')
					return "only a number can stand in [] in the path";
		} else {
			for (stop = text; stop < end && *stop != '.' && *stop != '['; stop++)
				;
			if (ret->count && !strcmp(ret->parts[ret->count - 1].key, "sysctls"))
				stop = end;
		}
		size = (size_t)(stop - text);
		if (!size)
			return "empty key in the path";
		if (size > SCN_KEY_LEN_MAX)
			return "a key in the path is too long";
		memcpy(part->key, text, size);
		part->key[size] = '\0';
		ret->count++;
		text = stop + (part->index ? 1 : 0);
		if (text == end)
			break;
		if (*text == '.') {
			if (++text == end)
				return "the path ends with a dot";
		} else if (*text != '[') {
			return "\".\" or \"[\" must follow \"]\" in the path";
		}
	}
	return ret->count ? NULL : "no path before the \"=\"";
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static struct scn_value *new_value(struct scn_load *load, enum scn_kind kind)
{
	struct scn_value *value = scn_alloc(&load->tree, sizeof(*value));

	if (!value) {
		load->nomem = true;
		return NULL;
	}
	value->kind = kind;
	value->text = "";
	return value;
}

/* A flow collection or a quoted scalar is YAML; anything else is a plain scalar as it stands. */
static struct scn_value *parse_value(struct scn_load *load, const char *text)
{
	struct scn_value *value;
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	while (len && text[len - 1] == ' ')
		len--;
	if (len && strchr("{[\"'", *text))
		return scn_parse(load, text, len);
	if (!scn_check_text(load, text, len))
		return NULL;
	value = new_value(load, scn_is_null_text(text, len) ? SCN_NULL : SCN_TEXT);
	if (!value)
		return NULL;
	value->plain = true;
	value->len = len;
	value->text = scn_strndup(&load->tree, text, len);
	if (!value->text)
		load->nomem = true;
	return value->text ? value : NULL;
}

/* Turns "lan.delay" into "links.lan.delay" and "h1.cpus" into "nodes.h1.cpus". */
static bool expand_short(struct scn_load *load, struct path *path)
{
	const struct scn_value *links = scn_get(load->root, "links"), *nodes = scn_get(load->root, "nodes"), *child;
	const char *word = path->parts[0].key, *section = NULL;
	struct scn_guess guess;

	for (const char *const *key = scn_top_keys; *key; key++)
		if (!strcmp(*key, word))
			return true;
	if (links && scn_get(links, word))
		section = "links";
	else if (nodes && scn_get(nodes, word))
		section = "nodes";
	if (!section) {
		scn_guess_init(&guess, word);
		for (child = links ? links->first : NULL; child; child = child->next)
			if (child->key)
				scn_guess_try(&guess, child->key);
		for (child = nodes ? nodes->first : NULL; child; child = child->next)
			if (child->key)
				scn_guess_try(&guess, child->key);
		for (const char *const *key = scn_top_keys; *key; key++)
			scn_guess_try(&guess, *key);
		scn_error_at(load, (struct scenario_pos){0}, "there is no key, link or node \"%s\"%s",
			     scn_show(word).text,
			     guess.best ? scn_guess_text(&guess) : "; begin with links.NAME or nodes.NAME");
		return false;
	}
	if (path->count == SCN_DEPTH_MAX) {
		scn_error_at(load, (struct scenario_pos){0}, "the path is too long");
		return false;
	}
	memmove(&path->parts[1], &path->parts[0], path->count * sizeof(path->parts[0]));
	snprintf(path->parts[0].key, sizeof(path->parts[0].key), "%s", section);
	path->parts[0].index = false;
	path->count++;
	return true;
}

/* The child that @part names, made if it is not there; NULL with an error reported. */
static struct scn_value *descend(struct scn_load *load, struct scn_value *value, const struct part *part)
{
	struct scn_value *child;
	unsigned long index;
	char path[128];

	if (value->kind == SCN_NULL) {
		value->kind = part->index ? SCN_LIST : SCN_MAP;
		value->text = "";
		value->len = 0;
		if (!value->set)
			value->set = load->set;
	}
	scn_path(value, path, sizeof(path));
	if (value->kind == SCN_TEXT) {
		scn_error_at(load, value->pos, "%s is a single value and has no \"%s\"; set the whole of it", path,
			     scn_show(part->key).text);
		return NULL;
	}
	if (value->kind == SCN_LIST) {
		index = is_number(part->key) && strlen(part->key) < 9 ? strtoul(part->key, NULL, 10) : SIZE_MAX;
		if (index > value->count) {
			scn_error_at(load, value->pos,
				     "%s is a list of %zu and has no \"%s\"; use 0 to %zu, the last to append", path,
				     value->count, scn_show(part->key).text, value->count);
			return NULL;
		}
		for (child = value->first; child && index > 0; index--)
			child = child->next;
		if (child)
			return child;
	} else {
		if (part->index) {
			scn_error_at(load, value->pos, "%s is a map; write .%s instead of [%s]", *path ? path : "this",
				     scn_show(part->key).text, scn_show(part->key).text);
			return NULL;
		}
		child = scn_get(value, part->key);
		if (child)
			return child;
	}
	child = new_value(load, SCN_NULL);
	if (!child)
		return NULL;
	if (value->kind == SCN_MAP) {
		child->key = scn_strndup(&load->tree, part->key, strlen(part->key));
		if (!child->key) {
			load->nomem = true;
			return NULL;
		}
	}
	child->set = load->set;
	scn_add_child(value, child);
	return child;
}

/* Put @from in the place of @to, which keeps its key and its neighbours. */
static void replace(struct scn_value *to, const struct scn_value *from, const char *set)
{
	struct scn_value *child;

	to->kind = from->kind;
	to->plain = from->plain;
	to->pos = (struct scenario_pos){0};
	to->set = set;
	to->text = from->text;
	to->len = from->len;
	to->first = from->first;
	to->last = from->last;
	to->count = from->count;
	for (child = to->first; child; child = child->next)
		child->parent = to;
}

static void apply_set(struct scn_load *load, const char *set)
{
	const char *equals = strchr(set, '=');
	struct scn_value *at = load->root, *value;
	const char *why;
	struct path path;

	if (strlen(set) > SET_SIZE_MAX) {
		scn_error_at(load, (struct scenario_pos){0}, "%zu bytes; at most %u are allowed", strlen(set),
			     SET_SIZE_MAX);
		return;
	}
	if (!scn_check_text(load, set, strlen(set)))
		return;
	if (!equals) {
		scn_error_at(load, (struct scenario_pos){0},
			     "there is no \"=\"; write PATH=VALUE, as links.lan.delay=5ms");
		return;
	}
	why = parse_path(set, (size_t)(equals - set), &path);
	if (why) {
		scn_error_at(load, (struct scenario_pos){0}, "%s; write it as links.lan.delay=5ms", why);
		return;
	}
	if (!expand_short(load, &path))
		return;
	value = parse_value(load, equals + 1);
	for (size_t i = 0; value && at && i < path.count; i++)
		at = descend(load, at, &path.parts[i]);
	if (value && at)
		replace(at, value, set);
}

/* Depth and number of values, which parse.c could check for the file only. */
static bool measure(const struct scn_value *value, unsigned int depth, unsigned int *values)
{
	const struct scn_value *child;

	if (++*values > SCN_VALUES_MAX ||
	    (depth >= SCN_DEPTH_MAX && (value->kind == SCN_MAP || value->kind == SCN_LIST)))
		return false;
	for (child = value->first; child; child = child->next)
		if (!measure(child, depth + 1, values))
			return false;
	return true;
}

void scn_apply_sets(struct scn_load *load)
{
	unsigned int values = 0;

	for (size_t i = 0; i < load->options->set_count && !load->nomem; i++) {
		load->set = load->options->sets[i];
		apply_set(load, load->set);
		values = 0;
		if (!load->nomem && !measure(load->root, 0, &values)) {
			scn_error_at(load, (struct scenario_pos){0},
				     "the scenario becomes deeper than %d levels or larger than %d values",
				     SCN_DEPTH_MAX, SCN_VALUES_MAX);
			break;
		}
	}
	load->set = NULL;
}
