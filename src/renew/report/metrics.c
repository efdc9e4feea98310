/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/metrics.h"

#include "base/exposition.h"
#include "renew/report/series.h"

#include <config.h>

/* What the samples are made from. */
typedef struct Subject {
        const Rows *rows;
        const Series *series; /* of the certificates that could be read */
        size_t n_series;
        const Status *status; /* NULL: only the certificates are told */
} Subject;

typedef struct Family {
        const char *name, *help;
        void (*add)(Exposition *exposition, const Subject *subject);
} Family;

/* Certificates: x509-certificate-exporter */

static void add_not_before(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->n_series; i++)
                exposition_sample_text(
                        exposition, subject->series[i].labels, subject->series[i].row->not_before);
}

static void add_not_after(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->n_series; i++)
                exposition_sample_text(
                        exposition, subject->series[i].labels, subject->series[i].row->not_after);
}

static void add_expired(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->n_series; i++)
                exposition_sample_text(exposition, subject->series[i].labels,
                        subject->series[i].row->residual < 0);
}

static bool is_unread(const Row *row)
{
        return row->not_after == 0;
}

/* One file, one sample: a kubeconfig with one bad user among several is a bad file. */
static void add_error(Exposition *exposition, const Subject *subject)
{
        for (int error = 1; error >= 0; error--)
                for (size_t i = 0; i < subject->rows->n; i++) {
                        const Row *row = &subject->rows->rows[i];
                        const Label labels[] = {
                                {"filename", row->filename}, {"filepath", row->path}, {}};

                        if (is_unread(row) == error)
                                exposition_sample(exposition, labels, error);
                }
}

static void add_read_errors(Exposition *exposition, const Subject *subject)
{
        int64_t n = 0;

        for (size_t i = 0; i < subject->rows->n; i++)
                n += is_unread(&subject->rows->rows[i]);
        exposition_sample(exposition, &(Label){}, n);
}

/* Certificates: what only we know */

static void add_certificate_status(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->rows->n; i++)
                for (State state = 0; state < N_STATES; state++) {
                        const Row *row = &subject->rows->rows[i];
                        const Label labels[] = {
                                {"certificate", row->name}, {"status", state_name(state)}, {}};

                        exposition_sample(
                                exposition, labels, streq(row->status, state_name(state)));
                }
}

static void add_certificates(Exposition *exposition, const Subject *subject)
{
        for (State state = 0; state < N_STATES; state++) {
                int64_t n = 0;

                for (size_t i = 0; i < subject->rows->n; i++)
                        n += streq(subject->rows->rows[i].status, state_name(state));
                exposition_sample(exposition, (Label[]){{"status", state_name(state)}, {}}, n);
        }
}

static void add_renewal_time(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->rows->n; i++) {
                const Row *row = &subject->rows->rows[i];

                if (row->renewal_time)
                        exposition_sample(exposition, (Label[]){{"certificate", row->name}, {}},
                                row->renewal_time);
        }
}

/* The agent */

static void add_build_info(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, (Label[]){{"version", PACKAGE_VERSION}, {}}, 1);
}

static void add_last_run(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, &(Label){}, subject->status->last_run);
}

static void add_last_success(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, &(Label){}, subject->status->last_success);
}

/* Nothing will be due where nothing can be renewed: 0 would be overdue since 1970. */
static void add_next_due(Exposition *exposition, const Subject *subject)
{
        if (subject->status->next_due)
                exposition_sample(exposition, &(Label){}, subject->status->next_due);
}

static void add_valid_until(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, &(Label){}, subject->status->valid_until);
}

static void add_exit_status(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, &(Label){}, subject->status->exit_status);
}

static void add_restarts_owed(Exposition *exposition, const Subject *subject)
{
        exposition_sample(exposition, &(Label){}, (int64_t)subject->status->owed->n);
}

static void add_restart_owed_since(Exposition *exposition, const Subject *subject)
{
        for (size_t i = 0; i < subject->status->owed->n; i++) {
                const Owed *owed = &subject->status->owed->entries[i];

                exposition_sample(
                        exposition, (Label[]){{"component", owed->component}, {}}, owed->since);
        }
}

/* One sample, or none: whoever it is has the turn for a while. */
static void add_turn_holder(Exposition *exposition, const Subject *subject)
{
        if (subject->status->turn_holder)
                exposition_sample(
                        exposition, (Label[]){{"holder", subject->status->turn_holder}, {}}, 1);
}

static void add_alarm_list(Exposition *exposition, const AlarmList *list, const char *shelved)
{
        for (size_t i = 0; i < list->n; i++) {
                const Alarm *alarm = &list->alarms[i];
                const Label labels[] = {
                        {"type", alarm->type},
                        {"resource", alarm->resource},
                        {"severity", alarm_severity_name(alarm->severity)},
                        {"alarm_id", alarm->alarm_id},
                        {"shelved", shelved},
                        {},
                };

                exposition_sample(exposition, labels, 1);
        }
}

static void add_alarms(Exposition *exposition, const Subject *subject)
{
        add_alarm_list(exposition, subject->status->alarms, "false");
        add_alarm_list(exposition, subject->status->shelved, "true");
}

static const Family certificate_families[] = {
        {"x509_cert_expired", "1 if the certificate had expired.", add_expired},
        {"x509_cert_not_after", "Unix time of the certificate's notAfter.", add_not_after},
        {"x509_cert_not_before", "Unix time of the certificate's notBefore.", add_not_before},
        {"x509_cert_error", "1 if the file held no certificate that could be read.", add_error},
        {"x509_read_errors", "Certificates that could not be read.", add_read_errors},
        {"kube_renewd_certificate_status", "1 for the status that 'kube-renewd check' shows.",
                add_certificate_status},
        {"kube_renewd_certificates", "Certificates by status.", add_certificates},
        {"kube_renewd_certificate_renewal_timestamp_seconds",
                "Unix time at which a pass renews it; none if nobody does.", add_renewal_time},
};

static const Family agent_families[] = {
        {"kube_renewd_build_info", "Version of kube-renewd that wrote this.", add_build_info},
        {"kube_renewd_last_run_timestamp_seconds", "Unix time of the last pass.", add_last_run},
        {"kube_renewd_last_success_timestamp_seconds",
                "Unix time of the last pass that left nothing to do; 0 if there was none.",
                add_last_success},
        {"kube_renewd_next_due_timestamp_seconds",
                "Unix time at which the next certificate is due; none if none ever is.",
                add_next_due},
        {"kube_renewd_valid_until_timestamp_seconds",
                "Unix time after which all of this means nothing.", add_valid_until},
        {"kube_renewd_exit_status", "Exit status of the last pass: 0 done, 75 unfinished.",
                add_exit_status},
        {"kube_renewd_restarts_owed", "Components that are owed a restart.", add_restarts_owed},
        {"kube_renewd_restart_owed_since_timestamp_seconds",
                "Unix time since when the component is owed its restart; 0 if it is not known.",
                add_restart_owed_since},
        {"kube_renewd_turn_holder", "1 for the host that had the turn for which the pass waited.",
                add_turn_holder},
        {"kube_renewd_alarm", "1 for each active alarm.", add_alarms}, /* last: see metrics.h */
};

static void add_families(
        Exposition *exposition, const Subject *subject, const Family *families, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                exposition_family(exposition, families[i].name, families[i].help);
                families[i].add(exposition, subject);
        }
}

static char *metrics(const Rows *rows, const Status *status)
{
        Exposition *exposition = exposition_new();
        size_t n;
        Series *series = series_of_rows(rows, &n);
        const Subject subject = {rows, series, n, status};

        add_families(exposition, &subject, certificate_families, ELEMENTSOF(certificate_families));
        if (status)
                add_families(exposition, &subject, agent_families, ELEMENTSOF(agent_families));
        series_free(series, n);
        return exposition_end(exposition);
}

char *metrics_of_certificates(const Rows *rows)
{
        return metrics(rows, NULL);
}

char *metrics_of_status(const Status *status)
{
        return metrics(status->rows, status);
}
