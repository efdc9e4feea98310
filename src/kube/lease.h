/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lease objects: which of several hosts may do what only one may do at a time.
 *
 *     r = lease_get(server, &name, &lease, reterr);             -ENOENT: nobody has made it yet
 *     lease_see(&seen, lease, clock_monotonic());               at every look
 *     if (lease_judge(&seen, "cp1", clock_monotonic()) != LEASE_HELD)
 *             r = lease_write(server, &name, lease, &claim, &written, reterr);
 *
 * No clock of another host is ever compared with ours: who holds a lease is dead when it has not
 * been changed for as long as it says, counted by our own monotonic clock from our first look. What
 * is written carries the version that was read, so that of two who write at once one is told.
 * Source: coordination.k8s.io/v1 of k8s.io/api, tools/leaderelection of k8s.io/client-go. */

#include "kube/api.h"

typedef struct LeaseName {
        const char *namespace_, *name;
} LeaseName;

typedef struct Lease {
        char *holder;     /* as the server says it, unescaped; "": nobody */
        int64_t duration; /* seconds; 0: it does not say */
        json_t *json;
} Lease;

void lease_free(Lease *lease);
DEFINE_AUTOPTR(Lease, lease_free)

/* -ENOENT if there is none (or no such namespace), -EBADMSG if what is answered is none; otherwise
 * as api_get(). */
int lease_get(const ApiServer *server, const LeaseName *name, Lease **ret, Error *reterr) MUST_USE;

/* Who wants it from now on, for how long. */
typedef struct LeaseClaim {
        const char *holder; /* NULL: nobody, it is given back */
        int64_t duration;   /* seconds; 0: for as long as he likes */
        int64_t now;        /* by the wall clock: for people who read it */
} LeaseClaim;

/* Makes it (before: NULL) or changes it. -EEXIST if somebody else has done so meanwhile: look
 * again; otherwise as api_write(). Where nobody has answered it may have been written all the same.
 */
int lease_write(const ApiServer *server, const LeaseName *name, const Lease *before,
        const LeaseClaim *claim, Lease **ret, Error *reterr) MUST_USE;

/* A lease as it was seen, and since when it is known to be so. */
typedef struct LeaseSeen {
        char *holder;     /* "": nobody */
        char *version;    /* of the object: another one with every change; "": nothing was seen */
        int64_t duration; /* seconds */
        int64_t since;    /* milliseconds of the monotonic clock */
} LeaseSeen;

void lease_seen_done(LeaseSeen *seen);

/* `since` stays while the lease is as it was. */
void lease_see(LeaseSeen *seen, const Lease *lease, int64_t now);

typedef enum LeaseVerdict {
        LEASE_FREE,
        LEASE_OURS, /* of this node: who else on it held it has ended, by our own lock */
        LEASE_DEAD, /* its holder has not said anything for longer than he said */
        LEASE_HELD,
} LeaseVerdict;

/* Holders are called "NODE/ANYTHING". One that does not say for how long is never dead: it is a
 * person's. Pure. */
LeaseVerdict lease_judge(const LeaseSeen *seen, const char *node, int64_t now);

/* So many milliseconds until the holder is dead, if it is never changed again; INT64_MAX: never. */
int64_t lease_wait(const LeaseSeen *seen, int64_t now);
