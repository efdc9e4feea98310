/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "verdict.h"

static void test_t01_healthy(void **state)
{
        autoptr(Sample) sample = sample_new();
        const Verdict *verdict = judge(sample, LEAF);

        assert_verdict(verdict, STATE_OK, DUE_NOT);
        assert_int_equal(verdict->residual, YEAR / 2);
        assert_int_equal(verdict->due_at, sample->cert.not_after - 15 * DAY + 1);
        assert_false(verdict->external);
        assert_verdict(judge(sample, CA), STATE_OK, DUE_NOT);
        assert_int_equal(sample->assessment->verdicts[CA].due_at, 0);
        assert_int_equal(sample->assessment->n_due, 0);
}

/* Residual time against the threshold: strictly less than. */
static void test_t08_threshold(void **state)
{
        static const struct {
                int64_t residual;
                State state;
                DueReason reason;
        } table[] = {
                {15 * DAY + 1, STATE_OK, DUE_NOT},
                {15 * DAY, STATE_OK, DUE_NOT},
                {15 * DAY - 1, STATE_EXPIRING, DUE_EXPIRING},
                {0, STATE_EXPIRING, DUE_EXPIRING},
                {-1, STATE_EXPIRED, DUE_EXPIRED},
                {-DAY, STATE_EXPIRED, DUE_EXPIRED},
                {YEAR, STATE_OK, DUE_NOT},
        };
        autoptr(Sample) sample = sample_new();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                sample->cert.not_after = NOW + table[i].residual;
                assert_verdict(judge(sample, LEAF), table[i].state, table[i].reason);
                assert_int_equal(sample->assessment->verdicts[LEAF].residual, table[i].residual);
        }
}

static void test_t03_expired(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->cert.not_after = NOW - 3 * DAY;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_EXPIRED);
        assert_string_equal(sample->assessment->verdicts[LEAF].text, "expired 3d ago");
        assert_int_equal(sample->assessment->n_due, 1);
}

static void test_due_text_names_the_setting(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->cert.not_after = NOW + 9 * DAY;
        assert_text(judge(sample, LEAF), "expires in 9d, inside RenewBefore=15d");
        sample->entry.policy.renew_before = YEAR;
        sample->cert.not_before = NOW - 81 * DAY;
        assert_text(judge(sample, LEAF), "inside the last third of its lifetime (30d)");
        sample->entry.policy.renew_at = 80;
        assert_text(judge(sample, LEAF), "past RenewAt=80%");
}

/* 48 hours left, and 30 minutes, under a threshold of 24 hours. */
static void test_t23_hours(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->entry.policy.renew_before = DAY;
        sample->cert.not_after = NOW + 48 * HOUR;
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        sample->cert.not_after = NOW + 30 * MINUTE;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRING, DUE_EXPIRING);
        sample->items[LEAF].cert = NULL;
        sample->items[LEAF].error = -EBADMSG;
        sample->items[LEAF].problem = "it is garbage";
        assert_verdict(judge(sample, LEAF), STATE_INVALID, DUE_NOT);
}

static void test_t37_short_lifetimes(void **state)
{
        static const struct {
                int64_t lifetime, renew_before;
                unsigned renew_at;
                int64_t span;
        } table[] = {
                {YEAR, 15 * DAY, 0, 15 * DAY},
                {45 * DAY, 15 * DAY, 0, 15 * DAY},
                {30 * DAY, 15 * DAY, 0, 10 * DAY},
                {10 * DAY, 15 * DAY, 0, 10 * DAY / 3},
                {60, 15 * DAY, 0, 20},
                {60 + 300, 15 * DAY, 0, 30}, /* issued for 60 s, back-dated by five minutes */
                {0, 15 * DAY, 0, 0},
                {YEAR, 15 * DAY, 80, 73 * DAY},
                {100, 15 * DAY, 80, 20},
                {60, 15 * DAY, 90, 6},
                {60 + 300, 15 * DAY, 80, 30},
                {300, 15 * DAY, 80, 60},
                {HOUR + 300, 15 * DAY, 1, HOUR / 2},
                {YEAR, 15 * DAY, 1, YEAR / 100 * 99},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Policy policy = {
                        .renew_before = table[i].renew_before, .renew_at = table[i].renew_at};
                Cert cert = {.not_before = NOW, .not_after = NOW + table[i].lifetime};

                assert_int_equal(due_span(&policy, &cert), table[i].span);
        }
}

/* What was issued for a minute must not be due in the same pass. */
static void test_t37_fresh_is_not_due(void **state)
{
        static const int64_t validities[] = {60, 120, 600, HOUR, DAY, 10 * DAY, 44 * DAY};
        autoptr(Sample) sample = sample_new();

        for (size_t i = 0; i < ELEMENTSOF(validities); i++) {
                sample->cert.not_before = NOW - 5 * MINUTE;
                sample->cert.not_after = NOW + validities[i];
                sample->entry.policy.renew_at = 0;
                assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
                for (unsigned at = 1; at < 100; at++) {
                        sample->entry.policy.renew_at = at;
                        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
                }
        }
}

static void test_due_at_is_the_first_due_second(void **state)
{
        autoptr(Sample) sample = sample_new();
        int64_t due_at = judge(sample, LEAF)->due_at;
        Assessment *before = assess(&sample->inventory, &sample->config, NULL, due_at - 1);
        Assessment *after = assess(&sample->inventory, &sample->config, NULL, due_at);

        assert_int_equal(before->n_due, 0);
        assert_int_equal(after->n_due, 1);
        assessment_free(before);
        assessment_free(after);
}

/* A CA near its end, or past it, is an alarm of its own and touches no leaf. */
static void test_t04_ca(void **state)
{
        static const struct {
                int64_t residual;
                State state;
        } table[] = {
                {180 * DAY, STATE_OK},
                {180 * DAY - 1, STATE_EXPIRING},
                {DAY, STATE_EXPIRING},
                {-1, STATE_EXPIRED},
        };
        autoptr(Sample) sample = sample_new();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                sample->ca_cert.not_after = NOW + table[i].residual;
                assert_verdict(judge(sample, CA), table[i].state, DUE_NOT);
                assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        }
        sample->ca_cert.not_after = NOW + DAY;
        assert_text(judge(sample, CA), "expires in 1d, inside CAExpiringBefore=180d");
        sample->cert.is_ca = true; /* as `openssl req -x509` makes a server's */
        sample->cert.not_after = NOW + 100 * DAY;
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
}

static void test_t09_not_yet_valid(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->cert.not_before = NOW + 1;
        assert_verdict(judge(sample, LEAF), STATE_NOT_YET_VALID, DUE_NOT);
        sample->cert.not_before = NOW;
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        sample->ca_cert.not_before = NOW + 2 * HOUR;
        assert_verdict(judge(sample, CA), STATE_NOT_YET_VALID, DUE_NOT);
        assert_text(&sample->assessment->verdicts[CA], "becomes valid in 2h");
}

/* Short enough that the whole of it lies inside the threshold: still not due before it begins. */
static void test_t09_not_yet_valid_is_never_due(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->cert.not_before = NOW + HOUR;
        sample->cert.not_after = NOW + 30 * DAY;
        sample->entry.policy.renew_at = 1;
        assert_verdict(judge(sample, LEAF), STATE_NOT_YET_VALID, DUE_NOT);
}

static void test_t05_missing(void **state)
{
        autoptr(Sample) sample = sample_new();

        leaf_set_absent(sample, -ENOENT);
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_NOT);
        assert_verdict(&sample->assessment->verdicts[CA], STATE_OK, DUE_NOT);
        sample->entry.policy.recreate_missing = true;
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_MISSING);
        assert_int_equal(sample->assessment->verdicts[LEAF].due_at, NOW);
        assert_int_equal(sample->assessment->verdicts[LEAF].residual, 0);
        sample->entry.identity.common_name = NULL;
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_NOT);
}

/* Re-created only where this host can and may. */
static void test_t05_missing_elsewhere(void **state)
{
        autoptr(Sample) sample = sample_new();
        Kubeconfig kubeconfig = {};

        leaf_set_absent(sample, -ENOENT);
        sample->entry.policy.recreate_missing = true;
        sample->entry.watch = true;
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_NOT);
        sample->entry.watch = false;
        sample->items[LEAF].kubeconfig = &kubeconfig;
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_NOT);
        sample->items[LEAF].kubeconfig = NULL;
        ca_set_external(sample);
        assert_verdict(judge(sample, LEAF), STATE_MISSING, DUE_NOT);
        assert_true(sample->assessment->verdicts[LEAF].external);
}

/* "Cannot read" is never "expired" (failure mode 13). */
static void test_unreadable_is_never_due(void **state)
{
        static const int errors[] = {-EACCES, -EISDIR, -EBADMSG, -EFBIG, -EIO, -ENODATA, -ELOOP};
        autoptr(Sample) sample = sample_new();

        sample->entry.policy.recreate_missing = true;
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                leaf_set_absent(sample, errors[i]);
                assert_verdict(judge(sample, LEAF), STATE_INVALID, DUE_NOT);
        }
}

static void test_watched_is_never_due(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->entry.watch = true;
        sample->cert.not_after = NOW - 1;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_NOT);
        assert_int_equal(sample->assessment->verdicts[LEAF].due_at, 0);
}

static void test_shared_file_is_due_once(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->cert.not_after = NOW - 1;
        sample->items[LEAF].renewed_as = "apiserver-kubelet-client";
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_NOT);
        assert_text(&sample->assessment->verdicts[LEAF], "renewed as 'apiserver-kubelet-client'");
}

static void test_t25_configured_sans(void **state)
{
        char *present[] = {"DNS:kubernetes.default", "DNS:CP-1", "IP:192.0.2.10", "DNS:cp-1", NULL};
        char *absent[] = {"DNS:lb.example", "DNS:cp-1", "IP:192.0.2.11", NULL};
        autoptr(Sample) sample = sample_new();
        const Verdict *verdict;

        sample->entry.policy.extra_sans = present;
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        sample->entry.policy.extra_sans = absent;
        verdict = judge(sample, LEAF);
        assert_verdict(verdict, STATE_DRIFTED, DUE_MISSING_SAN);
        assert_string_equal(verdict->missing_sans[0], "DNS:lb.example");
        assert_string_equal(verdict->missing_sans[1], "IP:192.0.2.11");
        assert_null(verdict->missing_sans[2]);
        assert_text(verdict, "DNS:lb.example");
        assert_text(verdict, "IP:192.0.2.11");
}

static void test_t14_stale_ca_data(void **state)
{
        autoptr(Sample) sample = sample_new();
        Item *item = &sample->items[LEAF];

        item->kind = ITEM_KUBECONFIG;
        item->embedded = true;
        item->ca_data_stale = true;
        assert_verdict(judge(sample, LEAF), STATE_DRIFTED, DUE_NOT);
        assert_true(sample->assessment->verdicts[LEAF].repair_ca_data);

        /* A file that the kubeconfig names is not ours to write; nor is what is only watched. */
        item->ca_data_path = "/etc/other/ca.crt";
        assert_verdict(judge(sample, LEAF), STATE_DRIFTED, DUE_NOT);
        assert_false(sample->assessment->verdicts[LEAF].repair_ca_data);
        assert_text(&sample->assessment->verdicts[LEAF], "/etc/other/ca.crt");
        item->ca_data_path = NULL;
        item->embedded =
                false; /* its user has files: the CA data is the kubeconfig's all the same */
        assert_true(judge(sample, LEAF)->repair_ca_data);
        sample->entry.watch = true;
        assert_verdict(judge(sample, LEAF), STATE_DRIFTED, DUE_NOT);
        assert_false(sample->assessment->verdicts[LEAF].repair_ca_data);
}

/* Every fault that is there shows, the gravest first (failure mode 27). */
static void test_no_reason_is_lost(void **state)
{
        char *absent[] = {"DNS:lb.example", NULL};
        autoptr(Sample) sample = sample_new();
        const Verdict *verdict;

        sample->entry.policy.extra_sans = absent;
        sample->items[LEAF].key_matches = false;
        leaf_set_distrusted(sample);
        sample->cert.not_after = NOW + DAY;
        verdict = judge(sample, LEAF);
        assert_verdict(verdict, STATE_MISMATCH, DUE_NOT);
        assert_string_equal(verdict->text,
                "the key in '/pki/apiserver.key' does not belong to it; it was signed by no "
                "certificate in '/pki/ca.crt'; expires in 1d, inside RenewBefore=15d; lacks the "
                "configured DNS:lb.example");
}

static void test_precedence(void **state)
{
        char *absent[] = {"DNS:lb.example", NULL};
        autoptr(Sample) sample = sample_new();

        /* From the least to the gravest: each hides the ones before it. */
        sample->entry.policy.extra_sans = absent;
        assert_int_equal(judge(sample, LEAF)->state, STATE_DRIFTED);
        sample->cert.not_after = NOW + DAY;
        assert_int_equal(judge(sample, LEAF)->state, STATE_EXPIRING);
        leaf_set_distrusted(sample);
        assert_int_equal(judge(sample, LEAF)->state, STATE_UNTRUSTED);
        sample->cert.not_before = NOW + HOUR;
        assert_int_equal(judge(sample, LEAF)->state, STATE_NOT_YET_VALID);
        sample->cert.not_after = NOW - 1;
        assert_int_equal(judge(sample, LEAF)->state, STATE_EXPIRED);
        sample->items[LEAF].key_matches = false;
        assert_int_equal(judge(sample, LEAF)->state, STATE_MISMATCH);
        leaf_set_absent(sample, -EBADMSG);
        assert_int_equal(judge(sample, LEAF)->state, STATE_INVALID);
}

static void test_names_and_severities(void **state)
{
        static const struct {
                State state;
                const char *name;
                int severity;
        } table[] = {
                {STATE_OK, "OK", 0},
                {STATE_EXPIRING, "EXPIRING", 1},
                {STATE_EXPIRED, "EXPIRED", 2},
                {STATE_NOT_YET_VALID, "NOT YET VALID", 2},
                {STATE_MISSING, "MISSING", 2},
                {STATE_INVALID, "INVALID", 2},
                {STATE_MISMATCH, "MISMATCH", 2},
                {STATE_UNTRUSTED, "UNTRUSTED", 2},
                {STATE_DRIFTED, "DRIFTED", 1},
                {STATE_NOT_LOADED, "NOT LOADED", 2},
        };

        assert_int_equal(ELEMENTSOF(table), N_STATES);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_string_equal(state_name(table[i].state), table[i].name);
                assert_int_equal(state_severity(table[i].state), table[i].severity);
        }
        for (DueReason reason = DUE_NOT; reason <= DUE_REQUESTED; reason++)
                assert_non_null(due_reason_name(reason));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t01_healthy),
                cmocka_unit_test(test_t08_threshold),
                cmocka_unit_test(test_t03_expired),
                cmocka_unit_test(test_due_text_names_the_setting),
                cmocka_unit_test(test_t23_hours),
                cmocka_unit_test(test_t37_short_lifetimes),
                cmocka_unit_test(test_t37_fresh_is_not_due),
                cmocka_unit_test(test_due_at_is_the_first_due_second),
                cmocka_unit_test(test_t04_ca),
                cmocka_unit_test(test_t09_not_yet_valid),
                cmocka_unit_test(test_t09_not_yet_valid_is_never_due),
                cmocka_unit_test(test_t05_missing),
                cmocka_unit_test(test_t05_missing_elsewhere),
                cmocka_unit_test(test_unreadable_is_never_due),
                cmocka_unit_test(test_watched_is_never_due),
                cmocka_unit_test(test_shared_file_is_due_once),
                cmocka_unit_test(test_t25_configured_sans),
                cmocka_unit_test(test_t14_stale_ca_data),
                cmocka_unit_test(test_no_reason_is_lost),
                cmocka_unit_test(test_precedence),
                cmocka_unit_test(test_names_and_severities),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
