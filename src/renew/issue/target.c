/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/target.h"

#include "renew/unit/unit-needs.h"

int step_test_targets(int root_fd, const Step *step, Error *reterr)
{
        const Item *item = step->item;
        const char *path = step_path(step);
        int r = fs_test_writable(root_fd, path, reterr);

        if (r >= 0 && step->kind != STEP_REPAIR_CA_DATA && item->key_path &&
                !streq(item->key_path, item->path) && !step_keeps_key(step)) {
                path = item->key_path;
                r = fs_test_writable(root_fd, path, reterr);
        }
        return unit_needs_hint(reterr, r, root_fd, path);
}
