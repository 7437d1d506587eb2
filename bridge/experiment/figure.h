/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * figure.h - lateness over time as a picture, SVG without scripts or fonts of its own.
 */
#ifndef EXPERIMENT_FIGURE_H
#define EXPERIMENT_FIGURE_H

#include <jansson.h>
#include <stdio.h>

#include "bridge/experiment/timeline.h"

#define FIGURE_FILE "lateness.svg"

/**
 * figure_draw() - Draw one run
 * @report:	report.json, for name, budget, verdict and changes
 *
 * Delivery and injection on a logarithmic scale: a line for what the scenario's share of frames was not later than, a
 * paler one for the latest frame; the budget; shaded, intervals in which it was broken; changes of links as marks; and
 * a strip with what the host did meanwhile.
 */
void figure_draw(const struct timeline *timeline, json_t *report, FILE *stream);

/** figure_text() - Write text with what XML, and the labels of Graphviz, would misread escaped. */
void figure_text(FILE *stream, const char *text);

#endif /* EXPERIMENT_FIGURE_H */
