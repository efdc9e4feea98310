/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "renew/state/history.h"
#include "scratch.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static Digest digest(const char *text)
{
        return digest_of(text, strlen(text));
}

static void test_round_trip(void **state)
{
        autoptr(History) history = history_new();
        Digest certificate = digest("certificate"), key = digest("key"), other = digest("other");
        Error error = {};
        struct stat st;

        history_add_mismatch(history, "apiserver", &certificate, &key);
        history_add_mismatch(history, "admin.conf/\n", &other, &key);
        assert_int_equal(history_write(root_fd, "/", history, &error), 0);
        assert_int_equal(stat("history.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        autoptr(History) again = history_read(root_fd, "/");
        assert_int_equal(again->n_mismatches, 2);
        assert_true(history_saw_mismatch(again, "apiserver", &certificate, &key));
        assert_false(history_saw_mismatch(again, "apiserver", &other, &key));
        assert_false(history_saw_mismatch(again, "apiserver", &certificate, &other));
        assert_false(history_saw_mismatch(again, "etcd-server", &certificate, &key));
}

static void test_copies(void **state)
{
        autoptr(History) history = history_new();
        Digest first = digest("first"), second = digest("second"), found;

        assert_false(history_last_equal(history, "/a", &found));
        history_set_last_equal(history, "/a", &first);
        history_set_last_equal(history, "/b", &first);
        history_set_last_equal(history, "/a", &second);
        assert_int_equal(history_write(root_fd, "/", history, NULL), 0);

        autoptr(History) again = history_read(root_fd, "/");
        assert_int_equal(again->n_copies, 2);
        assert_true(history_last_equal(again, "/a", &found) && digest_equal(&found, &second));
        assert_true(history_last_equal(again, "/b", &found) && digest_equal(&found, &first));

        put("history.json",
                "{\"copies\": [1, {}, {\"path\": \"/a\"}, {\"path\": 1, \"sha256\": \"" HEX
                "\"}, {\"path\": \"/c\", \"sha256\": \"" HEX "\"}]}");
        autoptr(History) odd = history_read(root_fd, "/");
        assert_int_equal(odd->n_copies, 1);
}

#define NOW ((int64_t)1825975560)

/* Three in a day, and not three in more than a day. */
static void test_failure_mode_43_renewals_are_counted(void **state)
{
        static const struct {
                int64_t ago[4]; /* 0: no more */
                int64_t until;  /* from now; 0: it is none */
        } table[] = {
                {{}, 0},
                {{3, 2}, 0},
                {{3, 2, 1}, DAY - 3},
                {{DAY - 1, 2, 1}, 1},
                {{DAY, 2, 1}, 0},
                {{DAY + HOUR, DAY, 2, 1}, 0},
                {{DAY, 3, 2, 1}, DAY - 3},
                {{HOUR, 3, 2, 1}, DAY - 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(History) history = history_new();

                for (size_t k = 0; k < ELEMENTSOF(table[i].ago) && table[i].ago[k]; k++)
                        history_add_renewal(history, "apiserver", 0, NOW - table[i].ago[k]);
                history_add_renewal(history, "etcd-server", 0, NOW);
                assert_int_equal(history_loop_until(history, "apiserver", NOW),
                        table[i].until ? NOW + table[i].until : 0);
                assert_int_equal(history_loop_until(history, "etcd-server", NOW), 0);
                assert_in_range(history->n_renewals, 1, 1 + LOOP_RENEWALS);
        }
}

/* Also when they are many, in any order, and some of them go. */
static void test_renewals_are_found_by_name(void **state)
{
        autoptr(History) history = history_new();

        for (int i = 0; i < LOOP_RENEWALS; i++) {
                history_add_renewal(history, "gone", 0, NOW + 1);
                history_add_renewal(history, i > 0 ? "twice" : "once", 0, NOW - MINUTE);
                history_add_renewal(history, "loop", 0, NOW - HOUR + i);
        }
        for (int i = 0; i < 2; i++) {
                assert_int_equal(history->n_renewals, (3 - i) * LOOP_RENEWALS);
                assert_int_equal(history_loop_until(history, "loop", NOW), NOW - HOUR + DAY);
                assert_int_equal(history_loop_until(history, "twice", NOW), 0);
                assert_int_equal(history_loop_until(history, "once", NOW), 0);
                history_forget_future(history, NOW);
        }
        history_add_renewal(history, "twice", 0, NOW);
        assert_int_equal(history_loop_until(history, "twice", NOW), NOW - MINUTE + DAY);
}

/* They would hold it up until that day has come and gone. */
static void test_failure_mode_30_renewals_of_the_future_are_forgotten(void **state)
{
        autoptr(History) history = history_new();

        history_add_renewal(history, "past", NOW - DAY, NOW);
        for (int i = 0; i < LOOP_RENEWALS; i++)
                history_add_renewal(history, "future", NOW + 1, NOW + 1 + i);
        history_forget_future(history, NOW);
        assert_int_equal(history->n_renewals, 1);
        assert_string_equal(history->renewals[0].name, "past");
        assert_int_equal(history->newest_not_before, 0);
        assert_int_equal(history_loop_until(history, "future", NOW), 0);
        history_add_renewal(history, "past", NOW, NOW);
        history_forget_future(history, NOW);
        assert_int_equal(history->n_renewals, 2);
        assert_int_equal(history->newest_not_before, NOW);
}

static void test_renewals_are_kept_for_a_day(void **state)
{
        autoptr(History) history = history_new();
        autoptr(History) next = history_new();

        history_add_renewal(history, "old", NOW - DAY - 5 * MINUTE, NOW - DAY);
        for (int i = 0; i < LOOP_RENEWALS; i++)
                history_add_renewal(history, "admin.conf/\n", NOW - 6 * MINUTE, NOW - MINUTE);
        history_add_renewal(history, "young", NOW - 7 * MINUTE, NOW - DAY + 1);
        history_keep_renewals(next, history, NOW);
        assert_int_equal(next->n_renewals, LOOP_RENEWALS + 1);
        assert_int_equal(history_write(root_fd, "/", next, NULL), 0);

        autoptr(History) again = history_read(root_fd, "/");
        assert_int_equal(again->n_renewals, LOOP_RENEWALS + 1);
        assert_int_equal(history_loop_until(again, "admin.conf/\n", NOW), NOW - MINUTE + DAY);
        assert_int_equal(again->newest_not_before, NOW - 6 * MINUTE);

        put("history.json",
                "{\"newest_not_before\": 1, \"renewals\": [1, {}, {\"name\": \"a\"},"
                "{\"name\": 1, \"time\": \"2027-11-11\"}, {\"name\": \"a\", \"time\": 1},"
                "{\"name\": \"a\", \"time\": \"2027-11-11\"}]}");
        autoptr(History) odd = history_read(root_fd, "/");
        assert_int_equal(odd->n_renewals, 1);
        assert_int_equal(odd->newest_not_before, 0);
}

/* Each night forgets what the night before saw. */
static void test_restarts_are_remembered_for_a_day(void **state)
{
        autoptr(History) history = history_new();
        autoptr(History) next = history_new();

        history_add_restart(history, "a/\n", NOW - DAY);
        history_add_restart(history, "a/\n", NOW - DAY + 1);
        history_add_restart(history, "old", NOW - DAY);
        history_add_restart(history, "future", NOW + 1);
        assert_int_equal(history->n_restarts, 3);
        assert_int_equal(history_restarted_at(history, "a/\n", NOW), NOW - DAY + 1);
        assert_int_equal(history_restarted_at(history, "a/\n", NOW + 1), 0);
        assert_int_equal(history_restarted_at(history, "old", NOW), 0);
        assert_int_equal(history_restarted_at(history, "none", NOW), 0);

        history_keep_renewals(next, history, NOW);
        assert_int_equal(next->n_restarts, 2);
        history_forget_future(next, NOW);
        assert_int_equal(next->n_restarts, 1);
        assert_int_equal(history_write(root_fd, "/", next, NULL), 0);
        autoptr(History) again = history_read(root_fd, "/");
        assert_int_equal(history_restarted_at(again, "a/\n", NOW), NOW - DAY + 1);
}

static void test_write_replaces(void **state)
{
        autoptr(History) history = history_new();
        autoptr(History) nothing = history_new();
        Digest d = digest("d");

        history_add_mismatch(history, "apiserver", &d, &d);
        assert_int_equal(history_write(root_fd, "/", history, NULL), 0);
        assert_int_equal(history_write(root_fd, "/", nothing, NULL), 0);
        autoptr(History) again = history_read(root_fd, "/");
        assert_int_equal(again->n_mismatches, 0);
}

static void test_whatever_is_there(void **state)
{
        static const struct {
                const char *text;
                size_t expected;
        } table[] = {
                {NULL, 0},
                {"", 0},
                {"\xff", 0},
                {"[]", 0},
                {"{\"mismatches\": 1}", 0},
                {"{\"mismatches\": {\"name\": \"a\"}}", 0},
                {"{\"mismatches\": [1, null, [], {}, {\"name\": \"a\"},"
                 "{\"name\": 1, \"certificate\": \"" HEX "\", \"key\": \"" HEX "\"},"
                 "{\"name\": \"a\", \"certificate\": \"" HEX "\", \"key\": \"" HEX "0\"},"
                 "{\"name\": \"a\", \"certificate\": \"" HEX "\", \"key\": \"" HEX "\"}]}",
                        1},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                if (table[i].text)
                        put("history.json", table[i].text);
                autoptr(History) history = history_read(root_fd, "/");
                assert_int_equal(history->n_mismatches, table[i].expected);
        }
        history_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_round_trip),
                SCRATCH_TEST(test_copies),
                SCRATCH_TEST(test_failure_mode_43_renewals_are_counted),
                cmocka_unit_test(test_renewals_are_found_by_name),
                SCRATCH_TEST(test_failure_mode_30_renewals_of_the_future_are_forgotten),
                SCRATCH_TEST(test_renewals_are_kept_for_a_day),
                SCRATCH_TEST(test_restarts_are_remembered_for_a_day),
                SCRATCH_TEST(test_write_replaces),
                SCRATCH_TEST(test_whatever_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
