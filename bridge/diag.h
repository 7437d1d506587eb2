/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * diag.h - what went wrong, for a person, beside the errno for the program.
 *
 * Functions that talk to the kernel, to liblxc or to a peer return 0 or a negative errno and, where a caller would want
 * to tell its user more, fill a `struct diag`. Whoever handles the error prints it; nobody does both.
 */
#ifndef BRIDGE_DIAG_H
#define BRIDGE_DIAG_H

#include <stdarg.h>
#include <stdio.h>

struct diag {
	char text[1024]; /* one line, no newline at the end; "" while nothing failed */
};

/**
 * diag_set() - Describe a failure and hand its errno on
 * @diag:	where to put the text, or NULL
 * @err:	negative errno to return
 * @fmt:	printf-style text: what failed, and what would help
 *
 * Return: @err, so that `return diag_set(diag, -errno, "...")` reads well
 */
__attribute__((format(printf, 3, 4))) static inline int diag_set(struct diag *diag, int err, const char *fmt, ...)
{
	va_list args;

	if (diag) {
		va_start(args, fmt);
		vsnprintf(diag->text, sizeof(diag->text), fmt, args);
		va_end(args);
	}
	return err;
}

#endif /* BRIDGE_DIAG_H */
