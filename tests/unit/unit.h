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
