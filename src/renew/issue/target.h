/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a step could put its files in their place, asked before anything is made for it.
 *
 *     r = step_test_targets(root_fd, step, reterr); */

#include "renew/plan/plan.h"

/* Errors as fs_test_writable(), with what would allow it. */
int step_test_targets(int root_fd, const Step *step, Error *reterr) MUST_USE;
