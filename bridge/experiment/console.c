/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.c - see console.h.
 */
#include "bridge/experiment/console.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_progress;

/* Bytes of the printable character at @text, which ends with a NUL: 0 for what commands a terminal or is no UTF-8. */
static size_t printable_len(const unsigned char *text)
{
	static const uint32_t least[] = {0x20, 0xa0, 0x800, 0x10000};
	size_t more = text[0] < 0x80 ? 0 : (text[0] & 0xe0) == 0xc0 ? 1 : (text[0] & 0xf0) == 0xe0 ? 2 : 3;
	uint32_t code = text[0] & (more ? 0x3fu >> more : 0x7fu);

	if (text[0] >= 0x80 && (text[0] < 0xc0 || text[0] > 0xf4))
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (code < least[more] || code == 0x7f || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return more == 0 && (code == '\n' || code == '\t');
	return more + 1;
}

void console_make_printable(char *text)
{
	size_t len;

	for (; *text; text += len) {
		len = printable_len((const unsigned char *)text);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
	}
}

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
