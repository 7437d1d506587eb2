/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * manifest.h - what a run was made with: versions, seed, machine.
 */
#ifndef EXPERIMENT_MANIFEST_H
#define EXPERIMENT_MANIFEST_H

#include <jansson.h>

struct daemon;
struct experiment;

/** manifest_make() - manifest.json; runs `ns3-ghost --version`, so it blocks for some milliseconds. New reference. */
json_t *manifest_make(struct daemon *daemon);

/** manifest_ns3_version() - Version of ns-3 that the ghosts are linked with, "3.37"; blocks likewise. */
void manifest_ns3_version(const struct experiment *experiment, char *ret, size_t size);

/** manifest_first_line() - First line that a shell command writes, "" when it fails. For doctor, too. */
void manifest_first_line(const char *command, char *ret, size_t size);

#endif /* EXPERIMENT_MANIFEST_H */
