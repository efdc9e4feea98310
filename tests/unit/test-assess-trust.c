/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "verdict.h"

/* Without the CA's certificate nobody can tell who signed: no leaf is called distrusted or
 * external, what is due stays due, and the pass that cannot sign it fails. */
static void test_t06_ca_certificate_missing(void **state)
{
        autoptr(Sample) sample = sample_new();

        leaf_set_distrusted(sample);
        sample->ca.bundle = NULL;
        sample->ca.ca = NULL;
        sample->ca.signer = NULL;
        sample->ca.error = -ENOENT;
        sample->ca.key_error = -ENODATA;
        sample->items[CA].cert = NULL;
        sample->items[CA].error = -ENOENT;
        sample->items[CA].problem = "'/pki/ca.crt' is missing";
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        assert_verdict(&sample->assessment->verdicts[CA], STATE_MISSING, DUE_NOT);
        sample->cert.not_after = NOW + DAY;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRING, DUE_EXPIRING);
        assert_false(sample->assessment->verdicts[LEAF].external);
}

static void test_t10_external(void **state)
{
        autoptr(Sample) sample = sample_new();

        ca_set_external(sample);
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        assert_true(sample->assessment->verdicts[LEAF].external);
        assert_int_equal(sample->assessment->verdicts[LEAF].due_at, 0);
        assert_verdict(&sample->assessment->verdicts[CA], STATE_OK, DUE_NOT);
        assert_true(sample->assessment->verdicts[CA].external);
        sample->cert.not_after = NOW + DAY;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRING, DUE_NOT);
        sample->cert.not_after = NOW - DAY;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_NOT);
        assert_text(&sample->assessment->verdicts[LEAF], "the key of its CA is not on this host");
}

static void test_t10_unreadable_key_is_not_external(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->ca.ca = NULL;
        sample->ca.key_error = -EBADMSG;
        sample->ca.key_problem = "'/pki/ca.key': no key";
        sample->cert.not_after = NOW + DAY;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRING, DUE_EXPIRING);
        assert_false(sample->assessment->verdicts[LEAF].external);
        assert_verdict(judge(sample, CA), STATE_INVALID, DUE_NOT);
}

/* A split server CA that can sign: it will, and the layout's CA need not be here. */
static void test_t13_signed_by_another_ca_of_ours(void **state)
{
        autoptr(Sample) sample = sample_new();
        InventoryCa expected = sample->ca;

        expected.ca = NULL;
        expected.key_error = -ENOENT;
        sample->items[LEAF].expected_ca = &expected;
        sample->cert.not_after = NOW - 1;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_EXPIRED);
        assert_false(sample->assessment->verdicts[LEAF].external);
}

/* The issuer has our CA's name and another key: somebody swapped the CA file. */
static void test_swapped_ca_is_no_reason_to_renew(void **state)
{
        autoptr(Sample) sample = sample_new();

        leaf_set_distrusted(sample);
        assert_verdict(judge(sample, LEAF), STATE_UNTRUSTED, DUE_NOT);
        assert_false(sample->assessment->verdicts[LEAF].external);
        sample->cert.not_after = NOW + DAY;
        assert_verdict(judge(sample, LEAF), STATE_UNTRUSTED, DUE_NOT);
        sample->cert.not_after = NOW - 1;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_EXPIRED);
}

/* Where others may write, only what our CA has signed, with its key beside it, is signed again. */
static void test_unproven_identity_is_not_due(void **state)
{
        static char others[] = "'/pki' can be written by others";
        static const struct {
                char *others;
                bool is_signed, has_key;
                DueReason reason; /* of one that has expired */
        } table[] = {
                {NULL, true, true, DUE_EXPIRED},
                {NULL, false, true, DUE_EXPIRED},
                {NULL, true, false, DUE_EXPIRED},
                {others, true, true, DUE_EXPIRED},
                {others, false, true, DUE_NOT},
                {others, true, false, DUE_NOT},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Sample) sample = sample_new();
                Item *leaf = &sample->items[LEAF];
                const Verdict *verdict;

                if (!table[i].is_signed)
                        leaf_set_distrusted(sample);
                leaf->key_matches = table[i].has_key;
                leaf->others = table[i].others;
                sample->cert.not_after = NOW - 1;
                verdict = judge(sample, LEAF);
                assert_int_equal(verdict->reason, table[i].reason);
                assert_int_equal(verdict->unproven, table[i].reason == DUE_NOT);
                if (!verdict->unproven)
                        continue;
                assert_int_equal(verdict->due_at, 0);
                assert_text(verdict, "'/pki' can be written by others, so it is renewed only");

                /* Neither is a pair that is mismatched for the second time. */
                sample->cert.not_after = NOW + YEAR;
                judge(sample, LEAF);
                history_free(sample->history);
                sample->history = assess_history(sample->assessment);
                assert_int_equal(judge(sample, LEAF)->reason, DUE_NOT);
        }
}

/* A leaf of the API server's CA among etcd's is worth nothing to etcd, but to whoever put it there.
 */
static void test_leaf_of_another_ca_without_its_key(void **state)
{
        autoptr(Sample) sample = sample_new();
        InventoryCa expected = sample->ca;

        sample->items[LEAF].expected_ca = &expected;
        sample->items[LEAF].trusted = false;
        sample->items[LEAF].trust_problem = "it was signed by CA 'ca' and not by 'etcd-ca'";
        sample->cert.not_after = NOW - 1;
        assert_int_equal(judge(sample, LEAF)->reason, DUE_EXPIRED);
        sample->items[LEAF].key_matches = false;
        assert_int_equal(judge(sample, LEAF)->reason, DUE_NOT);
        assert_text(judge(sample, LEAF), "and not by 'etcd-ca', so it is renewed only");
}

static void test_foreign_issuer_is_external(void **state)
{
        autoptr(Sample) sample = sample_new();

        leaf_set_foreign(sample);
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        assert_true(sample->assessment->verdicts[LEAF].external);
        sample->cert.not_after = NOW - 1;
        assert_verdict(judge(sample, LEAF), STATE_EXPIRED, DUE_NOT);
        assert_text(&sample->assessment->verdicts[LEAF], "signed by none of the CAs of this host");
}

/* External etcd: its CA is not on this host and need not be. */
static void test_ca_that_is_not_here_distrusts_nobody(void **state)
{
        autoptr(Sample) sample = sample_new();

        leaf_set_foreign(sample);
        sample->ca =
                (InventoryCa){.entry = &sample->ca_entry, .error = -ENOENT, .key_error = -ENOENT};
        sample->inventory.n_items = 1;
        assert_verdict(judge(sample, LEAF), STATE_OK, DUE_NOT);
        assert_true(sample->assessment->verdicts[LEAF].external);
}

static void test_mismatch_is_due_at_the_second_sighting(void **state)
{
        autoptr(Sample) sample = sample_new();

        /* 1. Somebody may be copying. */
        sample->items[LEAF].key_matches = false;
        assert_verdict(judge(sample, LEAF), STATE_MISMATCH, DUE_NOT);
        assert_int_equal(sample->assessment->verdicts[LEAF].due_at, NOW); /* by the next pass */
        assert_text(&sample->assessment->verdicts[LEAF], "'/pki/apiserver.key' does not belong");
        history_free(sample->history);
        sample->history = assess_history(sample->assessment);
        assert_int_equal(sample->history->n_mismatches, 1);

        /* 2. Still the same two files. */
        assert_verdict(judge(sample, LEAF), STATE_MISMATCH, DUE_MISMATCH);

        /* 3. Another key, still not the right one: somebody is at it. */
        sample->key_file.digest.bytes[0] = 3;
        assert_verdict(judge(sample, LEAF), STATE_MISMATCH, DUE_NOT);
}

static void test_missing_key_is_a_mismatch(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->items[LEAF].key_matches = false;
        sample->items[LEAF].key_file = NULL;
        sample->items[LEAF].key_error = -ENOENT;
        sample->items[LEAF].problem = "'/pki/apiserver.key' is missing";
        assert_verdict(judge(sample, LEAF), STATE_MISMATCH, DUE_NOT);
        history_free(sample->history);
        sample->history = assess_history(sample->assessment);
        assert_verdict(judge(sample, LEAF), STATE_MISMATCH, DUE_MISMATCH);
}

static void test_healthy_pairs_are_not_remembered(void **state)
{
        autoptr(Sample) sample = sample_new();

        judge(sample, LEAF);
        history_free(sample->history);
        sample->history = assess_history(sample->assessment);
        assert_int_equal(sample->history->n_mismatches, 0);
}

static void test_unreadable_key_is_invalid(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->items[LEAF].key_matches = false;
        sample->items[LEAF].key_error = -ENOTUNIQ;
        sample->items[LEAF].problem = "'/pki/apiserver.key': several keys";
        sample->cert.not_after = NOW + DAY;
        assert_verdict(judge(sample, LEAF), STATE_INVALID, DUE_NOT);

        /* It holds a renewal back until the certificate has expired. */
        int64_t due_at = sample->assessment->verdicts[LEAF].due_at;
        assert_int_equal(due_at, sample->cert.not_after + 1);
        Assessment *then = assess(&sample->inventory, &sample->config, NULL, due_at);
        assert_int_equal(then->verdicts[LEAF].reason, DUE_EXPIRED);
        assessment_free(then);
}

static void test_ca_key_of_another_ca(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->ca.ca = NULL;
        sample->ca.key_error = -ENOKEY;
        sample->ca.key_problem =
                "the key in '/pki/ca.key' belongs to no certificate in '/pki/ca.crt'";
        assert_verdict(judge(sample, CA), STATE_MISMATCH, DUE_NOT);
        assert_false(sample->assessment->verdicts[CA].external);
        history_free(sample->history);
        sample->history = assess_history(sample->assessment);
        assert_int_equal(sample->history->n_mismatches, 0);
}

static void test_leaf_in_a_ca_file(void **state)
{
        autoptr(Sample) sample = sample_new();

        sample->ca_cert.is_ca = false;
        assert_verdict(judge(sample, CA), STATE_INVALID, DUE_NOT);
        assert_text(&sample->assessment->verdicts[CA], "no CA");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t06_ca_certificate_missing),
                cmocka_unit_test(test_t10_external),
                cmocka_unit_test(test_t10_unreadable_key_is_not_external),
                cmocka_unit_test(test_t13_signed_by_another_ca_of_ours),
                cmocka_unit_test(test_swapped_ca_is_no_reason_to_renew),
                cmocka_unit_test(test_unproven_identity_is_not_due),
                cmocka_unit_test(test_leaf_of_another_ca_without_its_key),
                cmocka_unit_test(test_foreign_issuer_is_external),
                cmocka_unit_test(test_ca_that_is_not_here_distrusts_nobody),
                cmocka_unit_test(test_mismatch_is_due_at_the_second_sighting),
                cmocka_unit_test(test_missing_key_is_a_mismatch),
                cmocka_unit_test(test_healthy_pairs_are_not_remembered),
                cmocka_unit_test(test_unreadable_key_is_invalid),
                cmocka_unit_test(test_ca_key_of_another_ca),
                cmocka_unit_test(test_leaf_in_a_ca_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
