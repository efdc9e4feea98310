/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/history.h"
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

/* Each night forgets what the night before saw. */
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
                SCRATCH_TEST(test_write_replaces),
                SCRATCH_TEST(test_whatever_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
