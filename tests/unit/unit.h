/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every unit test starts with: cmocka in the order it wants, and its unused-parameter manners.
 */

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>

/* For main(): the whole program is skipped, and says why, in TAP. */
static inline int unit_skip_all(const char *why)
{
        printf("1..0 # SKIP %s\n", why);
        return 0;
}
