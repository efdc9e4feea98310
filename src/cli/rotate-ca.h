/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the CAs of this host are on their way to others: `rotate-ca --status`. A table, or JSON
 * that says in the words of Kamaji whether any of them is on its way. */

#include "cli/options.h"

int rotate_ca_status(const Options *options);
