/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expect.c - see expect.h.
 */
#include "bridge/experiment/expect.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/jsonpath.h"

/* A readable copy of something found in output: one line, cut, and valid UTF-8 as far as JSON needs it. */
static json_t *text_value(const char *text, size_t len)
{
	char line[200];
	size_t n = 0;

	while (n < len && n < sizeof(line) - 1 && text[n] != '\n' && text[n] != '\0') {
		line[n] = text[n];
		n++;
	}
	json_t *value = json_stringn(line, n);

	return value ? value : json_string("(not text)");
}

static void describe(struct expect_result *result)
{
	char *dump = json_dumps(result->value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(10));

	snprintf(result->found, sizeof(result->found), "found %s", dump ? dump : "?");
	free(dump);
}

static void check_pattern(const struct scenario_expect *expect, const struct expect_input *input,
			  struct expect_result *ret)
{
	bool wanted = expect->kind == SCENARIO_EXPECT_MATCH;
	/* REG_STARTEND: output may hold NUL bytes. */
	regmatch_t match = {.rm_so = 0, .rm_eo = (regoff_t)input->output_size};
	regex_t regex;
	char message[128];
	bool found;
	int r;

	if (!input->output) {
		snprintf(ret->found, sizeof(ret->found), "the step left no output");
		return;
	}
	r = regcomp(&regex, expect->pattern, REG_EXTENDED | REG_NEWLINE);
	if (r != 0) {
		regerror(r, &regex, message, sizeof(message));
		snprintf(ret->found, sizeof(ret->found), "the pattern is not a regular expression: %s", message);
		return;
	}
	found = regexec(&regex, input->output, 1, &match, REG_STARTEND) == 0;
	regfree(&regex);
	ret->ok = found == wanted;
	if (found) {
		json_decref(ret->value);
		ret->value = text_value(input->output + match.rm_so, (size_t)(match.rm_eo - match.rm_so));
		describe(ret);
	} else {
		snprintf(ret->found, sizeof(ret->found), "not found in %zu bytes of output", input->output_size);
	}
}

static bool equals(json_t *value, const char *wanted)
{
	const char *text;
	char *end;
	double number;

	if (json_is_number(value)) {
		number = strtod(wanted, &end);
		return end != wanted && *end == '\0' && number == json_number_value(value);
	}
	if (json_is_boolean(value))
		return strcmp(wanted, json_is_true(value) ? "true" : "false") == 0;
	if (json_is_null(value))
		return strcmp(wanted, "null") == 0;
	text = json_string_value(value);
	return text && strcmp(text, wanted) == 0;
}

static void check_value(const struct scenario_expect *expect, json_t *root, struct expect_result *ret)
{
	struct diag diag = {""};
	json_t *value;
	double number;

	if (jsonpath_find(root, expect->path, &value, &diag) < 0) {
		snprintf(ret->found, sizeof(ret->found), "%.250s", diag.text);
		return;
	}
	json_decref(ret->value);
	/* Containers could be the report itself, which must not hold itself. */
	ret->value = json_deep_copy(value);
	if (!ret->value)
		ret->value = json_null();
	describe(ret);
	ret->ok = true;
	if (expect->has_min || expect->has_max) {
		number = json_number_value(value);
		if (!json_is_number(value)) {
			ret->ok = false;
			snprintf(ret->found, sizeof(ret->found), "'%.100s' is not a number", expect->path);
		} else if ((expect->has_min && number < expect->min) || (expect->has_max && number > expect->max)) {
			ret->ok = false;
		}
	}
	if (expect->equals && !equals(value, expect->equals))
		ret->ok = false;
}

static void check_output_json(const struct scenario_expect *expect, const struct expect_input *input,
			      struct expect_result *ret)
{
	json_error_t error;
	json_t *root;

	if (!input->output) {
		snprintf(ret->found, sizeof(ret->found), "the step left no output");
		return;
	}
	root = json_loadb(input->output, input->output_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!root) {
		snprintf(ret->found, sizeof(ret->found), "the step's output is not JSON: line %d: %s", error.line,
			 error.text);
		return;
	}
	check_value(expect, root, ret);
	json_decref(root);
}

void expect_check(const struct scenario_expect *expect, const struct expect_input *input, struct expect_result *ret)
{
	*ret = (struct expect_result){.value = json_null()};
	switch (expect->kind) {
	case SCENARIO_EXPECT_EXIT:
		if (!input->has_ended) {
			snprintf(ret->found, sizeof(ret->found), "the step did not end by itself");
			return;
		}
		ret->value = json_integer(input->exit);
		ret->ok = input->exit == expect->exit;
		describe(ret);
		return;
	case SCENARIO_EXPECT_MATCH:
	case SCENARIO_EXPECT_NO_MATCH:
		check_pattern(expect, input, ret);
		return;
	case SCENARIO_EXPECT_JSON:
		check_output_json(expect, input, ret);
		return;
	case SCENARIO_EXPECT_REPORT:
		check_value(expect, input->report, ret);
		return;
	}
}

void expect_done(struct expect_result *result)
{
	json_decref(result->value);
	result->value = NULL;
}

bool expect_explains_exit(const struct scenario *scenario, size_t step)
{
	for (size_t i = 0; i < scenario->expect_count; i++) {
		if (scenario->expects[i].kind == SCENARIO_EXPECT_EXIT && scenario->expects[i].step == step)
			return true;
	}
	return false;
}
