/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_record.h - the parts of the suite `record` that have a file of their own.
 */
#ifndef TESTS_CHECK_RECORD_H
#define TESTS_CHECK_RECORD_H

#include <check.h>

TCase *record_journal_tests(void);
TCase *record_recorder_tests(void);

#endif /* TESTS_CHECK_RECORD_H */
