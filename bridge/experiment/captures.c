/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * captures.c - the files of nodes of kind replay: opened while paths are still the user's, read by others.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/capture/check.h"
#include "bridge/experiment/experiment.h"
#include "bridge/experiment/rights.h"
#include "bridge/scenario/replay.h"

static int become_ghost(struct diag *diag)
{
	return rights_drop(RIGHTS_GHOST_UID, diag);
}

/* What is wrong with a key of a node, and where it stands. What --set says stands nowhere in the file. */
__attribute__((format(printf, 6, 7))) static int refuse(struct diag *diag, int err, const char *source,
							struct scenario_pos pos, const char *what, const char *fmt, ...)
{
	char where[64] = "", text[900];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (pos.line)
		snprintf(where, sizeof(where), ":%u:%u", pos.line, pos.column);
	return diag_set(diag, err, "%s%s: nodes.%s: %s", source, where, what, text);
}

static int open_one(const struct scenario_node *node, const char *source, int *ret_fd, struct diag *diag)
{
	const struct scenario_replay *replay = node->replay;
	const struct feed_terms terms = {.filter = replay->filter,
					 .start_ns = replay->start_ns,
					 .speed_num = replay->speed_num,
					 .speed_den = replay->speed_den,
					 .loop = replay->loop,
					 .gap_ns = replay->gap_ns,
					 .pad = replay->pad};
	const char *slash = strrchr(source, '/');
	struct feed_summary summary;
	struct diag why = {""};
	char path[4096], what[64];
	struct stat status;
	int fd, r, len;

	snprintf(what, sizeof(what), "%s.filter", node->name);
	if (replay->filter && feed_compile(replay->filter, &why) < 0)
		return refuse(diag, -EINVAL, source, replay->filter_pos, what,
			      "\"%s\" is no filter: %s; see pcap-filter(7)", replay->filter, why.text);
	snprintf(what, sizeof(what), "%s.file", node->name);
	if (replay->file[0] == '/' || !slash)
		len = snprintf(path, sizeof(path), "%s", replay->file);
	else
		len = snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - source), source, replay->file);
	if (len >= (int)sizeof(path))
		return refuse(diag, -ENAMETOOLONG, source, replay->file_pos, what, "the path is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return refuse(diag, -ENOENT, source, replay->file_pos, what,
			      "there is no %s; write the capture there, or correct the path, which is relative to the "
			      "scenario's file",
			      path);
	if (fd < 0)
		return refuse(diag, -errno, source, replay->file_pos, what, "cannot open %s: %s", path,
			      strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return refuse(
			diag, -EINVAL, source, replay->file_pos, what,
			"%s is no regular file, and cannot be read again from its beginning; write the capture to "
			"a file first",
			path);
	}
	r = capture_check(fd, &terms, geteuid() == 0 ? become_ghost : NULL, &summary, &why);
	if (r < 0) {
		close(fd);
		return refuse(diag, r, source, replay->file_pos, what, "%s: %s", path, why.text);
	}
	*ret_fd = fd;
	return 0;
}

int experiment_open_captures(const struct scenario *scenario, const char *source, int **ret_fds, struct diag *diag)
{
	int *fds = NULL, r = 0;

	for (size_t i = 0; i < scenario->node_count && r == 0; i++) {
		if (!scenario_node_is_replay(&scenario->nodes[i]))
			continue;
		if (!fds) {
			fds = malloc(scenario->node_count * sizeof(*fds));
			for (size_t j = 0; fds && j < scenario->node_count; j++)
				fds[j] = -1;
		}
		r = fds ? open_one(&scenario->nodes[i], source, &fds[i], diag)
			: diag_set(diag, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		experiment_close_captures(scenario, fds);
		return r;
	}
	*ret_fds = fds;
	return 0;
}

void experiment_close_captures(const struct scenario *scenario, int *fds)
{
	for (size_t i = 0; fds && i < scenario->node_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(fds);
}
