/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Several layouts on one host, as if they were one. Private to the configuration.
 *
 *     layout = layouts_merge(found, configured);
 *
 * The first keeps its names. Of every other one, what has a name is called LAYOUT:NAME, in its
 * sections and wherever one of its entries refers to another. What [renewal] of a layout says is
 * for its own entries. Of the other sections without a name, the first layout that has a key is the
 * one that counts, and a list is that of all; but [service-account] is the first one's alone.
 * Done with the text of the settings, as renew/config/layout-base.h does it. */

#include "renew/config/layout-detect.h"

/* Takes the settings out of what was found. What the entries of one layout have from its [renewal],
 * where neither they nor the configuration say it, is appended to `configured`. */
Settings *layouts_merge(FoundLayouts *found, Settings *configured);
