/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-cluster.h"

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */

static const ApiServer server = {.host = "192.0.2.11", .port = 6443, .timeout = 1};
static const LeaseName name = {"kube-system", "kube-renewd-restart"};

static int set_up(void **state)
{
        cluster_reset();
        cluster_add("192.0.2.11");
        return 0;
}

static Lease *get(void)
{
        Lease *lease = NULL;
        Error error = {};

        if (lease_get(&server, &name, &lease, &error) < 0)
                fail_msg("%s", error.text);
        return lease;
}

/* What became of it; the lease as it is then is not looked at. */
static int claim(const Lease *before, const char *holder, int64_t duration, int64_t now)
{
        const LeaseClaim wish = {.holder = holder, .duration = duration, .now = now};
        autoptr(Lease) lease = NULL;
        Error error = {};

        return lease_write(&server, &name, before, &wish, &lease, &error);
}

static void assert_spec(const char *key, const char *expected)
{
        autofree char *text = json_dumps(json_object_get(cluster_spec(), key), JSON_ENCODE_ANY);

        assert_non_null(text);
        assert_string_equal(text, expected);
}

/* All that a lease lives through, as client-go would read and write it. */
static void test_made_kept_given_back_and_taken_over(void **state)
{
        autoptr(Lease) lease = NULL;

        assert_int_equal(lease_get(&server, &name, &lease, NULL), -ENOENT);
        assert_int_equal(claim(NULL, "cp1/a", 60, NOW), 0);
        assert_int_equal(cluster_asked("POST " CLUSTER_LEASES " "), 1);
        assert_string_equal(api_text(cluster.lease, "kind", NULL), "Lease");
        assert_string_equal(api_text(cluster.lease, "metadata", "namespace", NULL), "kube-system");
        assert_spec("holderIdentity", "\"cp1/a\"");
        assert_spec("leaseDurationSeconds", "60");
        assert_spec("acquireTime", "\"2027-01-15T08:00:00.000000Z\"");
        assert_spec("leaseTransitions", "0");

        /* Kept: when it was got stays. */
        lease = get();
        assert_int_equal(claim(lease, "cp1/a", 90, NOW + 60), 0);
        assert_int_equal(cluster_asked("PUT " CLUSTER_LEASES "/kube-renewd-restart "), 1);
        assert_spec("leaseDurationSeconds", "90");
        assert_spec("acquireTime", "\"2027-01-15T08:00:00.000000Z\"");
        assert_spec("renewTime", "\"2027-01-15T08:01:00.000000Z\"");
        assert_spec("leaseTransitions", "0");

        /* Given back. */
        lease_free(TAKE(lease));
        lease = get();
        assert_int_equal(claim(lease, NULL, 1, NOW + 120), 0);
        assert_null(json_object_get(cluster_spec(), "holderIdentity"));
        assert_spec("leaseTransitions", "0");

        /* In other hands. */
        lease_free(TAKE(lease));
        lease = get();
        assert_string_equal(lease->holder, "");
        assert_int_equal(claim(lease, "cp2/b", 60, NOW + 180), 0);
        assert_spec("acquireTime", "\"2027-01-15T08:03:00.000000Z\"");
        assert_spec("leaseTransitions", "1");
}

static void test_of_two_who_write_one_is_told(void **state)
{
        autoptr(Lease) lease = NULL;

        cluster_lease("", 0);
        lease = get();
        assert_int_equal(claim(lease, "cp2/b", 60, NOW), 0);
        assert_int_equal(claim(lease, "cp1/a", 60, NOW), -EEXIST);
        assert_int_equal(claim(NULL, "cp1/a", 60, NOW), -EEXIST);
        assert_string_equal(cluster_holder(), "cp2/b");
}

static void test_what_others_have_put_there_stays(void **state)
{
        autoptr(Lease) lease = NULL;

        cluster_lease("", 0);
        json_object_set_new(json_object_get(cluster.lease, "metadata"), "labels",
                json_pack("{s:s}", "mine", "yes"));
        lease = get();
        assert_int_equal(claim(lease, "cp1/a", 60, NOW), 0);
        assert_string_equal(api_text(cluster.lease, "metadata", "labels", "mine", NULL), "yes");
}

static void test_answers_that_are_none(void **state)
{
        static const char *const texts[] = {
                "{}", "{\"metadata\":{}}", "{\"spec\":{\"holderIdentity\":\"x\"}}"};
        autoptr(Lease) lease = NULL;
        Error error = {};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                json_decref(cluster.lease);
                cluster.lease = json_loads(texts[i], 0, NULL);
                assert_int_equal(lease_get(&server, &name, &lease, &error), -EBADMSG);
                assert_string_equal(error.text, "the answer is no Lease");
        }
}

static void test_odd_durations(void **state)
{
        static const struct {
                const char *json;
                int64_t expected;
        } table[] = {{"15", 15}, {"0", 0}, {"-5", 0}, {"\"15\"", 0}, {"null", 0},
                {"9223372036854775807", INT32_MAX}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Lease) lease = NULL;

                cluster_lease("cp2/b", 1);
                json_object_set_new(cluster_spec(), "leaseDurationSeconds",
                        json_loads(table[i].json, JSON_DECODE_ANY, NULL));
                lease = get();
                assert_int_equal(lease->duration, table[i].expected);
        }
}

/* No time of another clock is looked at: what counts is how long we have seen it so. */
static void test_judged_by_our_own_clock_alone(void **state)
{
        static const struct {
                const char *holder;
                int64_t duration, since, now;
                LeaseVerdict expected;
        } table[] = {
                {"", 60, 0, 0, LEASE_FREE},
                {NULL, 0, 0, 0, LEASE_FREE},
                {"cp2/b", 60, 1000, 1000, LEASE_HELD},
                {"cp2/b", 60, 1000, 60999, LEASE_HELD},
                {"cp2/b", 60, 1000, 61000, LEASE_DEAD},
                {"cp2/b", 60, 1000, 999999, LEASE_DEAD},
                /* A clock that does not go back, seen to go back. */
                {"cp2/b", 60, 100000, 1000, LEASE_HELD},
                /* A person's. */
                {"cp2/b", 0, 0, INT64_MAX, LEASE_HELD},
                {"nobody restarts today", 0, 0, 1000, LEASE_HELD},
                {"cp2/b", INT32_MAX, 0, 1000, LEASE_HELD},
                /* Another pass of this host: it has ended, or we would not be here. */
                {"cp1/a", 60, 1000, 1000, LEASE_OURS},
                {"cp1/", 0, 0, 0, LEASE_OURS},
                {"cp10/a", 60, 1000, 1000, LEASE_HELD},
                {"cp1", 60, 1000, 1000, LEASE_HELD},
                {"cp1.example.com/a", 60, 1000, 1000, LEASE_HELD},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const LeaseSeen seen = {.holder = (char *)table[i].holder,
                        .duration = table[i].duration,
                        .since = table[i].since};
                LeaseVerdict verdict = lease_judge(&seen, "cp1", table[i].now);

                if (verdict != table[i].expected)
                        fail_msg("%zu: %d", i, (int)verdict);
        }
}

/* Every change of it is a sign of life, also one back to what it was. */
static void test_counted_anew_with_every_change(void **state)
{
        LeaseSeen seen = {};

        for (int64_t now = 1000; now <= 3000; now += 1000) {
                autoptr(Lease) lease = NULL;
                autoptr(Lease) same = NULL;

                cluster_lease("cp2/b", 60);
                lease = get();
                lease_see(&seen, lease, now);
                same = get();
                lease_see(&seen, same, now + 59000);
                assert_int_equal(seen.since, now);
                assert_int_equal(lease_wait(&seen, now + 59000), 1000);
                assert_int_equal(lease_wait(&seen, now + 60000), 0);
        }
        cluster_lease("cp3/c", 0);
        autoptr(Lease) lease = get();
        lease_see(&seen, lease, 5000);
        assert_string_equal(seen.holder, "cp3/c");
        assert_true(lease_wait(&seen, 5000) == INT64_MAX);
        lease_seen_done(&seen);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_made_kept_given_back_and_taken_over, set_up),
                cmocka_unit_test_setup(test_of_two_who_write_one_is_told, set_up),
                cmocka_unit_test_setup(test_what_others_have_put_there_stays, set_up),
                cmocka_unit_test_setup(test_answers_that_are_none, set_up),
                cmocka_unit_test_setup(test_odd_durations, set_up),
                cmocka_unit_test(test_judged_by_our_own_clock_alone),
                cmocka_unit_test_setup(test_counted_anew_with_every_change, set_up),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        cluster_reset();
        return r;
}
