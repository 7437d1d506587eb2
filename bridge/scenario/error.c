/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.c - what is wrong with a scenario, in the file's order, with a guess at what was meant.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define PATH_SIZE       256
#define GUESS_LEN_MAX   40   /* longer words get no guess */
#define GUESS_TRIED_MAX 1000 /* keeps a file of errors from costing more than a file of nodes */

struct scn_shown scn_show(const char *text)
{
	const size_t room = sizeof(((struct scn_shown *)0)->text) - sizeof("...");
	struct scn_shown shown;
	size_t len = strlen(text), i;

	if (len > room) {
		len = room;
		/* not in the middle of a UTF-8 sequence */
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	for (i = 0; i < len; i++)
		shown.text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	strcpy(shown.text + i, text[len] ? "..." : "");
	return shown;
}

static int pos_compare(struct scenario_pos a, struct scenario_pos b)
{
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	if (a.column != b.column)
		return a.column < b.column ? -1 : 1;
	return 0;
}

/* Takes over @text. */
static void keep_error(struct scn_load *load, struct scenario_pos pos, char *text)
{
	struct scenario_errors *errors = load->errors;
	size_t at;

	if (!text) {
		load->nomem = true;
		return;
	}
	for (at = errors->count; at > 0 && pos_compare(errors->items[at - 1].pos, pos) > 0; at--)
		;
	if (at == SCENARIO_ERRORS_MAX) {
		free(text);
		return;
	}
	if (errors->count == SCENARIO_ERRORS_MAX)
		free(errors->items[--errors->count].text);
	memmove(&errors->items[at + 1], &errors->items[at], (errors->count - at) * sizeof(errors->items[0]));
	errors->items[at] = (struct scenario_error){.pos = pos, .text = text};
	errors->count++;
}

/* "--set ARG: " or "", the path or "", then the text. */
__attribute__((format(printf, 5, 0))) static void
report(struct scn_load *load, struct scenario_pos pos, const char *set, const char *path, const char *fmt, va_list args)
{
	char *text = NULL, *all = NULL;

	if (load->reported++ >= SCN_REPORTED_MAX)
		return;
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	if (load->source)
		pos = load->source_pos;
	if (text && asprintf(&all, "%s%s%s%s%s%s%s", set ? "--set " : "", set ? scn_show(set).text : "",
			     set ? ": " : "", load->source ? load->source : "", path, *path ? ": " : "", text) < 0)
		all = NULL;
	free(text);
	keep_error(load, pos, all);
}

void scn_error_at(struct scn_load *load, struct scenario_pos pos, const char *fmt, ...)
{
	va_list args;

	if (load->set)
		pos = (struct scenario_pos){0};
	va_start(args, fmt);
	report(load, pos, load->set, "", fmt, args);
	va_end(args);
}

void scn_path(const struct scn_value *value, char *buf, size_t size)
{
	const struct scn_value *chain[SCN_DEPTH_MAX + 2], *child;
	size_t depth = 0, used = 0, index;

	for (; value && value->parent && depth < sizeof(chain) / sizeof(chain[0]); value = value->parent)
		chain[depth++] = value;
	buf[0] = '\0';
	while (depth > 0 && used < size) {
		value = chain[--depth];
		if (value->key) {
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "." : "",
						 scn_show(value->key).text);
			continue;
		}
		index = 0;
		for (child = value->parent->first; child && child != value; child = child->next)
			index++;
		used += (size_t)snprintf(buf + used, size - used, "[%zu]", index);
	}
}

/* The --set a value comes from, NULL if it comes from the file. */
static const char *value_set(const struct scn_value *value)
{
	while (value && !value->set && !value->pos.line && value->parent)
		value = value->parent;
	return value ? value->set : NULL;
}

void scn_error(struct scn_load *load, const struct scn_value *value, const char *fmt, ...)
{
	const char *set = value_set(value);
	char path[PATH_SIZE] = "";
	va_list args;

	/* a --set already names the value it sets; below that, the path says where */
	if (!value->set)
		scn_path(value, path, sizeof(path));
	va_start(args, fmt);
	report(load, set ? (struct scenario_pos){0} : value->pos, set, path, fmt, args);
	va_end(args);
}

void scn_error_key(struct scn_load *load, const struct scn_value *value, const char *fmt, ...)
{
	const char *set = value_set(value);
	struct scenario_pos pos = value->key_pos.line ? value->key_pos : value->pos;
	char path[PATH_SIZE] = "";
	va_list args;

	if (!value->set)
		scn_path(value, path, sizeof(path));
	va_start(args, fmt);
	report(load, set ? (struct scenario_pos){0} : pos, set, path, fmt, args);
	va_end(args);
}

struct scn_shown scn_where(const struct scn_value *value)
{
	const char *set = value_set(value);
	struct scn_shown shown;

	if (set)
		snprintf(shown.text, sizeof(shown.text), "in --set %.*s", 50, scn_show(set).text);
	else
		snprintf(shown.text, sizeof(shown.text), "at %u:%u", value->pos.line, value->pos.column);
	return shown;
}

/* Edit distance with swaps of neighbours, upper and lower case alike. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][GUESS_LEN_MAX + 1], *row = rows[0], *above = rows[1], *above2 = rows[2], *swap;
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > GUESS_LEN_MAX || b_len > GUESS_LEN_MAX)
		return UINT32_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		swap = above2;
		above2 = above;
		above = row;
		row = swap;
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
			unsigned int best = above[j - 1] + (x != y);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

void scn_guess_init(struct scn_guess *guess, const char *word)
{
	*guess = (struct scn_guess){.word = word, .distance = 2 + (unsigned int)(strlen(word) / 4)};
}

void scn_guess_try(struct scn_guess *guess, const char *candidate)
{
	unsigned int far;

	if (guess->tried++ >= GUESS_TRIED_MAX)
		return;
	far = distance(guess->word, candidate);
	/* a word of which nothing is left is no guess */
	if (far < guess->distance && far < strlen(candidate)) {
		guess->distance = far;
		guess->best = candidate;
	}
}

const char *scn_guess_text(struct scn_guess *guess)
{
	if (!guess->best)
		return "";
	snprintf(guess->text, sizeof(guess->text), "; did you mean \"%.*s\"?", GUESS_LEN_MAX, guess->best);
	return guess->text;
}
