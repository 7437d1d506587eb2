/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dot.h - a scenario as a graph in the language of Graphviz.
 */
#ifndef EXPERIMENT_DOT_H
#define EXPERIMENT_DOT_H

#include <stdio.h>

#include "bridge/scenario/scenario.h"

/**
 * dot_write() - Write the graph of a scenario
 *
 * Shared segments are bars, links between two nodes lines with their figures in the middle, radio dashed ellipses; what
 * ns-3 simulates together (an island) is shaded. Names and figures are escaped; nothing of the scenario is code to dot.
 *
 * Return: 0 or -ENOMEM; errors of @stream are the caller's to look for
 */
int dot_write(const struct scenario *scenario, FILE *stream);

/**
 * dot_svg() - The graph of a scenario as an <svg> element
 *
 * Waits for Graphviz, 3 s at most; as root, it runs without any right.
 *
 * Return: the caller's to free; NULL where there is no Graphviz, or too much to draw
 */
char *dot_svg(const struct scenario *scenario);

#endif /* EXPERIMENT_DOT_H */
