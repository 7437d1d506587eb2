/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * read.c - typed access to the tree. Every reader reports what is wrong itself, at the value, with its path, and says
 * what would be right.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

void *scn_new(struct scn_load *load, size_t count, size_t size)
{
	void *ret = scn_alloc(load->arena, count * size);

	if (!ret)
		load->nomem = true;
	return ret;
}

char *scn_keep(struct scn_load *load, const char *text)
{
	char *ret = scn_strndup(load->arena, text, strlen(text));

	if (!ret)
		load->nomem = true;
	return ret;
}

char *scn_keepf(struct scn_load *load, const char *fmt, ...)
{
	char *text = NULL, *ret;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		load->nomem = true;
		return NULL;
	}
	ret = scn_keep(load, text);
	free(text);
	return ret;
}

struct scn_value *scn_get(const struct scn_value *map, const char *key)
{
	struct scn_value *child;

	if (map->kind != SCN_MAP)
		return NULL;
	for (child = map->first; child; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	return NULL;
}

static const char *kind_text(const struct scn_value *value)
{
	switch (value->kind) {
	case SCN_NULL:
		return "nothing";
	case SCN_TEXT:
		return "text";
	case SCN_MAP:
		return "a map";
	case SCN_LIST:
		return "a list";
	}
	return "";
}

bool scn_want(struct scn_load *load, const struct scn_value *value, enum scn_kind kind)
{
	if (value->kind == kind || value->kind == SCN_NULL)
		return true;
	if (kind == SCN_MAP)
		scn_error(load, value, "is %s; write a map, {key: value, ...}", kind_text(value));
	else
		scn_error(load, value, "is %s; write a list, [item, ...]", kind_text(value));
	return false;
}

bool scn_read_map(struct scn_load *load, const struct scn_value *value, const char *const *keys)
{
	const struct scn_value *child;
	struct scn_guess guess;
	char known[256];
	size_t used = 0;
	bool found;

	if (!scn_want(load, value, SCN_MAP))
		return false;
	for (child = value->first; child; child = child->next) {
		found = false;
		for (const char *const *key = keys; *key && !found; key++)
			found = !strcmp(*key, child->key);
		if (found)
			continue;
		if (load->reported >= SCN_REPORTED_MAX)
			break;
		scn_guess_init(&guess, child->key);
		used = 0;
		for (const char *const *key = keys; *key; key++) {
			scn_guess_try(&guess, *key);
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", *key);
			if (used >= sizeof(known))
				used = sizeof(known) - 1;
		}
		scn_error_key(load, child, "unknown key%s%s known here: %s", scn_guess_text(&guess),
			      guess.best ? "" : ";", known);
	}
	return true;
}

void scn_need(struct scn_load *load, const struct scn_value *map, const char *key, const char *example)
{
	scn_error_key(load, map, "lacks \"%s\"; write %s: %s", key, key, example);
}

bool scn_text(struct scn_load *load, const struct scn_value *value)
{
	if (value->kind == SCN_TEXT && value->len)
		return true;
	if (value->kind == SCN_MAP || value->kind == SCN_LIST)
		scn_error(load, value, "is %s; write a single value", kind_text(value));
	else
		scn_error(load, value, "has no value; write one or leave the key out");
	return false;
}

/* The scalar under a key, or NULL when it is absent or (reported) wrong. */
static const struct scn_value *read_scalar(struct scn_load *load, const struct scn_value *map, const char *key,
					   const char *need)
{
	const struct scn_value *value = scn_get(map, key);

	if (!value) {
		if (need)
			scn_need(load, map, key, need);
		return NULL;
	}
	return scn_text(load, value) ? value : NULL;
}

bool scn_read_text(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   const char **ret)
{
	const struct scn_value *value = read_scalar(load, map, key, need);

	if (!value)
		return false;
	*ret = value->text;
	return true;
}

bool scn_read_bool(struct scn_load *load, const struct scn_value *map, const char *key, bool *ret)
{
	const struct scn_value *value = read_scalar(load, map, key, NULL);

	if (!value)
		return false;
	if (!strcmp(value->text, "true")) {
		*ret = true;
	} else if (!strcmp(value->text, "false")) {
		*ret = false;
	} else {
		scn_error(load, value, "\"%s\" is not a truth value; write true or false", scn_show(value->text).text);
		return false;
	}
	return true;
}

bool scn_read_count(struct scn_load *load, const struct scn_value *map, const char *key, const char *need, uint64_t min,
		    uint64_t max, uint64_t *ret)
{
	const struct scn_value *value = read_scalar(load, map, key, need);
	struct scn_decimal number;
	int err;

	if (!value)
		return false;
	err = scn_decimal(value->text, &number);
	if (err == 0 && !*number.rest && !number.decimals && !number.negative && number.digits >= min &&
	    number.digits <= max) {
		*ret = (uint64_t)number.digits;
		return true;
	}
	scn_error(load, value, "\"%s\" is not a whole number from %llu to %llu", scn_show(value->text).text,
		  (unsigned long long)min, (unsigned long long)max);
	return false;
}

bool scn_read_number(struct scn_load *load, const struct scn_value *map, const char *key, double *ret)
{
	const struct scn_value *value = read_scalar(load, map, key, NULL);
	struct scn_decimal number;
	double power = 1;

	if (!value)
		return false;
	/* digits and power below 2^53 and 10^22 are exact in a double, so one division rounds correctly */
	if (scn_decimal(value->text, &number) < 0 || *number.rest) {
		scn_error(load, value, "\"%s\" is not a plain decimal number; write digits, 1500 or 0.25",
			  scn_show(value->text).text);
		return false;
	}
	if (number.digits >= (UINT64_C(1) << 53)) {
		scn_error(load, value, "\"%s\" has more digits than a number can hold; write at most 15",
			  scn_show(value->text).text);
		return false;
	}
	for (unsigned int i = 0; i < number.decimals; i++)
		power *= 10;
	*ret = (double)(uint64_t)number.digits / power;
	if (number.negative)
		*ret = -*ret;
	return true;
}

bool scn_read_word(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   const char *const *words, unsigned int *ret)
{
	const struct scn_value *value = read_scalar(load, map, key, need);
	struct scn_guess guess;
	char known[128];
	size_t used = 0;

	if (!value)
		return false;
	scn_guess_init(&guess, value->text);
	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(words[i], value->text)) {
			*ret = i;
			return true;
		}
		scn_guess_try(&guess, words[i]);
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 !used          ? ""
					 : words[i + 1] ? ", "
							: " or ",
					 words[i]);
		if (used >= sizeof(known))
			used = sizeof(known) - 1;
	}
	scn_error(load, value, "\"%s\" is not known%s%s write %s", scn_show(value->text).text, scn_guess_text(&guess),
		  guess.best ? "" : ";", known);
	return false;
}

bool scn_is_beside(const char *path)
{
	return path[0] != '/' && !strstr(path, "..") && strlen(path) <= 200;
}

bool scn_is_name(const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > SCN_NAME_MAX || *text == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool scn_name(struct scn_load *load, const struct scn_value *value, bool key)
{
	const char *text = key ? value->key : value->text;

	if (scn_is_name(text))
		return true;
	(key ? scn_error_key : scn_error)(
		load, value, "\"%s\" is not a name; use 1 to %d of a-z, 0-9 and \"-\", not beginning with \"-\"",
		scn_show(text).text, SCN_NAME_MAX);
	return false;
}

uint32_t scn_find_node(struct scn_load *load, const struct scn_value *value)
{
	struct scn_guess guess;
	uint32_t node;

	if (!scn_text(load, value))
		return SCENARIO_NONE;
	node = scn_index_find(&load->node_index, value->text, value->len);
	if (node != SCENARIO_NONE || load->nodes_unknown || load->reported >= SCN_REPORTED_MAX)
		return node;
	scn_guess_init(&guess, value->text);
	for (size_t i = 0; i < load->scenario->node_count; i++)
		scn_guess_try(&guess, load->scenario->nodes[i].name);
	scn_error(load, value, "there is no node \"%s\"%s", scn_show(value->text).text,
		  guess.best ? scn_guess_text(&guess) : "; add it to nodes");
	return SCENARIO_NONE;
}
