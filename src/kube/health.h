/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is a component healthy? Asks what the kubelet would ask.
 *
 *     r = health_ask(&container->liveness, reterr);
 *
 * One question, one answer: how often to ask, and when to give up, is the caller's. Source:
 * k8s.io/kubernetes pkg/probe/http, pkg/probe/tcp. */

#include "kube/manifest.h"

/* 0 if it is: an HTTP status from 200 to 399, or a TCP connection. -ECONNREFUSED nobody listens,
 * -ETIMEDOUT no answer within probe->timeout, -EIO an answer that says that it is not, or none that
 * can be understood, -EOPNOTSUPP if only the kubelet can ask (PROBE_NONE, PROBE_OTHER). The
 * certificate of an https server is not verified, as the kubelet does not. */
int health_ask(const ManifestProbe *probe, Error *reterr) MUST_USE;
