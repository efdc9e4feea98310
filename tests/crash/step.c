/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Single steps of a pass that only a live host makes: who tests them with a root of their own
 * (tests/crash/ledgers.py) starts this instead of the program.
 *
 *     step ROOT STEP WHAT [STEP WHAT...]
 *
 * out, back: moves a static-pod manifest; hold, settle: notes a component as rolled back, or as
 * proven. The exit status is 1 if one of them fails. */

#include "base/fs.h"
#include "renew/state/hold.h"
#include "renew/state/park.h"

#define STATE  "/var/lib/kube-renewd"
#define HELD   "/etc/kubernetes/admin.conf" /* a file of the component that is held */
#define SINCE  1826062000
#define A_WEEK (7 * 24 * 3600)

static int hold(int root_fd, const char *state_directory, const char *component, Error *reterr)
{
        char *paths[] = {(char *)HELD, NULL};

        return hold_add(root_fd, state_directory,
                &(Hold){.component = (char *)component,
                        .since = SINCE,
                        .until = SINCE + A_WEEK,
                        .paths = paths,
                        .reason = (char *)"it did not come back"},
                reterr);
}

/* For all files: as if each had new content. */
static int settle(int root_fd, const char *state_directory, const char *component, Error *reterr)
{
        return hold_settle(root_fd, state_directory, component, NULL, reterr);
}

static const struct {
        const char *name;
        int (*run)(int root_fd, const char *state_directory, const char *what, Error *reterr);
} steps[] = {
        {"out", park_out},
        {"back", park_back},
        {"hold", hold},
        {"settle", settle},
};

static int run(int root_fd, const char *name, const char *what, Error *reterr)
{
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                if (streq(steps[i].name, name))
                        return steps[i].run(root_fd, STATE, what, reterr);
        return error_set(reterr, -EINVAL, "there is no step '%s'", name);
}

int main(int argc, char **argv)
{
        Error error = {};
        int r;

        autofd int root_fd = argc > 1 ? fs_open_root(argv[1], &error) : -EINVAL;
        r = root_fd < 0 || argc % 2 != 0 ? -EINVAL : 0;
        for (int i = 2; r >= 0 && i + 1 < argc; i += 2)
                r = run(root_fd, argv[i], argv[i + 1], &error);
        if (r < 0)
                fprintf(stderr, "%s: %s\n", argv[0], error.text);
        return r < 0;
}
