/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recorded.c - what a run with --record left: where it is, and what its daemon says of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/record.h"
#include "bridge/record/recording.h"

int cli_recording_path(const char *arg, char *ret_dir, char *ret_path, size_t size)
{
	struct stat status;
	const char *slash;

	if (stat(arg, &status) < 0)
		return cli_error(EXIT_USAGE, "cannot read %s: %s", arg, strerror(errno));
	if (S_ISDIR(status.st_mode)) {
		snprintf(ret_dir, size, "%s", arg);
		snprintf(ret_path, size, "%s/%s", arg, BOUNDARY_FILE);
		if (access(ret_path, R_OK) < 0)
			return cli_error(EXIT_USAGE,
					 "%s holds no %s: only a run with --record leaves something to replay", arg,
					 BOUNDARY_FILE);
		return 0;
	}
	slash = strrchr(arg, '/');
	snprintf(ret_dir, size, "%.*s", slash ? (int)(slash - arg) : 1, slash ? arg : ".");
	snprintf(ret_path, size, "%s", arg);
	return 0;
}

json_t *cli_recording_digest(const char *dir, struct recording *recording)
{
	const char *why;
	char path[8192];
	json_t *digest;

	snprintf(path, sizeof(path), "%s/%s", dir, RECORD_DIGEST_FILE);
	if (access(path, F_OK) < 0)
		return NULL;
	digest = json_load_file(path, 0, NULL);
	if (!json_is_object(json_object_get(digest, "ports"))) {
		cli_error(0, "warning: %s is no digest", path);
		json_decref(digest);
		return NULL;
	}
	why = json_string_value(json_object_get(digest, "incomplete"));
	if (!recording->incomplete[0] && !json_is_true(json_object_get(digest, "complete")))
		snprintf(recording->incomplete, sizeof(recording->incomplete), "%s",
			 why && why[0] ? why : RECORD_DIGEST_FILE " does not say that it is complete");
	return digest;
}
