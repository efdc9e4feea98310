/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/nagios.h"
#include "printed.h"

#define ROWS_MAX 1000

static PluginStatus last_status;

/* A host made by hand. */
typedef struct Host {
        Row rows[ROWS_MAX];
        PluginRow entries[ROWS_MAX];
        Range warning, critical;
        PluginReport report;
} Host;

static Host *host_make(void)
{
        Host *host = xcalloc(1, sizeof(*host));

        host->report = (PluginReport){
                .rows = host->entries, .warning = &host->warning, .critical = &host->critical};
        return host;
}

/* residual INT64_MIN: there is no certificate. */
static PluginRow *add(Host *host, const char *name, State state, int64_t residual)
{
        size_t i = host->report.n++;

        assert_true(i < ROWS_MAX);
        host->rows[i] = (Row){.name = (char *)name,
                .path = (char *)"/pki/x.crt",
                .status = (char *)state_name(state),
                .severity = state_severity(state)};
        if (residual != INT64_MIN) {
                host->rows[i].not_after = YEAR + residual;
                host->rows[i].residual = residual;
        }
        host->entries[i] =
                (PluginRow){.row = &host->rows[i], .status = (PluginStatus)state_severity(state)};
        return &host->entries[i];
}

static void print_report(const void *report)
{
        last_status = nagios_print(report);
}

static void assert_prints(Host *host, PluginStatus status, const char *expected)
{
        autofree char *text = printed(print_report, &host->report);

        assert_string_equal(text, expected);
        assert_int_equal(last_status, status);
        free(host);
}

static void test_all_is_well(void **state)
{
        Host *host = host_make();

        add(host, "apiserver", STATE_OK, 300 * DAY);
        add(host, "etcd-server", STATE_OK, 200 * DAY + 3 * HOUR);
        add(host, "ca", STATE_OK, 3000 * DAY);
        assert_prints(host, PLUGIN_OK,
                "KUBE-RENEWD OK - etcd-server expires in 200d 3h, the first of 3 certificates|"
                "'certificates'=3;;;0 'warning'=0;;;0 'critical'=0;;;0 'apiserver'=25920000s "
                "'etcd-server'=17290800s 'ca'=259200000s\n");
}

static void test_one_that_is_named(void **state)
{
        Host *host = host_make();

        add(host, "apiserver", STATE_OK, 300 * DAY);
        assert_prints(host, PLUGIN_OK,
                "KUBE-RENEWD OK - apiserver expires in 300d|'certificates'=1;;;0 "
                "'warning'=0;;;0 'critical'=0;;;0 'apiserver'=25920000s\n");
}

static void test_the_worst_is_first(void **state)
{
        Host *host = host_make();

        assert_int_equal(range_parse("15d:", &host->warning, NULL), 0);
        assert_int_equal(range_parse("3:", &host->critical, NULL), 0);
        add(host, "apiserver", STATE_EXPIRING, 9 * DAY);
        add(host, "admin.conf", STATE_OK, 300 * DAY);
        add(host, "etcd-peer", STATE_MISMATCH, 299 * DAY);
        host->rows[2].text = (char *)"the key does not belong";
        add(host, "etcd-server", STATE_EXPIRED, -DAY);
        host->rows[3].text = (char *)"expired 1d ago";
        add(host, "scheduler.conf", STATE_MISSING, INT64_MIN);
        assert_prints(host, PLUGIN_CRITICAL,
                "KUBE-RENEWD CRITICAL - scheduler.conf is MISSING, 4 of 5 certificates are not OK|"
                "'certificates'=5;;;0 'warning'=1;;;0 'critical'=3;;;0 "
                "'apiserver'=777600s;1296000:;259200: 'admin.conf'=25920000s;1296000:;259200: "
                "'etcd-peer'=25833600s;1296000:;259200: 'etcd-server'=-86400s;1296000:;259200:\n"
                "CRITICAL: scheduler.conf is MISSING (/pki/x.crt)\n"
                "CRITICAL: etcd-server expired 1d ago (/pki/x.crt)\n"
                "CRITICAL: etcd-peer is MISMATCH, expires in 299d (/pki/x.crt): the key does not "
                "belong\n"
                "WARNING: apiserver expires in 9d (/pki/x.crt)\n");
}

static void test_what_is_shelved_is_listed_and_does_not_count(void **state)
{
        Host *host = host_make();

        add(host, "ca", STATE_EXPIRING, 100 * DAY)->is_shelved = true;
        add(host, "apiserver", STATE_OK, 300 * DAY);
        assert_prints(host, PLUGIN_OK,
                "KUBE-RENEWD OK - apiserver expires in 300d, 1 shelved|'certificates'=2;;;0 "
                "'warning'=0;;;0 'critical'=0;;;0 'ca'=8640000s 'apiserver'=25920000s\n"
                "SHELVED: ca expires in 100d (/pki/x.crt)\n");

        host = host_make();
        add(host, "ca", STATE_EXPIRED, -DAY)->is_shelved = true;
        assert_prints(host, PLUGIN_OK,
                "KUBE-RENEWD OK - ca expired 1d ago, 1 shelved|'certificates'=1;;;0 "
                "'warning'=0;;;0 'critical'=0;;;0 'ca'=-86400s\n"
                "SHELVED: ca expired 1d ago (/pki/x.crt)\n");
}

static void test_notes_come_last(void **state)
{
        static char *notes[] = {(char *)"etcd: 'a|b' cannot be read", NULL};
        Host *host = host_make();

        add(host, "apiserver", STATE_OK, 300 * DAY);
        host->report.notes = notes;
        host->report.is_incomplete = true;
        assert_prints(host, PLUGIN_WARNING,
                "KUBE-RENEWD WARNING - not everything could be read, apiserver expires in 300d|"
                "'certificates'=1;;;0 'warning'=0;;;0 'critical'=0;;;0 'apiserver'=25920000s\n"
                "etcd: 'a!b' cannot be read\n");
}

/* Neither a line nor performance data can be forged by a name, a path or a reason. */
static void test_t07_hostile_names(void **state)
{
        static const char name[] = "x' 'y'=1s;|z\nOK - \033[2Jfine";
        Host *host = host_make();
        size_t n_lines = 0;

        add(host, name, STATE_UNTRUSTED, DAY);
        host->rows[0].path = host->rows[0].text = (char *)name;
        autofree char *text = printed(print_report, &host->report);
        for (const char *p = text; *p; p++) {
                n_lines += *p == '\n';
                assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
        }
        assert_int_equal(n_lines, 2);
        assert_ptr_equal(strchr(text, '|'), strrchr(text, '|'));
        assert_non_null(strstr(text, " 'x_ _y__1s,!z\\x0aOK - \\x1b[2Jfine'=86400s\n"));
        free(host);
}

/* Every piece of performance data is whole, and a core that reads so many bytes misses nothing. */
static void assert_fits(const char *text, size_t n_rows)
{
        const char *first_end = strchr(text, '\n');
        size_t n = 0;

        assert_true((size_t)(first_end - text) < NAGIOS_FIRST_LINE_MAX);
        assert_true(strlen(text) <= NAGIOS_OUTPUT_MAX);
        assert_int_equal(text[strlen(text) - 1], '\n');
        for (const char *p = strchr(text, '|'); p && p < first_end; p = strchr(p + 1, ' '))
                n++;
        assert_true(n > 3 && n - 1 <= n_rows + 3);
        assert_int_equal(first_end[-1], 's');
}

static void test_many_and_long_names_fit(void **state)
{
        static char names[ROWS_MAX][64];
        autofree char *endless = xcalloc(100001, 1);
        Host *host = host_make();

        memset(endless, 'x', 100000);
        add(host, endless, STATE_INVALID, DAY);
        host->rows[0].path = host->rows[0].text = endless;
        for (size_t i = 1; i < ROWS_MAX; i++) {
                snprintf(names[i], sizeof(names[i]), "certificate-%zu", i);
                add(host, names[i], i % 2 ? STATE_EXPIRED : STATE_EXPIRING, -(int64_t)i);
        }
        autofree char *text = printed(print_report, &host->report);
        assert_fits(text, ROWS_MAX);
        assert_true(starts_with(text, "KUBE-RENEWD CRITICAL - certificate-999 expired 16min 39s"));
        assert_non_null(strstr(text, "\nCRITICAL: certificate-997 expired"));
        assert_non_null(strstr(text, "\nand "));
        assert_non_null(strstr(text, "\nno room for the performance data of "));
        free(host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_is_well),
                cmocka_unit_test(test_one_that_is_named),
                cmocka_unit_test(test_the_worst_is_first),
                cmocka_unit_test(test_what_is_shelved_is_listed_and_does_not_count),
                cmocka_unit_test(test_notes_come_last),
                cmocka_unit_test(test_t07_hostile_names),
                cmocka_unit_test(test_many_and_long_names_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
