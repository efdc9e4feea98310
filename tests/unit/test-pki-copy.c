/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/backup/pki-copy.h"

#define PKI  "/etc/kubernetes/pki"
#define COPY PKI ".bak"

static Host host_with_copies(const char *configuration)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", configuration);
        host_configure(&host);
        return host;
}

static char **copies(const Host *host)
{
        char **names = NULL;

        (void)!fs_list(host->root_fd, COPY, &names, NULL);
        return names;
}

/* What is in a directory, and how, as one text. */
static char *listing(const Host *host, const char *directory, const char *format)
{
        autofree char *command =
                xasprintf("cd '%s%s' && find . -printf '%s' | sort", host->root, directory, format);
        char *text = xcalloc(1, 65536);
        FILE *pipe = popen(command, "re");

        assert_non_null(pipe);
        assert_true(fread(text, 1, 65535, pipe) > 0);
        assert_int_equal(pclose(pipe), 0);
        return text;
}

static void make(const Host *host, int64_t now)
{
        char *changed[] = {
                (char *)PKI "/apiserver.crt", (char *)"/etc/kubernetes/manifests/etcd.yaml", NULL};
        Error error = {};

        if (pki_copy_make(host->root_fd, host->config, changed, now, &error) < 0)
                fail_msg("%s", error.text);
}

static void test_t33_whole_directory_is_copied(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=" PKI "\n");
        autofree char *socket_ = xasprintf("mkfifo '%s" PKI "/fifo'", host.root);
        autofree char *link_path = xasprintf("%s" PKI "/link", host.root);
        autofree char *before = NULL, *after = NULL, *modes = NULL;
        autofree char *key = NULL, *copied_key = NULL;

        tree_write_text(host.root, PKI "/notes of somebody/README", "mine");
        assert_int_equal(symlink("/etc/kubernetes/admin.conf", link_path), 0);
        before = listing(&host, PKI, "%P %y %l %s\\n");
        assert_int_equal(system(socket_), 0);
        make(&host, 1795309046);
        after = listing(&host, COPY "/1795309046", "%P %y %l %s\\n");
        key = tree_read(host.root, PKI "/etcd/ca.key", NULL);
        copied_key = tree_read(host.root, COPY "/1795309046/etcd/ca.key", NULL);
        assert_string_equal(copied_key, key);
        modes = listing(&host, COPY, "%y%m\\n");
        assert_null(strstr(modes, "f644"));
        assert_null(strstr(modes, "d755"));
        assert_non_null(strstr(modes, "f600"));
        assert_non_null(strstr(modes, "d700"));

        /* Sizes of directories are the file system's business. */
        assert_int_equal(strlen(after) > 0, strlen(before) > 0);
        for (char *line = strtok(before, "\n"); line; line = strtok(NULL, "\n"))
                if (!strstr(line, " d "))
                        assert_non_null(strstr(after, line));
        assert_null(strstr(after, "fifo"));
        host_free(&host);
}

static void test_t33_two_in_one_second_are_two(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=" PKI "\n");
        autofree char *first = NULL, *second = NULL;
        autostrv names = NULL;

        tree_write_text(host.root, PKI "/a", "1");
        make(&host, 1795309046);
        tree_write_text(host.root, PKI "/a", "2");
        make(&host, 1795309046);
        make(&host, 1795309047);
        names = copies(&host);
        assert_int_equal(strv_length(names), 3);
        assert_string_equal(names[2], "1795309048");
        first = tree_read(host.root, COPY "/1795309046/a", NULL);
        second = tree_read(host.root, COPY "/1795309047/a", NULL);
        assert_string_equal(first, "1");
        assert_string_equal(second, "2");
        host_free(&host);
}

static void test_t33_old_copies_go(void **state)
{
        Host host = host_with_copies("[backup]\nKeepBackups=2\nPKIDirectory=" PKI "\n");
        autostrv names = NULL;
        autostrv kept = NULL;

        make(&host, 999999999); /* by number, not by letter */
        make(&host, 1000000000);
        make(&host, 1000000001);
        tree_write_text(host.root, COPY "/mine/a", "x");
        tree_write_text(host.root, COPY "/.1000000002.unfinished/a", "x");
        tree_write_text(host.root, STATE "/ca-rotation/kubernetes.json", "{}");
        assert_int_equal(pki_copy_prune(host.root_fd, host.config, NULL), 0);
        kept = copies(&host);
        assert_int_equal(strv_length(kept), 4);
        tree_remove(host.root, STATE "/ca-rotation/kubernetes.json");
        assert_int_equal(pki_copy_prune(host.root_fd, host.config, NULL), 0);
        names = copies(&host);
        assert_int_equal(strv_length(names), 3);
        assert_string_equal(names[0], "1000000000");
        assert_string_equal(names[1], "1000000001");
        assert_string_equal(names[2], "mine");
        host_free(&host);
}

static void test_t33_several_directories(void **state)
{
        static const char *const made[] = {COPY, "/etc/kubernetes/manifests.bak"};
        Host host = host_with_copies(
                "[backup]\nKeepBackups=1\nPKIDirectory=" PKI " /etc/kubernetes/manifests\n");

        make(&host, 1795309046);
        make(&host, 1795309047);
        assert_int_equal(pki_copy_prune(host.root_fd, host.config, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(made); i++) {
                autostrv names = NULL;

                assert_int_equal(fs_list(host.root_fd, made[i], &names, NULL), 0);
                assert_int_equal(strv_length(names), 1);
                assert_string_equal(names[0], "1795309047");
        }
        host_free(&host);
}

/* What an earlier one has left half done is no copy, and in nobody's way. */
static void test_t36_unfinished_copy_is_made_anew(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=" PKI "\n");
        autostrv names = NULL;

        tree_write_text(host.root, COPY "/.1795309046.unfinished/rest", "x");
        make(&host, 1795309046);
        names = copies(&host);
        assert_int_equal(strv_length(names), 1);
        assert_false(fs_exists(host.root_fd, COPY "/1795309046/rest"));
        host_free(&host);
}

static void test_none_is_configured(void **state)
{
        Host host = host_with_copies("");

        make(&host, 1795309046);
        assert_int_equal(pki_copy_prune(host.root_fd, host.config, NULL), 0);
        assert_false(fs_exists(host.root_fd, COPY));
        host_free(&host);
}

/* Before each commit, what was there; where that cannot be, there is none. */
static void test_t33_every_commit_has_one(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=" PKI "\n");
        Digest before = tree_digest(host.root, PKI "/apiserver.crt"), after, copied;
        autofree char *path = xasprintf(COPY "/%lld/apiserver.crt", (long long)host.now);
        autostrv names = NULL;

        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        names = copies(&host);
        assert_int_equal(strv_length(names), 1);
        copied = tree_digest(host.root, path);
        after = tree_digest(host.root, PKI "/apiserver.crt");
        assert_true(digest_equal(&copied, &before));
        assert_false(digest_equal(&after, &before));
        host_free(&host);
}

static bool is_replaced(const Host *host, const char *path, const Digest *before)
{
        Digest after = tree_digest(host->root, path);

        return !digest_equal(&after, before);
}

/* What is in the directory stays, with its keys; what is elsewhere has nothing to do with it. */
static void test_t33_nothing_is_replaced_without_one(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=" PKI "\n");
        Digest certificate = tree_digest(host.root, PKI "/apiserver.crt");
        Digest key = tree_digest(host.root, PKI "/etcd/server.key");
        Digest kubeconfig = tree_digest(host.root, "/etc/kubernetes/admin.conf");

        tree_write_text(host.root, COPY, "no directory");
        assert_int_not_equal(run_nightly(&host), EXIT_DONE);
        assert_false(is_replaced(&host, PKI "/apiserver.crt", &certificate));
        assert_false(is_replaced(&host, PKI "/etcd/server.key", &key));
        assert_true(is_replaced(&host, "/etc/kubernetes/admin.conf", &kubeconfig));
        host_free(&host);
}

/* As that of a layout whose files were removed, beside one that goes on. */
static void test_t33_missing_directory_holds_up_nobody_else(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=/nowhere " PKI "\n");
        Digest before = tree_digest(host.root, PKI "/apiserver.crt");
        autostrv names = NULL;

        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_true(is_replaced(&host, PKI "/apiserver.crt", &before));
        names = copies(&host);
        assert_int_equal(strv_length(names), 1);
        assert_false(fs_exists(host.root_fd, "/nowhere.bak"));
        host_free(&host);
}

static void test_t33_only_what_changes_is_copied(void **state)
{
        Host host = host_with_copies("[backup]\nPKIDirectory=/nowhere " PKI "\n");
        char *elsewhere[] = {(char *)"/etc/kubernetes/admin.conf", NULL};
        char *nowhere[] = {(char *)"/nowhere/apiserver.crt", NULL};

        assert_int_equal(pki_copy_make(host.root_fd, host.config, elsewhere, 1000, NULL), 0);
        assert_false(fs_exists(host.root_fd, COPY));
        make(&host, 1000);
        assert_true(fs_exists(host.root_fd, COPY));
        assert_int_equal(pki_copy_make(host.root_fd, host.config, nowhere, 1000, NULL), -ENOENT);
        host_free(&host);
}

/* A name that only begins alike is another one; a link leads to the same. */
static void test_what_a_directory_covers(void **state)
{
        Host host = host_with_copies("");
        autofree char *link_path = xasprintf("%s/pki", host.root);

        assert_int_equal(symlink(PKI, link_path), 0);
        assert_true(pki_copy_covers(host.root_fd, PKI, PKI "/etcd/server.crt"));
        assert_true(pki_copy_covers(host.root_fd, "/pki", PKI "/etcd/server.crt"));
        assert_true(pki_copy_covers(host.root_fd, PKI, "/pki/apiserver.crt"));
        assert_false(pki_copy_covers(host.root_fd, PKI, PKI "2/apiserver.crt"));
        assert_false(pki_copy_covers(host.root_fd, PKI, "/etc/kubernetes/admin.conf"));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t33_whole_directory_is_copied),
                cmocka_unit_test(test_t33_two_in_one_second_are_two),
                cmocka_unit_test(test_t33_old_copies_go),
                cmocka_unit_test(test_t33_several_directories),
                cmocka_unit_test(test_t36_unfinished_copy_is_made_anew),
                cmocka_unit_test(test_none_is_configured),
                cmocka_unit_test(test_t33_every_commit_has_one),
                cmocka_unit_test(test_t33_nothing_is_replaced_without_one),
                cmocka_unit_test(test_t33_missing_directory_holds_up_nobody_else),
                cmocka_unit_test(test_t33_only_what_changes_is_copied),
                cmocka_unit_test(test_what_a_directory_covers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
