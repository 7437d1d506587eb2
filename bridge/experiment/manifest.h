/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * manifest.h - what a run was made with: versions, seed, machine.
 */
#ifndef EXPERIMENT_MANIFEST_H
#define EXPERIMENT_MANIFEST_H

#include <jansson.h>

struct daemon;

/** manifest_make() - manifest.json; runs `ns3-ghost --version`, so it blocks for some milliseconds. New reference. */
json_t *manifest_make(struct daemon *daemon);

/** manifest_first_line() - First line that a shell command writes, "" when it fails. For doctor, too. */
void manifest_first_line(const char *command, char *ret, size_t size);

#endif /* EXPERIMENT_MANIFEST_H */
