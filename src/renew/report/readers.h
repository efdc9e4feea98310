/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may read what monitoring looks at: everybody, or ReaderGroup= of the configuration.
 *
 *     r = readers_admit(root_fd, config, reterr);
 *
 * One directory holds all of it, and another one the alarms that could not be written there; what
 * is in them is for everybody who may enter. */

#include "renew/config/config.h"

/* Makes STATE/public, and gives both directories the group and the mode 0750; without a group, 0755
 * and our own, where they have that mode. A mode that is neither was somebody else's wish, and
 * stays. Where nobody knows the group (GROUP_UNKNOWN), both keep theirs and lose what others had.
 * Errors as mkdir(2) and chown(2). */
int readers_admit(int root_fd, const Config *config, Error *reterr) MUST_USE;
