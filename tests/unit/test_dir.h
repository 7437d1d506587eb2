/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_dir.h - a directory of a test's own.
 */
#ifndef TESTS_TEST_DIR_H
#define TESTS_TEST_DIR_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Made below TMPDIR, which tests/unit/in-own-dir removes even if the test is killed. The test removes it else. */
static inline void make_test_dir(char *ret_path, size_t size)
{
	const char *base = getenv("TMPDIR");

	ck_assert_int_lt(snprintf(ret_path, size, "%s/check-XXXXXX", base ? base : "/var/tmp"), (int)size);
	ck_assert_ptr_nonnull(mkdtemp(ret_path));
}

#endif /* TESTS_TEST_DIR_H */
