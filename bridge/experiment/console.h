/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.h - what a person sees while an experiment runs: messages, and on a terminal one line of progress.
 *
 * Everything here goes to stderr; stdout is for results. Single-threaded.
 */
#ifndef EXPERIMENT_CONSOLE_H
#define EXPERIMENT_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

/** console_say() - One line "ghostbridge: ..." on stderr, progress line out of the way. */
__attribute__((format(printf, 1, 2))) void console_say(const char *fmt, ...);

/**
 * console_make_printable() - Make a text from anywhere one that a terminal and JSON can take
 * @text:	changed in place: control characters but newline and tab, and bytes that are no UTF-8, become '?'
 */
void console_make_printable(char *text);

/** console_progress() - Replace the progress line; nothing unless stderr is a terminal. */
__attribute__((format(printf, 1, 2))) void console_progress(const char *fmt, ...);

/** console_clear() - Take the progress line away. */
void console_clear(void);

/** console_has_colour() - Whether @stream is a terminal whose user did not set NO_COLOR. */
bool console_has_colour(FILE *stream);

#endif /* EXPERIMENT_CONSOLE_H */
