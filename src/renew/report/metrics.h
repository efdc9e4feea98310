/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Prometheus is told: the certificates under the names and labels that
 * x509-certificate-exporter gives them, so that its dashboards and alerts work as they are, and
 * the agent under kube_renewd_*. Pure: no file, no clock.
 *
 *     text = metrics_of_certificates(rows);    `check --output=prometheus`
 *     text = metrics_of_status(status);        public/kube-renewd.prom: the same, and the rest
 *
 * All is of the time of the pass. A family without samples still has its HELP and TYPE; the last
 * one is always kube_renewd_alarm, so that a sample of it can be appended. Labels identify what
 * they are about and nothing else: a renewal changes serial_number, as with the exporter. */

#include "renew/report/status.h"

/* The caller frees. */
char *metrics_of_certificates(const Rows *rows);

/* The caller frees. */
char *metrics_of_status(const Status *status);
