/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "scripted-issuer.h"

static void test_what_is_issued_at_once(void **state)
{
        static const Saying sayings[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));
        autoptr(Pending) pending = NULL;
        autoptr(Key) key = NULL;

        acquire(&night, sayings, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        assert_int_equal(n_asked, 1);
        pending = on_disk(&night, "apiserver");
        assert_int_equal(key_parse(pending->key_pem->data, pending->key_pem->size, &key, NULL), 0);
        assert_true(key_matches(key, only(&night)->certs->certs[0]));
        assert_non_null(pending->certificate_pem);

        /* Whoever was killed now has it already. */
        acquire(&night, sayings, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        assert_int_equal(n_asked, 1);
        night_free(&night);
}

static void test_t29_never_approved_and_the_same_key_resumed(void **state)
{
        static const Saying waiting[] = {SAYS_WAIT, END}, issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));
        autofree char *request = NULL;
        autoptr(Pending) pending = NULL;

        acquire(&night, waiting, NULL);
        assert_result(&night, OUTCOME_PENDING, "so it says");
        assert_true(n_asked > 1);
        request = xstrdup(last_text);
        pending = on_disk(&night, "apiserver");
        assert_string_equal(pending->request_pem, request);
        assert_int_equal(pending->asked_at, night.host.now);
        assert_string_equal(pending->text, "so it says");
        assert_int_equal(pending->not_before, 0);

        night.host.now += DAY;
        acquire(&night, waiting, NULL);
        assert_result(&night, OUTCOME_PENDING, "so it says");
        assert_string_equal(last_text, request);
        acquire(&night, issued, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        assert_string_equal(last_text, request);
        assert_true(starts_with(last_handle, "handle-"));
        night_free(&night);
}

static void test_failure_mode_30_a_wrong_clock_has_put_it_off_for_years(void **state)
{
        static const Saying rejected[] = {SAYS_REJECTED, END}, issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));
        int64_t now = night.host.now;

        night.host.now = now + 10 * YEAR;
        acquire(&night, rejected, NULL);
        night.host.now = now;
        acquire(&night, issued, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        night_free(&night);
}

/* Somebody has asked for it by name, with months to go. */
static void test_only_what_was_not_refused_is_asked_for_by_the_next_night(void **state)
{
        static const struct {
                Saying says;
                DueReason reason;
        } cases[] = {{SAYS_WAIT, DUE_PENDING}, {SAYS_REJECTED, DUE_NOT}, {SAYS_OTHER_KEY, DUE_NOT}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Saying sayings[] = {cases[i].says, END};
                Night night = night_new(COMMAND("apiserver"));

                night.host.now -= 100 * DAY;
                acquire(&night, sayings, (char *[]){"apiserver", NULL});
                assert_int_equal(n_asked > 0, true);
                host_look(&night.host);
                assert_int_equal(host_verdict(&night.host, "apiserver")->reason, cases[i].reason);
                night_free(&night);
        }
}

static void test_it_is_asked_again_within_the_pass(void **state)
{
        static const Saying sayings[] = {SAYS_UNREACHABLE, SAYS_WAIT, SAYS_WAIT, SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver") "RequestTimeout=1h\n");

        acquire(&night, sayings, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        assert_int_equal(n_asked, 4);
        night_free(&night);
}

static void test_all_are_asked_side_by_side(void **state)
{
        static const Saying sayings[] = {SAYS_WAIT, SAYS_WAIT, SAYS_RIGHT, SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver") "RequestTimeout=1h\n" COMMAND(
                "apiserver-kubelet-client") "RequestTimeout=1h\n");

        acquire(&night, sayings, NULL);
        assert_int_equal(night.acquisition->n, 2);
        assert_int_equal(night.acquisition->results[0].outcome, OUTCOME_RENEWED);
        assert_int_equal(night.acquisition->results[1].outcome, OUTCOME_RENEWED);
        assert_string_equal(asked, "apiserver apiserver-kubelet-client apiserver "
                                   "apiserver-kubelet-client");
        night_free(&night);
}

static void test_t29_what_is_rejected_is_left_alone_for_a_while(void **state)
{
        static const Saying rejected[] = {SAYS_REJECTED, END}, issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));
        autofree char *request = NULL;
        autoptr(Pending) pending = NULL;

        acquire(&night, rejected, NULL);
        assert_result(&night, OUTCOME_FAILED,
                "rejected: so it says; its issuer is asked again after 2027-11-12T00:26:00Z");
        assert_int_equal(n_asked, 1);
        request = xstrdup(last_text);
        pending = on_disk(&night, "apiserver");
        assert_string_not_equal(pending->request_pem, request);
        assert_int_equal(pending->asked_at, 0);
        assert_int_equal(pending->refusals, 1);

        night.host.now += HOUR - 1;
        acquire(&night, issued, NULL);
        assert_result(&night, OUTCOME_FAILED, "rejected: so it says");
        assert_int_equal(n_asked, 1);

        night.host.now += 1;
        acquire(&night, rejected, NULL);
        assert_result(&night, OUTCOME_FAILED, "asked again after 2027-11-12T02:26:00Z");
        assert_int_equal(n_asked, 2);
        assert_string_equal(last_text, pending->request_pem);

        acquire(&night, issued, (char *[]){"apiserver", NULL});
        assert_result(&night, OUTCOME_RENEWED, NULL);
        assert_int_equal(n_asked, 3);
        night_free(&night);
}

static const struct {
        Saying saying;
        const char *text;
} wrong[] = {
        {SAYS_OTHER_KEY, "refused: "},
        {SAYS_OTHER_NAME, "refused: "},
        {SAYS_OTHER_CA, "refused: "},
        {SAYS_SHORTER, "refused: "},
        {SAYS_RUBBISH, "refused: what was issued cannot be read"},
        {SAYS_NOTHING, "refused: what was issued cannot be read"},
};

static void test_t29_what_was_not_asked_for_is_refused(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                const Saying sayings[] = {wrong[i].saying, END};
                Night night = night_new(COMMAND("apiserver"));
                autoptr(Pending) pending = NULL;

                acquire(&night, sayings, NULL);
                assert_result(&night, OUTCOME_FAILED, wrong[i].text);
                pending = on_disk(&night, "apiserver");
                assert_string_equal(pending->request_pem, last_text);
                assert_int_equal(pending->asked_at, 0);
                assert_int_equal(pending->not_before, night.host.now + HOUR);
                assert_null(pending->handle);
                assert_null(pending->certificate_pem);
                night_free(&night);
        }
}

/* What has not its key is of no use for all the time that is left. */
static void test_a_mismatched_pair_is_repaired_by_whatever_ends_sooner(void **state)
{
        const Saying sayings[] = {SAYS_SHORTER, END};
        Night night = night_new(COMMAND("apiserver"));
        autofree char *key =
                tree_read(night.host.root, "/etc/kubernetes/pki/front-proxy-client.key", NULL);

        tree_write_text(night.host.root, "/etc/kubernetes/pki/apiserver.key", key);
        acquire(&night, sayings, (char *[]){"apiserver", NULL});
        assert_result(&night, OUTCOME_RENEWED, NULL);
        night_free(&night);
}

static const struct {
        Saying sayings[6];
        Outcome outcome;
        const char *text;
        size_t n_asked;
        bool has_other_key;
} others[] = {
        {{SAYS_UNCONFIGURED, END}, OUTCOME_FAILED, "so it says", 1, false},
        {{SAYS_NEW_REQUEST, SAYS_RIGHT, END}, OUTCOME_RENEWED, NULL, 2, false},
        {{SAYS_NEW_KEY, SAYS_RIGHT, END}, OUTCOME_RENEWED, NULL, 2, true},
        {{SAYS_NEW_REQUEST, END}, OUTCOME_FAILED, "one request after the other: so it says", 4,
                false},
        {{SAYS_NEW_KEY, END}, OUTCOME_FAILED, "one request after the other: so it says", 4, true},
};

static void test_t29_what_else_an_issuer_may_say(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                static const Saying waiting[] = {SAYS_WAIT, END};
                Night night = night_new(COMMAND("apiserver") "RequestTimeout=1s\n");
                autofree char *request = NULL;

                acquire(&night, waiting, NULL);
                request = xstrdup(last_text);
                n_asked = 0;
                acquire(&night, others[i].sayings, NULL);
                assert_result(&night, others[i].outcome, others[i].text);
                assert_int_equal(n_asked, others[i].n_asked);
                assert_int_equal(!streq(last_text, request), others[i].has_other_key);
                night_free(&night);
        }
}

static void test_an_issuer_that_wants_to_be_left_alone(void **state)
{
        static const Saying later[] = {SAYS_WAIT_LONG, END}, issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));

        acquire(&night, later, NULL);
        assert_result(&night, OUTCOME_PENDING, "so it says");
        assert_int_equal(n_asked, 1);
        night.host.now += HOUR - 1;
        acquire(&night, issued, NULL);
        assert_result(&night, OUTCOME_PENDING, "so it says");
        assert_int_equal(n_asked, 1);
        night.host.now += 1;
        acquire(&night, issued, NULL);
        assert_result(&night, OUTCOME_RENEWED, NULL);
        night_free(&night);
}

static void test_what_is_wanted_has_changed(void **state)
{
        static const char *const changes[] = {
                COMMAND("apiserver") "ExtraSANs=DNS:api.example.com\n",
                COMMAND("apiserver") "KeyAlgorithm=ECDSA-P256\n",
                "[certificate apiserver]\nIssuer=csr\nSignerName=example.com/x\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                static const Saying waiting[] = {SAYS_WAIT, END}, issued[] = {SAYS_RIGHT, END};
                Night night = night_new(COMMAND("apiserver") "RequestTimeout=1s\n");
                autofree char *request = NULL;
                autoptr(Pending) pending = NULL;

                acquire(&night, waiting, NULL);
                request = xstrdup(last_text);
                tree_write_text(night.host.root, MAIN_FILE, changes[i]);
                host_configure(&night.host);
                acquire(&night, waiting, NULL);
                assert_string_not_equal(last_text, request);
                pending = on_disk(&night, "apiserver");
                assert_string_equal(last_text, pending->request_pem);
                acquire(&night, issued, NULL);
                night_free(&night);
        }
}

static void test_requests_of_the_cluster_are_withdrawn(void **state)
{
        static const char csr[] = "[certificate apiserver]\nIssuer=csr\n"
                                  "SignerName=example.com/x\nRequestTimeout=1s\n";
        static const Saying waiting[] = {SAYS_WAIT, END}, rejected[] = {SAYS_REJECTED, END},
                            wrong_key[] = {SAYS_OTHER_KEY, END};
        Night night = night_new(csr);

        acquire(&night, waiting, NULL);
        assert_int_equal(n_withdrawn, 0);
        acquire(&night, rejected, NULL);
        assert_int_equal(n_withdrawn, 1);
        acquire(&night, wrong_key, (char *[]){"apiserver", NULL});
        assert_int_equal(n_withdrawn, 2);
        night_free(&night);
}

static void test_what_is_under_way_goes_on_although_it_is_not_due(void **state)
{
        static const Saying waiting[] = {SAYS_WAIT, END}, issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver") "RequestTimeout=1s\n");

        night.host.now -= 300 * DAY;
        acquire(&night, waiting, NULL);
        assert_int_equal(night.acquisition->n, 0);
        acquire(&night, waiting, (char *[]){"apiserver", NULL});
        assert_result(&night, OUTCOME_PENDING, "so it says");
        night.host.now += 100 * DAY;
        acquire(&night, issued, NULL);
        assert_int_equal(host_verdict(&night.host, "apiserver")->reason, DUE_PENDING);
        host_assert_row(&night.host, "apiserver", STATE_OK, "its issuer is asked for it since");
        assert_result(&night, OUTCOME_RENEWED, NULL);
        night_free(&night);
}

/* As a commit would put it in place. */
static void put_in_place(Night *night)
{
        autofree char *pem = cert_to_pem(only(night)->certs->certs[0]);
        const Secret *key = only(night)->pending->key_pem;

        tree_write_text(night->host.root, "/etc/kubernetes/pki/apiserver.crt", pem);
        tree_write(night->host.root, "/etc/kubernetes/pki/apiserver.key", key->data, key->size);
}

static bool is_pending(const Night *night)
{
        autoptr(PendingList) list = NULL;

        assert_int_equal(pending_list(night->host.root_fd, STATE, &list, NULL), 0);
        return list->n > 0;
}

static void clean_up(Night *night)
{
        AcquireInput input;

        host_look(&night->host);
        input = input_of(night);
        assert_int_equal(acquire_clean_up(&input, NULL), 0);
}

static void test_what_was_issued_is_kept_until_it_is_in_place(void **state)
{
        static const Saying issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));

        acquire(&night, issued, NULL);
        assert_true(is_pending(&night));

        /* It is not in place, whatever else was committed. */
        clean_up(&night);
        assert_true(is_pending(&night));
        night_free(&night);
}

static void test_t36_the_next_pass_tidies_up(void **state)
{
        static const Saying issued[] = {SAYS_RIGHT, END};
        Night night = night_new("[certificate apiserver]\nIssuer=csr\nSignerName=example.com/x\n");

        acquire(&night, issued, NULL);
        put_in_place(&night);
        clean_up(&night);
        assert_false(is_pending(&night));
        assert_int_equal(n_cleaned_up, 1);
        clean_up(&night);
        assert_int_equal(n_cleaned_up, 1);
        night_free(&night);
}

static void test_requests_that_nobody_wants_go(void **state)
{
        static const Saying waiting[] = {SAYS_WAIT, END};
        Night night = night_new(COMMAND("apiserver") "RequestTimeout=1s\n");

        acquire(&night, waiting, NULL);
        clean_up(&night);
        assert_true(is_pending(&night));
        tree_write_text(night.host.root, MAIN_FILE, "");
        host_configure(&night.host);
        clean_up(&night);
        assert_false(is_pending(&night));
        night_free(&night);
}

static void test_where_it_cannot_be_written_nobody_is_asked(void **state)
{
        static const Saying issued[] = {SAYS_RIGHT, END};
        Night night = night_new(COMMAND("apiserver"));

        tree_remove(night.host.root, "/etc/kubernetes/pki/apiserver.key");
        tree_write_text(night.host.root, "/etc/kubernetes/pki/apiserver.key/x", "");
        acquire(&night, issued, (char *[]){"apiserver", NULL});
        assert_int_equal(n_asked, 0);
        assert_false(is_pending(&night));
        night_free(&night);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_issued_at_once),
                cmocka_unit_test(test_t29_never_approved_and_the_same_key_resumed),
                cmocka_unit_test(test_failure_mode_30_a_wrong_clock_has_put_it_off_for_years),
                cmocka_unit_test(test_only_what_was_not_refused_is_asked_for_by_the_next_night),
                cmocka_unit_test(test_it_is_asked_again_within_the_pass),
                cmocka_unit_test(test_all_are_asked_side_by_side),
                cmocka_unit_test(test_t29_what_is_rejected_is_left_alone_for_a_while),
                cmocka_unit_test(test_t29_what_was_not_asked_for_is_refused),
                cmocka_unit_test(test_a_mismatched_pair_is_repaired_by_whatever_ends_sooner),
                cmocka_unit_test(test_t29_what_else_an_issuer_may_say),
                cmocka_unit_test(test_an_issuer_that_wants_to_be_left_alone),
                cmocka_unit_test(test_what_is_wanted_has_changed),
                cmocka_unit_test(test_requests_of_the_cluster_are_withdrawn),
                cmocka_unit_test(test_what_is_under_way_goes_on_although_it_is_not_due),
                cmocka_unit_test(test_what_was_issued_is_kept_until_it_is_in_place),
                cmocka_unit_test(test_t36_the_next_pass_tidies_up),
                cmocka_unit_test(test_requests_that_nobody_wants_go),
                cmocka_unit_test(test_where_it_cannot_be_written_nobody_is_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
