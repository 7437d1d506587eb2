/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what a run found, as report.json, report.md and a few lines for a person.
 *
 * The JSON is made from the daemon; the two others are made from the JSON, so that all three say the same.
 */
#ifndef EXPERIMENT_REPORT_H
#define EXPERIMENT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "bridge/experiment/fidelity.h"
#include "bridge/experiment/timeline.h"
#include "bridge/scenario/scenario.h"

struct daemon;

/** report_figures() - The part that says what is counted now: ports, links, fidelity, digest; new reference. */
json_t *report_figures(struct daemon *daemon);

/** report_incidents() - What went wrong that the run survived so far; new reference. */
json_t *report_incidents(const struct daemon *daemon);

/** report_limits() - Rate limits of switches' ports and what keeps them; new reference, NULL without any. */
json_t *report_limits(const struct daemon *daemon);

/**
 * report_make() - The whole report; checks the expectations
 * @ret_exit:	the run's exit status that follows from it
 *
 * Return: new reference, or NULL when there is no memory
 */
json_t *report_make(struct daemon *daemon, int *ret_exit);

/** report_exit() - Exit status of a run: result and verdict decide. */
int report_exit(bool interrupted, bool failed, enum fidelity_verdict verdict, bool require_pass);

/** report_markdown() - report.md. */
void report_markdown(const struct scenario *scenario, json_t *report, json_t *manifest, FILE *stream);

/**
 * report_html() - report.html, one page that needs no other file
 * @graph:	<svg> of the scenario, or NULL: its text is shown
 */
void report_html(const struct scenario *scenario, json_t *report, json_t *manifest, const struct timeline *timeline,
		 const char *graph, FILE *stream);

/**
 * report_clocks() - What other clocks did meanwhile that a reader of other logs must know: CLOCK_REALTIME was set, or
 * the machine was suspended. @ret_text: a sentence, or empty: nothing but NTP's usual corrections.
 */
void report_clocks(json_t *report, char *ret_text, size_t size);

/** report_summary() - The lines at the end of a run. */
void report_summary(json_t *report, const char *rundir, FILE *stream);

#endif /* EXPERIMENT_REPORT_H */
