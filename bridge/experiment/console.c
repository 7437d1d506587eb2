/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.c - see console.h.
 */
#include "bridge/experiment/console.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_progress;

void console_clear(void)
{
	if (has_progress)
		fputs("\r\033[K", stderr);
	has_progress = false;
}

void console_say(const char *fmt, ...)
{
	va_list args;

	console_clear();
	fputs("ghostbridge: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(stderr);
}

void console_progress(const char *fmt, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fflush(stderr);
	has_progress = true;
}

bool console_has_colour(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(stream)) && (!no_color || !*no_color) && term && strcmp(term, "dumb") != 0;
}
