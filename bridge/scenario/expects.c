/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expects.c - the section `expect`: what must hold when the steps have run.
 */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define PATTERN_LEN_MAX    1000
#define PATTERN_COST_MAX   10000
#define PATTERN_GROUPS_MAX 100
#define PATH_LEN_MAX       500

static const char *const expect_keys[] = {"step",   "exit", "match", "no-match", "json",
					  "report", "min",  "max",   "equals",   NULL};

/* The keys that say what kind of expectation it is, in the order of enum scenario_expect_kind. */
static const char *const kind_keys[] = {"exit", "match", "no-match", "json", "report", NULL};

/* Skip a bracket expression; @c stands on "[". Return: its "]" or the end of the text. */
static const char *skip_bracket(const char *c)
{
	char mark;

	c++;
	if (*c == '^')
		c++;
	if (*c == ']')
		c++;
	for (; *c && *c != ']'; c++) {
		if (*c != '[' || !c[1] || !strchr(":.=", c[1]))
			continue;
		mark = c[1];
		for (c += 2; *c && !(*c == mark && c[1] == ']'); c++)
			;
		if (!*c)
			return c;
		c++;
	}
	return c;
}

/* The greatest number in "{m,n}", at least 2; @c stands on "{" and is moved to the last character taken. */
static uint64_t read_bound(const char **c)
{
	uint64_t most = 2, bound;
	const char *at = *c + 1;

	while ((*at >= '0' && *at <= '9') || *at == ',') {
		for (bound = 0; *at >= '0' && *at <= '9'; at++)
			bound = bound > PATTERN_COST_MAX ? bound : bound * 10 + (uint64_t)(*at - '0');
		if (bound > most)
			most = bound;
		if (*at == ',')
			at++;
	}
	*c = *at == '}' ? at : at - 1;
	return most;
}

/*
 * Roughly how many nodes regcomp() makes of a pattern. The C library writes "+" and "{m,n}" out in full, so that
 * "a++++" has sixteen and a line of text may take all memory there is; hence a look before it is compiled.
 */
static uint64_t pattern_cost(const char *pattern)
{
	uint64_t sums[PATTERN_GROUPS_MAX], sum = 0, last = 0; /* of the open groups, of this one, of its last atom */
	size_t depth = 0;

	for (const char *c = pattern; *c && sum + last <= PATTERN_COST_MAX; c++) {
		switch (*c) {
		case '(':
			if (depth == PATTERN_GROUPS_MAX)
				return UINT64_MAX;
			sums[depth++] = sum + last;
			sum = last = 0;
			continue;
		case ')':
			if (!depth)
				break;
			last += sum + 1;
			sum = sums[--depth];
			continue;
		case '|':
			sum += last + 1;
			last = 0;
			continue;
		case '*':
		case '?':
			last++;
			continue;
		case '+':
			last *= 2;
			continue;
		case '{':
			last *= read_bound(&c);
			continue;
		case '[':
			c = skip_bracket(c);
			break;
		case '\\':
			if (c[1])
				c++;
			break;
		}
		sum += last;
		last = 1;
		if (!*c)
			break;
	}
	for (last += sum; depth > 0 && last <= PATTERN_COST_MAX; last += sums[--depth])
		;
	return last;
}

static void read_pattern(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	char why[128];
	regex_t regex;
	int err;

	if (!scn_text(load, value))
		return;
	if (value->len > PATTERN_LEN_MAX) {
		scn_error(load, value, "pattern of %zu bytes; at most %d are allowed", value->len, PATTERN_LEN_MAX);
		return;
	}
	if (pattern_cost(value->text) > PATTERN_COST_MAX) {
		scn_error(load, value, "its repetitions multiply to more than %d; nest + and {} less",
			  PATTERN_COST_MAX);
		return;
	}
	err = regcomp(&regex, value->text, REG_EXTENDED | REG_NEWLINE | REG_NOSUB);
	if (err) {
		regerror(err, &regex, why, sizeof(why));
		scn_error(load, value,
			  "\"%s\" is not a POSIX extended regular expression: %s; \"\\\\\" before a character "
			  "takes it literally",
			  scn_show(value->text).text, why);
		return;
	}
	regfree(&regex);
	expect->pattern = scn_keep(load, value->text);
}

/* "." or any number of ".key" and "[0]", beginning with ".". */
static bool path_ok(const char *path)
{
	size_t digits, word;

	if (*path != '.')
		return false;
	if (!path[1])
		return true;
	if (path[1] == '[')
		path++;
	while (*path) {
		if (*path == '[') {
			digits = strspn(path + 1, "0123456789");
			if (!digits || digits > 9 || path[digits + 1] != ']')
				return false;
			path += digits + 2;
		} else if (*path == '.') {
			word = strspn(path + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
			if (!word)
				return false;
			path += word + 1;
		} else {
			return false;
		}
	}
	return true;
}

static void read_path(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	if (!scn_text(load, value))
		return;
	if (value->len > PATH_LEN_MAX || !path_ok(value->text))
		scn_error(load, value, "\"%s\" is not a path; write it as .end.streams[0].bytes",
			  scn_show(value->text).text);
	else
		expect->path = scn_keep(load, value->text);
}

static void read_bounds(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	const struct scn_value *min = scn_get(value, "min"), *max = scn_get(value, "max");
	const struct scn_value *equals = scn_get(value, "equals");

	if (!min && !max && !equals) {
		scn_error_key(load, value, "says where to look but not what to find; add min, max or equals");
		return;
	}
	if (equals && (min || max)) {
		scn_error_key(load, equals, "stands beside min or max; use the one or the other");
		return;
	}
	if (equals) {
		if (equals->kind == SCN_TEXT) /* may be empty, but then in quotes */
			expect->equals = scn_keep(load, equals->text);
		else
			scn_text(load, equals);
	}
	expect->has_min = scn_read_number(load, value, "min", &expect->min);
	expect->has_max = scn_read_number(load, value, "max", &expect->max);
	if (expect->has_min && expect->has_max && expect->min > expect->max)
		scn_error(load, max, "\"%s\" is below min, %s; nothing could be right", scn_show(max->text).text,
			  scn_show(min->text).text);
}

static void find_step(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	struct scn_guess guess;

	if (!scn_text(load, value) || load->steps_unknown)
		return;
	expect->step = scn_index_find(&load->step_index, value->text, value->len);
	if (expect->step != SCENARIO_NONE && scn_step_is_change(load, expect->step)) {
		scn_error(load, value,
			  "step \"%s\" changes a link: it has neither exit status nor output; expect them of a "
			  "step with run",
			  value->text);
		return;
	}
	if (expect->step != SCENARIO_NONE || load->reported >= SCN_REPORTED_MAX)
		return;
	scn_guess_init(&guess, value->text);
	for (size_t i = 0; i < load->scenario->step_count; i++)
		scn_guess_try(&guess, load->scenario->steps[i].name);
	scn_error(load, value, "there is no step \"%s\"%s", scn_show(value->text).text,
		  guess.best ? scn_guess_text(&guess) : "; give a step this name");
}

/* The value's own text, or "" where an error has been reported anyway. */
static const char *text_of(const struct scn_value *map, const char *key)
{
	const struct scn_value *value = scn_get(map, key);

	return value ? value->text : "";
}

static void render(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	const char *step = expect->step == SCENARIO_NONE ? "report" : load->scenario->steps[expect->step].name;
	char *line = NULL;

	switch (expect->kind) {
	case SCENARIO_EXPECT_EXIT:
		line = scn_keepf(load, "%s: exit %d", step, expect->exit);
		break;
	case SCENARIO_EXPECT_MATCH:
		line = scn_keepf(load, "%s: output matches \"%s\"", step, expect->pattern);
		break;
	case SCENARIO_EXPECT_NO_MATCH:
		line = scn_keepf(load, "%s: output does not match \"%s\"", step, expect->pattern);
		break;
	case SCENARIO_EXPECT_JSON:
	case SCENARIO_EXPECT_REPORT:
		if (expect->equals)
			line = scn_keepf(load, "%s: %s = %s", step, expect->path, expect->equals);
		else if (expect->has_min && expect->has_max)
			line = scn_keepf(load, "%s: %s from %s to %s", step, expect->path, text_of(value, "min"),
					 text_of(value, "max"));
		else if (expect->has_min)
			line = scn_keepf(load, "%s: %s >= %s", step, expect->path, text_of(value, "min"));
		else
			line = scn_keepf(load, "%s: %s <= %s", step, expect->path, text_of(value, "max"));
		break;
	}
	if (!line)
		return;
	expect->text = line;
	/* one line, whatever the pattern holds */
	for (; *line; line++)
		if ((unsigned char)*line < ' ')
			*line = ' ';
}

/* What the report says of the expectations themselves. */
static bool is_of_expectations(const char *path)
{
	return path && (!strcmp(path, ".result") || (!strncmp(path, ".expect", 7) && strchr(".[", path[7])));
}

static void load_expect(struct scn_load *load, const struct scn_value *value, struct scenario_expect *expect)
{
	const struct scn_value *kind_value = NULL, *child;
	size_t before = load->reported;
	uint64_t exit_status = 0;

	scn_read_map(load, value, expect_keys);
	for (child = value->first; child; child = child->next) {
		for (unsigned int i = 0; kind_keys[i]; i++) {
			if (strcmp(kind_keys[i], child->key))
				continue;
			if (kind_value) {
				scn_error_key(load, child, "stands beside \"%s\"; write one expectation for each",
					      kind_value->key);
				return;
			}
			expect->kind = (enum scenario_expect_kind)i;
			kind_value = child;
		}
	}
	if (!kind_value) {
		if (load->reported == before)
			scn_error_key(load, value, "expects nothing; add exit, match, no-match, json or report");
		return;
	}
	child = scn_get(value, "step");
	if (expect->kind == SCENARIO_EXPECT_REPORT) {
		if (child)
			scn_error_key(load, child, "stands beside \"report\", which is of the whole run; leave it out");
	} else if (!child) {
		scn_need(load, value, "step", "ping");
	} else {
		find_step(load, child, expect);
	}
	switch (expect->kind) {
	case SCENARIO_EXPECT_EXIT:
		scn_read_count(load, value, "exit", NULL, 0, 255, &exit_status);
		expect->exit = (int)exit_status;
		break;
	case SCENARIO_EXPECT_MATCH:
	case SCENARIO_EXPECT_NO_MATCH:
		read_pattern(load, kind_value, expect);
		break;
	case SCENARIO_EXPECT_JSON:
	case SCENARIO_EXPECT_REPORT:
		read_path(load, kind_value, expect);
		read_bounds(load, value, expect);
		if (expect->kind == SCENARIO_EXPECT_REPORT && is_of_expectations(expect->path))
			scn_error(load, kind_value,
				  "\"%s\" is not known before every expectation has been checked; there are "
				  ".fidelity.verdict and the figures",
				  expect->path);
		break;
	}
	if (expect->kind != SCENARIO_EXPECT_JSON && expect->kind != SCENARIO_EXPECT_REPORT) {
		for (child = value->first; child; child = child->next)
			if (!strcmp(child->key, "min") || !strcmp(child->key, "max") || !strcmp(child->key, "equals"))
				scn_error_key(load, child, "stands beside \"%s\"; it belongs to json and report",
					      kind_value->key);
	}
	if (load->reported == before && !load->nomem)
		render(load, value, expect);
}

void scn_load_expects(struct scn_load *load)
{
	const struct scn_value *expects = scn_get(load->root, "expect"), *value;
	struct scenario *scenario = load->scenario;
	struct scenario_expect *expect;

	if (!expects || !scn_want(load, expects, SCN_LIST) || !expects->count)
		return;
	scenario->expects = scn_new(load, expects->count, sizeof(*scenario->expects));
	for (value = expects->first; value && !load->nomem; value = value->next) {
		expect = &scenario->expects[scenario->expect_count++];
		expect->pos = value->pos;
		expect->step = SCENARIO_NONE;
		if (value->kind == SCN_MAP)
			load_expect(load, value, expect);
		else
			scn_error(load, value, "is not an expectation; write {step: ping, exit: 0}");
	}
}
