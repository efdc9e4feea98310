/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the units say that we install: the one place in the program that knows it.
 *
 *     if (deadline > shipped_units.timeout) ... a drop-in is needed
 *
 * A unit test holds it against the files in systemd/. What this host's administrator has made of
 * them is not in here: host/timer.h asks systemd for it. */

#include "base/time-util.h"

/* One condition with a name in the state directory. */
typedef struct UnfinishedSign {
        const char *key, *name;
} UnfinishedSign;

typedef struct ShippedUnits {
        const char *const *writable; /* kube-renewd.service: ReadWritePaths=, StateDirectory= */
        const char *const *readers;  /* kube-renewd-recover.service: Before= */
        const UnfinishedSign *unfinished; /* kube-renewd-recover.service: its conditions */
        int64_t timeout;                  /* its TimeoutStartSec=, seconds */
        int64_t interval;                 /* kube-renewd.timer: between two times of OnCalendar= */
        int64_t delay;                    /* its RandomizedDelaySec= */
} ShippedUnits;

/* Lists end with NULL, or with a sign without a name. */
extern const ShippedUnits shipped_units;

#define SERVICE_UNIT   "kube-renewd.service"
#define RECOVER_UNIT   "kube-renewd-recover.service"
#define FAILURE_UNIT   "kube-renewd-failure@.service"
#define TIMER_UNIT     "kube-renewd.timer"
#define REQUESTED_UNIT "kube-renewd-requested.path"
