/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/commit/owed.h"
#include "scratch.h"

#define NOW 1825975560

static void add_restart(
        const char *component, const char *path, const char *pass_id, int64_t now, bool renews)
{
        ComponentEntry entry = {.name = (char *)component};
        InventoryComponent inventory_component = {.entry = &entry};
        char *paths[] = {(char *)"/etc/kubernetes/pki/ca.crt", (char *)path, NULL};
        Restart restart = {.component = &inventory_component, .paths = paths, .renews = renews};
        Error error = {};

        if (owed_add(root_fd, "/state", &restart, 1, pass_id, now, &error) < 0)
                fail_msg("%s", error.text);
}

static void add(const char *component, const char *path, const char *pass_id, int64_t now)
{
        add_restart(component, path, pass_id, now, false);
}

static OwedList *read_all(void)
{
        OwedList *list = NULL;
        Error error = {};

        if (owed_read(root_fd, "/state", &list, &error) < 0)
                fail_msg("%s", error.text);
        return list;
}

static void test_nothing_is_owed(void **state)
{
        autoptr(OwedList) list = read_all();

        assert_int_equal(list->n, 0);
        assert_int_equal(owed_add(root_fd, "/state", NULL, 0, "p1", NOW, NULL), 0);
        assert_int_equal(access("state", F_OK), -1);
        owed_list_free(NULL);
}

static void test_entry_is_as_documented(void **state)
{
        struct stat st;

        add("kube-apiserver", "/a", "p1", NOW);
        assert_content("/state/owed/kube-apiserver.json", "{\n"
                                                          "  \"before\": [\n"
                                                          "    \"\",\n"
                                                          "    \"\"\n"
                                                          "  ],\n"
                                                          "  \"component\": \"kube-apiserver\",\n"
                                                          "  \"pass_id\": \"p1\",\n"
                                                          "  \"paths\": [\n"
                                                          "    \"/etc/kubernetes/pki/ca.crt\",\n"
                                                          "    \"/a\"\n"
                                                          "  ],\n"
                                                          "  \"reason\": null,\n"
                                                          "  \"since\": \"2027-11-11T23:26:00Z\"\n"
                                                          "}\n");
        assert_int_equal(stat("state/owed/kube-apiserver.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_a_second_entry_joins_the_first(void **state)
{
        add("kube-apiserver", "/a", "p1", NOW);
        put("a", "new");
        add("etcd", "/e", "p1", NOW);
        add("kube-apiserver", "/b", "p2", NOW + 86400);

        autoptr(OwedList) list = read_all();
        assert_int_equal(list->n, 2);
        assert_string_equal(list->entries[0].component, "etcd");
        assert_string_equal(list->entries[1].component, "kube-apiserver");
        assert_int_equal(list->entries[1].since, NOW);
        assert_string_equal(list->entries[1].pass_id, "p2");
        assert_int_equal(strv_length(list->entries[1].paths), 3);
        assert_string_equal(list->entries[1].paths[2], "/b");

        autoptr(json_t) json = owed_to_json(list);
        assert_int_equal(json_array_size(json), 2);
}

/* What the process has loaded ends when the first of what was replaced does. */
static void add_ending(const char *path, int64_t end, const char *pass_id)
{
        const Cert certs[] = {{.not_after = end}, {.not_after = end + 60}, {.not_after = 1}};
        Item items[] = {{.kind = ITEM_KUBECONFIG, .path = (char *)path, .cert = &certs[1]},
                {.kind = ITEM_CERTIFICATE, .path = (char *)path, .cert = &certs[0]},
                {.kind = ITEM_CA, .path = (char *)path, .cert = &certs[2]},
                {.kind = ITEM_CERTIFICATE, .path = (char *)"/another", .cert = &certs[2]},
                {.kind = ITEM_CERTIFICATE, .path = (char *)path}};
        const Inventory inventory = {.items = items, .n_items = ELEMENTSOF(items)};
        const ComponentEntry entry = {.name = (char *)"x"};
        const InventoryComponent component = {.entry = &entry, .inventory = &inventory};
        char *paths[] = {(char *)path, NULL};
        const Restart restart = {.component = &component, .paths = paths};

        assert_int_equal(owed_add(root_fd, "/state", &restart, 1, pass_id, NOW, NULL), 0);
}

static void assert_expires(int64_t expected)
{
        autoptr(OwedList) list = read_all();

        assert_int_equal(list->n, 1);
        assert_int_equal(list->entries[0].expires, expected);
}

static void test_what_is_loaded_ends_with_the_first(void **state)
{
        add_ending("/a", NOW + 5000, "p1");
        assert_expires(NOW + 5000);

        /* Not renewed yet, it may have loaded either. */
        put("a", "new");
        add_ending("/b", NOW + 9000, "p2");
        assert_expires(NOW + 5000);
        add_ending("/b", NOW + 1000, "p2");
        assert_expires(NOW + 1000);
        add("x", "/c", "p3", NOW);
        assert_expires(NOW + 1000);

        /* A debt that is none any longer says nothing. */
        assert_int_equal(unlink("a"), 0);
        add_ending("/a", NOW + 7000, "p4");
        assert_expires(NOW + 7000);
}

static void test_hostile_names(void **state)
{
        add("../../etc/x", "/a", "p1", NOW);
        put("a", "new");
        add("../../etc/x", "/b", "p1", NOW);

        autoptr(OwedList) list = read_all();
        assert_int_equal(list->n, 1);
        assert_string_equal(list->entries[0].component, "../../etc/x");
        assert_int_equal(strv_length(list->entries[0].paths), 3);
}

static void test_an_unreadable_entry_is_still_owed(void **state)
{
        add("kube-apiserver", "/a", "p1", NOW);
        put("state/owed/kube-apiserver.json", "{");
        put("state/owed/etcd.json", "{\"component\": 1}");
        put("state/owed/.etcd.json.tmp", "{");
        put("state/owed/.json", "{");
        put("state/owed/README", "{");

        autoptr(OwedList) list = read_all();
        assert_int_equal(list->n, 2);
        assert_string_equal(list->entries[0].component, "etcd");
        assert_string_equal(list->entries[1].component, "kube-apiserver");
        assert_int_equal(list->entries[1].since, 0);
        assert_null(list->entries[1].paths);

        add("kube-apiserver", "/a", "p2", NOW);
        autoptr(OwedList) again = read_all();
        assert_int_equal(again->entries[1].since, NOW);
        assert_int_equal(owed_forget_undone(root_fd, "/state", NULL), 0);
        autoptr(OwedList) still = read_all();
        assert_int_equal(still->n, 2);
}

static size_t still_owed(void)
{
        autoptr(OwedList) list = NULL;

        assert_int_equal(owed_forget_undone(root_fd, "/state", NULL), 0);
        list = read_all();
        return list->n;
}

/* Who has only seen it has made no backup of it. */
static void test_a_note_keeps_the_pass_that_has_changed_the_file(void **state)
{
        char *paths[] = {"/a", NULL};
        Owed note = {.component = "kube-apiserver",
                .since = NOW + 1,
                .pass_id = "p2",
                .paths = paths,
                .reason = "it serves another"};

        add("kube-apiserver", "/a", "p1", NOW);
        put("a", "new");
        assert_int_equal(owed_note(root_fd, "/state", &note, NULL), 0);
        autoptr(OwedList) list = read_all();
        assert_string_equal(list->entries[0].pass_id, "p1");
        assert_int_equal(list->entries[0].since, NOW);
        assert_string_equal(list->entries[0].reason, "it serves another");
        assert_int_equal(owed_remove(root_fd, "/state", "kube-apiserver", NULL), 0);
        assert_int_equal(owed_note(root_fd, "/state", &note, NULL), 0);
        autoptr(OwedList) fresh = read_all();
        assert_string_equal(fresh->entries[0].pass_id, "p2");
        add("kube-apiserver", "/a", "p3", NOW + 2);
        autoptr(OwedList) again = read_all();
        assert_string_equal(again->entries[0].pass_id, "p3");
}

/* The commit failed, or a crash undid it: a restart that nothing needs is no alarm. */
static void test_t36_what_was_undone_is_not_owed(void **state)
{
        assert_int_equal(still_owed(), 0);
        put("a", "old");
        add("kube-apiserver", "/a", "p1", NOW);
        put("a", "new");
        assert_int_equal(still_owed(), 1);
        put("a", "old");
        assert_int_equal(still_owed(), 0);
        assert_int_equal(access("state/owed/kube-apiserver.json", F_OK), -1);
}

/* No content of a file pays it, and a process that is older than what was asked for neither. */
static void test_a_start_that_renews_is_owed_until_proven(void **state)
{
        put("a", "old");
        add("k3s", "/a", "p1", NOW);
        add_restart("k3s", "/a", "p2", NOW + 5, true);
        assert_int_equal(still_owed(), 1);
        put("a", "new");
        add_restart("k3s", "/b", "p3", NOW + 9, true);
        add("k3s", "/a", "p4", NOW + 10);
        put("a", "old");
        assert_int_equal(still_owed(), 1);

        autoptr(OwedList) list = read_all();
        assert_true(list->entries[0].renews);
        assert_int_equal(list->entries[0].since, NOW + 5);
        assert_int_equal(strv_length(list->entries[0].paths), 3);
}

/* Changed twice and back to the first: the process may have been started in between. */
static void test_what_changed_twice_is_owed_until_proven(void **state)
{
        put("a", "old");
        add("kube-apiserver", "/a", "p1", NOW);
        put("a", "new");
        add("kube-apiserver", "/a", "p2", NOW);
        put("a", "old");
        assert_int_equal(still_owed(), 1);
}

static void test_entries_that_say_too_little_are_owed(void **state)
{
        static const char *const texts[] = {"{",
                "{\"component\": \"a\", \"passId\": \"p\", \"since\": null, \"paths\": [\"/a\"]}",
                "{\"component\": \"a\", \"passId\": \"p\", \"since\": null, \"paths\": []}",
                ("{\"component\": \"a\", \"passId\": \"p\", \"since\": null, \"paths\": [\"/a\"], "
                 "\"before\": []}")};

        put("a", "old");
        add("a", "/a", "p1", NOW);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                put("state/owed/a.json", texts[i]);
                assert_int_equal(still_owed(), 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_nothing_is_owed),
                SCRATCH_TEST(test_entry_is_as_documented),
                SCRATCH_TEST(test_a_second_entry_joins_the_first),
                SCRATCH_TEST(test_what_is_loaded_ends_with_the_first),
                SCRATCH_TEST(test_hostile_names),
                SCRATCH_TEST(test_t36_what_was_undone_is_not_owed),
                SCRATCH_TEST(test_a_note_keeps_the_pass_that_has_changed_the_file),
                SCRATCH_TEST(test_a_start_that_renews_is_owed_until_proven),
                SCRATCH_TEST(test_what_changed_twice_is_owed_until_proven),
                SCRATCH_TEST(test_entries_that_say_too_little_are_owed),
                SCRATCH_TEST(test_an_unreadable_entry_is_still_owed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
