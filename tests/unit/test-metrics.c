/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/report/metrics.h"

#include <config.h>

#define STATUS_SERIES_OF(name, present)                                                            \
        "kube_renewd_certificate_status{certificate=\"" name "\",status=\"" present "\"} 1\n"

static Row leaf(const char *name, const char *status, int64_t residual)
{
        bool is_read = !streq(status, "INVALID") && !streq(status, "MISSING");

        return (Row){.name = (char *)name,
                .kind = (char *)"certificate",
                .path = (char *)"/pki/apiserver.crt",
                .filename = (char *)"apiserver.crt",
                .subject_dn = is_read ? (char *)"CN=kube-apiserver" : NULL,
                .issuer_dn = is_read ? (char *)"CN=kubernetes" : NULL,
                .serial = is_read ? (char *)"0A" : NULL,
                .sha256 = is_read ? (char *)"00ff" : NULL,
                .not_before = is_read ? 1000 : 0,
                .not_after = is_read ? 2000000000 + residual : 0,
                .residual = is_read ? residual : 0,
                .renewal_time = is_read ? 1990000000 : 0,
                .status = (char *)status,
                .due_reason = (char *)""};
}

/* A host of one certificate that expires, one alarm and one restart that is owed. */
typedef struct Sample {
        Row rows[4];
        Rows all;
        Alarm alarm, shelved_alarm;
        AlarmList alarms, shelved;
        Owed entry;
        OwedList owed;
        Status status;
} Sample;

static const Status *sample_status(Sample *sample)
{
        sample->rows[0] = leaf("apiserver", "EXPIRING", DAY);
        sample->all = (Rows){sample->rows, 1};
        sample->alarm = (Alarm){.type = (char *)"restart-owed",
                .resource = (char *)"etcd",
                .alarm_id = (char *)"250.003",
                .severity = ALARM_MAJOR};
        sample->shelved_alarm = (Alarm){.type = (char *)"ca-expiring",
                .resource = (char *)"ca",
                .alarm_id = (char *)"",
                .severity = ALARM_WARNING};
        sample->alarms = (AlarmList){.alarms = &sample->alarm, .n = 1};
        sample->shelved = (AlarmList){.alarms = &sample->shelved_alarm, .n = 1};
        sample->entry = (Owed){.component = (char *)"etcd", .since = 1999990000};
        sample->owed = (OwedList){.entries = &sample->entry, .n = 1};
        sample->status = (Status){.generation = 3,
                .last_run = 2000000000,
                .last_success = 1999900000,
                .next_due = 2000001000,
                .valid_until = 2000200000,
                .exit_status = 75,
                .turn_holder = (char *)"cp-2",
                .rows = &sample->all,
                .alarms = &sample->alarms,
                .shelved = &sample->shelved,
                .owed = &sample->owed};
        return &sample->status;
}

#define LABELS                                                                                     \
        "{filename=\"apiserver.crt\",filepath=\"/pki/apiserver.crt\",issuer_CN=\"kubernetes\","    \
        "serial_number=\"10\",subject_CN=\"kube-apiserver\"}"
#define STATUS(name, value)                                                                        \
        "kube_renewd_certificate_status{certificate=\"apiserver\",status=\"" name "\"} " value "\n"
#define COUNT(name, value) "kube_renewd_certificates{status=\"" name "\"} " value "\n"
#define HEAD(name, help)   "# HELP " name " " help "\n# TYPE " name " gauge\n"

/* clang-format off */
static const char golden_certificates[] =
        HEAD("x509_cert_expired", "1 if the certificate had expired.")
        "x509_cert_expired" LABELS " 0\n"
        HEAD("x509_cert_not_after", "Unix time of the certificate's notAfter.")
        "x509_cert_not_after" LABELS " 2000086400\n"
        HEAD("x509_cert_not_before", "Unix time of the certificate's notBefore.")
        "x509_cert_not_before" LABELS " 1000\n"
        HEAD("x509_cert_error", "1 if the file held no certificate that could be read.")
        "x509_cert_error{filename=\"apiserver.crt\",filepath=\"/pki/apiserver.crt\"} 0\n"
        HEAD("x509_read_errors", "Certificates that could not be read.")
        "x509_read_errors 0\n"
        HEAD("kube_renewd_certificate_status", "1 for the status that 'kube-renewd check' shows.")
        STATUS("DRIFTED", "0") STATUS("EXPIRED", "0") STATUS("EXPIRING", "1")
        STATUS("INVALID", "0") STATUS("MISMATCH", "0") STATUS("MISSING", "0")
        STATUS("NOT LOADED", "0") STATUS("NOT YET VALID", "0") STATUS("OK", "0")
        STATUS("UNTRUSTED", "0")
        HEAD("kube_renewd_certificates", "Certificates by status.")
        COUNT("DRIFTED", "0") COUNT("EXPIRED", "0") COUNT("EXPIRING", "1")
        COUNT("INVALID", "0") COUNT("MISMATCH", "0") COUNT("MISSING", "0")
        COUNT("NOT LOADED", "0") COUNT("NOT YET VALID", "0") COUNT("OK", "0")
        COUNT("UNTRUSTED", "0")
        HEAD("kube_renewd_certificate_renewal_timestamp_seconds",
                "Unix time at which a pass renews it; none if nobody does.")
        "kube_renewd_certificate_renewal_timestamp_seconds{certificate=\"apiserver\"} 1990000000\n";

static const char golden_agent[] =
        HEAD("kube_renewd_build_info", "Version of kube-renewd that wrote this.")
        "kube_renewd_build_info{version=\"" PACKAGE_VERSION "\"} 1\n"
        HEAD("kube_renewd_last_run_timestamp_seconds", "Unix time of the last pass.")
        "kube_renewd_last_run_timestamp_seconds 2000000000\n"
        HEAD("kube_renewd_last_success_timestamp_seconds",
                "Unix time of the last pass that left nothing to do; 0 if there was none.")
        "kube_renewd_last_success_timestamp_seconds 1999900000\n"
        HEAD("kube_renewd_next_due_timestamp_seconds",
                "Unix time at which the next certificate is due; none if none ever is.")
        "kube_renewd_next_due_timestamp_seconds 2000001000\n"
        HEAD("kube_renewd_valid_until_timestamp_seconds",
                "Unix time after which all of this means nothing.")
        "kube_renewd_valid_until_timestamp_seconds 2000200000\n"
        HEAD("kube_renewd_exit_status", "Exit status of the last pass: 0 done, 75 unfinished.")
        "kube_renewd_exit_status 75\n"
        HEAD("kube_renewd_restarts_owed", "Components that are owed a restart.")
        "kube_renewd_restarts_owed 1\n"
        HEAD("kube_renewd_restart_owed_since_timestamp_seconds",
                "Unix time since when the component is owed its restart; 0 if it is not known.")
        "kube_renewd_restart_owed_since_timestamp_seconds{component=\"etcd\"} 1999990000\n"
        HEAD("kube_renewd_turn_holder", "1 for the host that had the turn for which the pass waited.")
        "kube_renewd_turn_holder{holder=\"cp-2\"} 1\n"
        HEAD("kube_renewd_alarm", "1 for each active alarm.")
        "kube_renewd_alarm{type=\"ca-expiring\",resource=\"ca\",severity=\"warning\","
        "shelved=\"true\"} 1\n"
        "kube_renewd_alarm{type=\"restart-owed\",resource=\"etcd\",severity=\"major\","
        "alarm_id=\"250.003\",shelved=\"false\"} 1\n";
/* clang-format on */

static void test_golden_text(void **state)
{
        Sample sample;
        const Status *status = sample_status(&sample);
        autofree char *certificates = metrics_of_certificates(status->rows);
        autofree char *all = metrics_of_status(status);
        autofree char *expected = xasprintf("%s%s", golden_certificates, golden_agent);

        assert_string_equal(certificates, golden_certificates);
        assert_string_equal(all, expected);
}

static void assert_has(const char *text, const char *line)
{
        if (!strstr(text, line))
                fail_msg("'%s' is missing in:\n%s", line, text);
}

static void assert_lacks(const char *text, const char *part)
{
        if (strstr(text, part))
                fail_msg("'%s' is in:\n%s", part, text);
}

static void test_t23_valid_expiring_invalid(void **state)
{
        Row rows[] = {
                leaf("apiserver", "OK", 2 * DAY),
                leaf("etcd-server", "EXPIRING", 30 * MINUTE),
                leaf("etcd-peer", "INVALID", 0),
        };
        autofree char *text = metrics_of_certificates(&(Rows){rows, ELEMENTSOF(rows)});

        assert_has(text, STATUS_SERIES_OF("apiserver", "OK"));
        assert_has(text, STATUS_SERIES_OF("etcd-server", "EXPIRING"));
        assert_has(text, STATUS_SERIES_OF("etcd-peer", "INVALID"));
        assert_has(text, COUNT("OK", "1"));
        assert_has(text, COUNT("EXPIRING", "1"));
        assert_has(text, COUNT("INVALID", "1"));
        assert_has(text, "\nx509_read_errors 1\n");
        assert_has(text, "x509_cert_error{filename=\"apiserver.crt\","
                         "filepath=\"/pki/apiserver.crt\"} 1\n");
}

static void test_expired_is_said_and_the_last_second_counts(void **state)
{
        static const struct {
                int64_t residual;
                const char *line;
        } table[] = {
                {1, "x509_cert_expired" LABELS " 0\n"},
                {0, "x509_cert_expired" LABELS " 0\n"},
                {-1, "x509_cert_expired" LABELS " 1\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Row row = leaf("apiserver", "OK", table[i].residual);
                autofree char *text = metrics_of_certificates(&(Rows){&row, 1});

                assert_has(text, table[i].line);
        }
}

/* A family that nothing is said of is there, and no time is 1970 but one that never was. */
static void test_a_host_without_anything(void **state)
{
        const Status status = {.last_run = 2000000000,
                .rows = &(Rows){},
                .alarms = &(AlarmList){},
                .shelved = &(AlarmList){},
                .owed = &(OwedList){}};
        autofree char *text = metrics_of_status(&status);

        assert_lacks(text, "\nkube_renewd_next_due_timestamp_seconds ");
        assert_has(text, "\nkube_renewd_last_success_timestamp_seconds 0\n");
        assert_has(text, "\nkube_renewd_valid_until_timestamp_seconds 0\n");
        assert_has(text, "\nkube_renewd_restarts_owed 0\n");
        assert_has(text, "\nx509_read_errors 0\n");
        assert_has(text, "# TYPE x509_cert_not_after gauge\n# HELP");
        assert_string_equal(text + strlen(text) - strlen("# TYPE kube_renewd_alarm gauge\n"),
                "# TYPE kube_renewd_alarm gauge\n");
}

static void test_order_of_rows_does_not_matter(void **state)
{
        Row rows[] = {leaf("b", "OK", DAY), leaf("a", "EXPIRED", -1), leaf("c", "MISSING", 0)};
        autofree char *one = NULL, *other = NULL;

        rows[0].path = (char *)"/pki/b.crt";
        one = metrics_of_certificates(&(Rows){rows, 3});
        const Row first = rows[0];
        rows[0] = rows[2];
        rows[2] = first;
        other = metrics_of_certificates(&(Rows){rows, 3});
        assert_string_equal(one, other);
}

/* Of what follows "{", up to the "}" that no quote hides; NULL if it is not well-formed. */
static const char *skip_labels(const char *p)
{
        for (;;) {
                p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
                if (*p++ != '=' || *p++ != '"')
                        return NULL;
                for (; *p && *p != '"'; p++)
                        if (*p == '\n' || (*p == '\\' && !strchr("\\\"n", *++p)))
                                return NULL;
                if (*p++ != '"')
                        return NULL;
                if (*p == '}')
                        return p + 1;
                if (*p++ != ',')
                        return NULL;
        }
}

static void assert_well_formed(const char *text)
{
        for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
                if (starts_with(p, "# HELP ") || starts_with(p, "# TYPE "))
                        continue;
                const char *q = p + strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789");
                assert_true(q > p);
                if (*q == '{')
                        q = skip_labels(q + 1);
                if (!q || *q != ' ' || q[1 + strspn(q + 1, "0123456789-")] != '\n')
                        fail_msg("bad line: %.200s", p);
        }
}

static void test_hostile_text_stays_in_its_label(void **state)
{
        static const char *const texts[] = {
                "a\"} 1\nx509_read_errors 7\n",
                "back\\slash\\",
                "\xff\xfe\xc2\x9b\x1b[2J",
                "# HELP x509_read_errors",
                "\"",
                "{},=",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                char *hostile = (char *)texts[i];
                autofree char *dn = xasprintf("CN=%s,O=%s", hostile, hostile);
                Sample sample;
                const Status *status = sample_status(&sample);
                Row *row = &sample.rows[0];

                row->name = row->path = row->filename = row->serial = hostile;
                row->embedded_key = row->embedded_kind = hostile;
                row->subject_dn = row->issuer_dn = dn;
                sample.entry.component = hostile;
                sample.alarm.type = sample.alarm.resource = sample.alarm.alarm_id = hostile;
                autofree char *text = metrics_of_status(status);
                assert_well_formed(text);
                assert_lacks(text, "\nx509_read_errors 7");
                assert_lacks(text, "\xff");
                assert_lacks(text, "\x1b");
        }
}

/* Whatever two rows have in common, no sample is there twice. */
static void test_no_sample_twice(void **state)
{
        Row rows[] = {leaf("apiserver", "OK", DAY), leaf("apiserver", "EXPIRED", -DAY),
                leaf("apiserver", "INVALID", 0)};
        autofree char *text = metrics_of_certificates(&(Rows){rows, ELEMENTSOF(rows)});

        assert_well_formed(text);
        for (const char *p = text, *end; *p; p = end + 1) {
                end = strchr(p, '\n');
                size_t length = (size_t)((const char *)memrchr(p, ' ', (size_t)(end - p)) - p) + 1;

                for (const char *q = end + 1; *q && *p != '#'; q = strchr(q, '\n') + 1)
                        if (strncmp(p, q, length) == 0)
                                fail_msg("twice: %.*s", (int)length, p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden_text),
                cmocka_unit_test(test_t23_valid_expiring_invalid),
                cmocka_unit_test(test_expired_is_said_and_the_last_second_counts),
                cmocka_unit_test(test_a_host_without_anything),
                cmocka_unit_test(test_order_of_rows_does_not_matter),
                cmocka_unit_test(test_hostile_text_stays_in_its_label),
                cmocka_unit_test(test_no_sample_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
