/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire.h - the parts of the suite `wire`, one file each.
 */
#ifndef TESTS_CHECK_WIRE_H
#define TESTS_CHECK_WIRE_H

#include "tests/unit/wire_fixture.h"

#define RING_SIZE ((uint64_t)WIRE_RING_SIZE_MIN)

/* Under a sanitizer every ck_assert costs many times more: try a part of what the plain build tries in full. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 13
#else
#define STEP 1
#endif

TCase *wire_ring_tests(void);
TCase *wire_hello_tests(void);

/* Further tests of the case `hello`. */
void wire_add_attach_tests(TCase *tcase);

#endif /* TESTS_CHECK_WIRE_H */
