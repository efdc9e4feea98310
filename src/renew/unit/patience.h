/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long things are waited for that no key of the configuration limits, in seconds.
 *
 *     attempt_wait(stage, attempt, PATIENCE_RELOAD);
 *
 * In one place because renew/unit/deadline.h adds them up: who waits for something else, or longer,
 * changes what the unit of the service must allow. */

#include "base/time-util.h"

/* What loads its files by itself gets the time for it. */
#define PATIENCE_RELOAD 90

/* The kubelet waits up to five minutes before it starts again what has ended over and over
 * (MaxContainerBackOff of k8s.io/kubernetes pkg/kubelet). */
#define PATIENCE_BACKOFF (5 * MINUTE + 30)

/* A kubelet that has just been started must be healthy, or half as old as this. */
#define PATIENCE_KEEPER MINUTE

/* The runtime itself, beside what it is told to wait. */
#define PATIENCE_RUNTIME 15

/* Every 20 seconds the kubelet looks for manifests that have gone (fileCheckFrequency); a pod that
 * has ended is seen at least so much later. */
#define PATIENCE_PARK_LEAST 25
#define PATIENCE_PARK_SLACK MINUTE

/* Members of etcd without a leader, and API servers that are not ready, may be well in a moment: by
 * default a member waits a second for its leader before it holds an election (--election-timeout).
 */
#define PATIENCE_ELECTION 15

/* What a pod gets to end by itself: longer ones are cut. terminationGracePeriodSeconds of a
 * manifest that says nothing is 30. */
#define PATIENCE_GRACE_MOST  (15 * MINUTE)
#define PATIENCE_GRACE_USUAL 30

/* The site is told of its alarms for so long; then none is begun. */
#define PATIENCE_TELLING (15 * MINUTE)
