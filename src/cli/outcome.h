/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a pass has done, or would do, on stdout: recovery, certificates, copies, restarts. */

#include "renew/pass.h"

void print_outcome(const Pass *pass, bool dry_run);

/* The Secrets of [fetch NAME] of which nothing is taken, and why. */
void print_fetches(const Assessment *assessment);
