/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jsonpath.h - the paths of expectations: `.end.sum.bits_per_second`, `.ports[0].up."in-flight"`, `.`.
 *
 * A path is a chain of `.name`, `."any name"` and `[index]` (a negative index counts from the end); `.` alone is the
 * whole document. The subset of jq that can only name one value.
 */
#ifndef EXPERIMENT_JSONPATH_H
#define EXPERIMENT_JSONPATH_H

#include <jansson.h>

#include "bridge/diag.h"

/**
 * jsonpath_find() - The value at a path
 * @ret:	borrowed from @root
 * @diag:	on failure how far the path led
 *
 * Return: 0, -EINVAL for a path that cannot be read, -ENOENT when there is nothing there
 */
int jsonpath_find(json_t *root, const char *path, json_t **ret, struct diag *diag);

#endif /* EXPERIMENT_JSONPATH_H */
