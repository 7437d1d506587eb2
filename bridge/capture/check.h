/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - read a capture file once from end to end, in a process that can do nothing else.
 */
#ifndef CAPTURE_CHECK_H
#define CAPTURE_CHECK_H

#include "bridge/capture/feed.h"

/**
 * capture_check() - Whether a file can be sent
 * @fd:		of a regular file; its offset is moved
 * @terms:	as for feed_open(); of the passes only what the first and second say
 * @drop_rights: called in the child before the file is read, with @data; NULL: it keeps its user
 * @ret:	what the file is
 *
 * libpcap meets the file in a child behind a seccomp filter. Blocks as long as reading the file takes.
 *
 * Return: 0, or a negative errno with @diag
 */
int capture_check(int fd, const struct feed_terms *terms, int (*drop_rights)(struct diag *diag),
		  struct feed_summary *ret, struct diag *diag);

#endif /* CAPTURE_CHECK_H */
