/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_experiment.h - the cases of the suite experiment that stand in files of their own.
 */
#ifndef TESTS_CHECK_EXPERIMENT_H
#define TESTS_CHECK_EXPERIMENT_H

#include <check.h>

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The cases `paths` and `expect`. */
TCase *experiment_path_tests(void);
TCase *experiment_expect_tests(void);
/* The case `books`. */
TCase *experiment_book_tests(void);

#endif /* TESTS_CHECK_EXPERIMENT_H */
