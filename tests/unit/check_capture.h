/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_capture.h - the parts of the suite `capture`, one file each.
 */
#ifndef TESTS_CHECK_CAPTURE_H
#define TESTS_CHECK_CAPTURE_H

#include <check.h>

TCase *capture_rewrite_tests(void);

#endif /* TESTS_CHECK_CAPTURE_H */
