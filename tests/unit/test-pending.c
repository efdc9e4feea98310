/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "renew/inventory/pending.h"
#include "scratch.h"

#define NOW 1825975560

static Pending *make(const char *name)
{
        Pending *pending = xcalloc(1, sizeof(*pending));

        pending->name = xstrdup(name);
        pending->issuer = xstrdup("csr");
        pending->key_pem = secret_new("THE KEY\n", strlen("THE KEY\n"));
        pending->request_pem = xstrdup("THE REQUEST\n");
        pending->replaces = xstrdup("");
        pending->created_at = NOW;
        return pending;
}

static void write_good(const Pending *pending)
{
        Error error = {};

        if (pending_write(root_fd, "/state", pending, &error) < 0)
                fail_msg("%s", error.text);
}

static Pending *read_good(const char *name)
{
        Pending *pending = NULL;
        Error error = {};

        if (pending_read(root_fd, "/state", name, &pending, &error) < 0)
                fail_msg("%s", error.text);
        return pending;
}

static PendingList *list_good(void)
{
        PendingList *list = NULL;

        assert_int_equal(pending_list(root_fd, "/state", &list, NULL), 0);
        return list;
}

static void test_what_is_written_is_read(void **state)
{
        autoptr(Pending) pending = make("kubelet-server");

        pending->asked_at = NOW + 1;
        pending->not_before = NOW + 2;
        pending->refusals = 3;
        pending->handle = xstrdup("a cookie\nof two lines");
        pending->certificate_pem = xstrdup("THE CERTIFICATE\n");
        pending->text = xstrdup("it waits");
        write_good(pending);

        autoptr(Pending) again = read_good("kubelet-server");
        assert_string_equal(again->name, "kubelet-server");
        assert_string_equal(again->issuer, "csr");
        assert_int_equal(again->key_pem->size, strlen("THE KEY\n"));
        assert_memory_equal(again->key_pem->data, "THE KEY\n", again->key_pem->size);
        assert_string_equal(again->request_pem, "THE REQUEST\n");
        assert_int_equal(again->created_at, NOW);
        assert_int_equal(again->asked_at, NOW + 1);
        assert_int_equal(again->not_before, NOW + 2);
        assert_int_equal(again->refusals, 3);
        assert_string_equal(again->handle, "a cookie\nof two lines");
        assert_string_equal(again->certificate_pem, "THE CERTIFICATE\n");
        assert_string_equal(again->text, "it waits");
}

static void test_only_its_owner_may_read_it(void **state)
{
        autoptr(Pending) pending = make("x");
        struct stat st;
        mode_t old = umask(0);

        write_good(pending);
        umask(old);
        assert_int_equal(stat("state/pending", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(stat("state/pending/x.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_what_has_not_happened_is_not_there(void **state)
{
        autoptr(Pending) pending = make("x");

        write_good(pending);
        autoptr(Pending) again = read_good("x");
        assert_int_equal(again->asked_at, 0);
        assert_int_equal(again->not_before, 0);
        assert_int_equal(again->refusals, 0);
        assert_null(again->handle);
        assert_null(again->text);
        assert_null(again->certificate_pem);
}

static void test_it_is_open_while_nothing_else_is_in_place(void **state)
{
        autoptr(Pending) pending = make("x");
        const Digest old = digest_of("old", 3), new = digest_of("new", 3);

        assert_true(pending_is_open(pending, NULL));
        assert_false(pending_is_open(pending, &new));
        free(pending->replaces);
        pending->replaces = pending_fingerprint(&old);
        assert_true(pending_is_open(pending, &old));
        assert_false(pending_is_open(pending, &new));
        assert_false(pending_is_open(pending, NULL));
}

static void test_removing_twice_is_fine(void **state)
{
        autoptr(Pending) pending = make("admin.conf/a user");
        Pending *none = NULL;

        write_good(pending);
        assert_int_equal(pending_remove(root_fd, "/state", "admin.conf/a user", NULL), 0);
        assert_int_equal(pending_remove(root_fd, "/state", "admin.conf/a user", NULL), 0);
        assert_int_equal(
                pending_read(root_fd, "/state", "admin.conf/a user", &none, NULL), -ENOENT);
        assert_null(none);
}

static void test_all_are_listed(void **state)
{
        autoptr(Pending) a = make("a");
        autoptr(Pending) b = make("b/\x01");
        autoptr(PendingList) none = list_good();

        assert_int_equal(none->n, 0);
        write_good(b);
        write_good(a);
        autoptr(PendingList) list = list_good();
        assert_int_equal(list->n, 2);
        assert_string_equal(pending_find(list, "a")->request_pem, "THE REQUEST\n");
        assert_non_null(pending_find(list, "b/\x01"));
        assert_null(pending_find(list, "c"));
}

static const char *const damages[] = {"", "{", "[]", "{}",
        "{\"name\": \"x\", \"issuer\": \"csr\", \"request\": \"r\"}",
        "{\"name\": \"y\", \"issuer\": \"csr\", \"key\": \"k\", \"request\": \"r\", \"replaces\": "
        "\"\", "
        "\"created_at\": null, \"asked_at\": null, \"not_before\": null}",
        "{\"name\": \"x\", \"issuer\": \"cSr\", \"key\": \"k\", \"request\": \"r\", \"replaces\": "
        "\"\", "
        "\"created_at\": null, \"asked_at\": null, \"not_before\": null}",
        "{\"name\": \"x\", \"issuer\": \"csr\", \"key\": \"k\", \"request\": \"r\", \"replaces\": "
        "\"\", "
        "\"created_at\": 1, \"asked_at\": null, \"not_before\": null}"};

static void test_a_damaged_one_is_none_and_is_listed(void **state)
{
        assert_int_equal(mkdir("state", 0700), 0);
        assert_int_equal(mkdir("state/pending", 0700), 0);
        for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
                Pending *none = NULL;
                Error error = {};

                put("state/pending/x.json", damages[i]);
                assert_int_equal(pending_read(root_fd, "/state", "x", &none, &error), -EBADMSG);
                assert_non_null(strstr(error.text, "'/state/pending/x.json'"));
                assert_null(none);

                autoptr(PendingList) list = list_good();
                assert_non_null(pending_find(list, "x"));
                assert_null(list->pendings[0]->key_pem);
                assert_non_null(list->pendings[0]->text);
        }
}

static void test_t29_back_off_doubles_up_to_a_day(void **state)
{
        static const int64_t hours[] = {1, 2, 4, 8, 16, 24, 24, 24};
        autoptr(Pending) pending = make("x");

        for (size_t i = 0; i < ELEMENTSOF(hours); i++) {
                pending_back_off(pending, NOW);
                assert_int_equal(pending->not_before, NOW + hours[i] * HOUR);
                assert_int_equal(pending->refusals, i + 1);
        }
        pending->refusals = UINT32_MAX - 1;
        pending_back_off(pending, NOW);
        assert_int_equal(pending->not_before, NOW + DAY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_what_is_written_is_read),
                SCRATCH_TEST(test_only_its_owner_may_read_it),
                SCRATCH_TEST(test_what_has_not_happened_is_not_there),
                cmocka_unit_test(test_it_is_open_while_nothing_else_is_in_place),
                SCRATCH_TEST(test_removing_twice_is_fine),
                SCRATCH_TEST(test_all_are_listed),
                SCRATCH_TEST(test_a_damaged_one_is_none_and_is_listed),
                cmocka_unit_test(test_t29_back_off_doubles_up_to_a_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
