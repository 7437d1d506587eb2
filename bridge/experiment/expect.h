/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expect.h - whether what a scenario expects came true.
 */
#ifndef EXPERIMENT_EXPECT_H
#define EXPERIMENT_EXPECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/scenario/scenario.h"

#define EXPECT_OUTPUT_SIZE_MAX (16u << 20) /* bytes of a step's stdout that are looked at */

/* What an expectation is held against. */
struct expect_input {
	bool has_ended; /* the step ran and ended, so `exit` says something */
	int exit;
	const char *output; /* the step's stdout, NUL-terminated; NULL when there is none */
	size_t output_size;
	json_t *report; /* for SCENARIO_EXPECT_REPORT */
};

struct expect_result {
	bool ok;
	json_t *value;   /* what was found; never NULL, expect_done() frees it */
	char found[256]; /* the same for a person */
};

/** expect_check() - Decide one expectation. Pure. */
void expect_check(const struct scenario_expect *expect, const struct expect_input *input, struct expect_result *ret);
void expect_done(struct expect_result *result);

/** expect_explains_exit() - Whether some expectation says what exit status step @step should have. */
bool expect_explains_exit(const struct scenario *scenario, size_t step);

#endif /* EXPERIMENT_EXPECT_H */
