/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/assess/copy.h"
#include "renew/commit/judge.h"

#define PKI       "/etc/kubernetes/pki/"
#define ADMIN     "/etc/kubernetes/admin.conf"
#define ROOT_CONF "/root/.kube/config"
#define CONF      "/etc/kube-renewd/kube-renewd.conf"
#define NONE      "[copy root-kubeconfig]\nSource=\n"
#define TREE      "v1.28.7/ecdsa-p256"

static Host host_with(const char *configuration, const char *at)
{
        Host host = host_new(TREE, at);

        tree_write_text(host.root, CONF, configuration);
        host_configure(&host);
        return host;
}

/* A file of the host, made of others ("a b": one behind the other). */
static void copy_files(const Host *host, const char *first, const char *second, const char *to)
{
        autofree char *a = tree_read(host->root, first, NULL);
        autofree char *b = second ? tree_read(host->root, second, NULL) : xstrdup("");
        autofree char *both = xasprintf("%s%s", a, b);

        tree_write_text(host->root, to, both);
}

static bool is_made_of(const Host *host, const char *path, const char *first, const char *second)
{
        autofree char *a = tree_read(host->root, first, NULL);
        autofree char *b = second ? tree_read(host->root, second, NULL) : xstrdup("");
        autofree char *both = xasprintf("%s%s", a, b);
        autofree char *copy = tree_read(host->root, path, NULL);

        return streq(copy, both);
}

static void make_link(const Host *host, const char *target, const char *path)
{
        autofree char *link = xasprintf("%s%s", host->root, path);

        tree_make_parents(host->root, path);
        assert_int_equal(symlink(target, link), 0);
}

static bool alarm_exists(const Host *host, const char *name)
{
        autofree char *path = xasprintf(STATE "/public/alarms/%s.json", name);

        return fs_exists(host->root_fd, path);
}

static void assert_alarm_says(const Host *host, const char *name, const char *words)
{
        autofree char *path = xasprintf(STATE "/public/alarms/%s.json", name);
        autofree char *text = tree_read(host->root, path, NULL);

        if (!strstr(text, words))
                fail_msg("%s lacks '%s': %s", name, words, text);
}

/* A nightly pass that restarts are owed by, as nobody restarts anything here. */
static void renew_all(Host *host)
{
        assert_int_equal(run_nightly(host), EXIT_UNFINISHED);
        host_look(host);
        assert_int_equal(host->assessment->n_due, 0);
}

static void assert_state(Host *host, CopyState state, const char *words)
{
        host_look(host);
        assert_int_equal(host->inventory->n_copies, 1);
        const CopyVerdict *verdict = &host->assessment->copies[0];
        assert_int_equal(verdict->state, state);
        assert_int_equal(words != NULL, verdict->text != NULL);
        if (words && !strstr(verdict->text, words))
                fail_msg("'%s' lacks '%s'", verdict->text, words);
}

static void test_states(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        Digest digest = tree_digest(host.root, "/etc/kubernetes/scheduler.conf");

        assert_state(&host, COPY_ABSENT, NULL);
        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        assert_state(&host, COPY_CURRENT, NULL);
        copy_files(&host, "/etc/kubernetes/scheduler.conf", NULL, ROOT_CONF);
        assert_state(&host, COPY_STALE, "never seen equal");

        /* It was equal when the source was something else, and nobody has touched it. */
        history_set_last_equal(host.history, ROOT_CONF, &digest);
        assert_state(&host, COPY_OUTDATED, "has not been refreshed");
        copy_files(&host, "/etc/kubernetes/kubelet.conf", NULL, ROOT_CONF);
        assert_state(&host, COPY_STALE, "somebody has changed it");

        tree_remove(host.root, ADMIN);
        assert_state(&host, COPY_UNKNOWN, NULL);
        tree_remove(host.root, ROOT_CONF);
        assert_state(&host, COPY_ABSENT, NULL);
        tree_make_parents(host.root, ROOT_CONF "/x");
        assert_state(&host, COPY_UNREADABLE, "is a directory");
        host_free(&host);
}

/* Owner and mode are the copy's own. */
static void test_a_copy_follows_its_source(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);
        autofree char *path = xasprintf("%s" ROOT_CONF, host.root);
        struct stat st;

        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        assert_int_equal(chmod(path, 0640), 0);
        assert_true(geteuid() != 0 || chown(path, 1234, 1234) == 0);
        Digest before = tree_digest(host.root, ROOT_CONF);

        renew_all(&host);
        Digest after = tree_digest(host.root, ROOT_CONF);
        assert_false(digest_equal(&before, &after));
        assert_true(is_made_of(&host, ROOT_CONF, ADMIN, NULL));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_true(geteuid() != 0 || (st.st_uid == 1234 && st.st_gid == 1234));
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));

        /* Nothing more is to be done: not a byte. */
        host.now += HOUR;
        (void)!run_nightly(&host);
        Digest later = tree_digest(host.root, ROOT_CONF);
        assert_true(digest_equal(&after, &later));
        host_free(&host);
}

static void test_bundles_and_directories(void **state)
{
        Host host = host_with("[copy proxy]\nSource=apiserver\nPath=/proxy.pem\nContent=bundle\n"
                              "[copy other]\nSource=apiserver\nPath=/other.pem\n"
                              "Content=bundle-key-first\n"
                              "[copy nginx]\nSource=apiserver\nPath=/tls.crt\nKey=/tls.key\n"
                              "[copy certificate]\nSource=etcd-server\nPath=/only.crt\n"
                              "Content=certificate\n"
                              "[copy standby]\nSource=etcd-peer scheduler.conf\n"
                              "Directory=/standby\n",
                TEN_DAYS_LEFT);
        static const struct {
                const char *path, *first, *second;
        } table[] = {
                {"/proxy.pem", PKI "apiserver.crt", PKI "apiserver.key"},
                {"/other.pem", PKI "apiserver.key", PKI "apiserver.crt"},
                {"/tls.crt", PKI "apiserver.crt", NULL},
                {"/tls.key", PKI "apiserver.key", NULL},
                {"/only.crt", PKI "etcd/server.crt", NULL},
                {"/standby/peer.crt", PKI "etcd/peer.crt", NULL},
                {"/standby/peer.key", PKI "etcd/peer.key", NULL},
                {"/standby/scheduler.conf", "/etc/kubernetes/scheduler.conf", NULL},
        };
        Digest before[ELEMENTSOF(table)];

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                copy_files(&host, table[i].first, table[i].second, table[i].path);
                before[i] = tree_digest(host.root, table[i].path);
        }
        renew_all(&host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Digest after = tree_digest(host.root, table[i].path);

                if (digest_equal(&before[i], &after) ||
                        !is_made_of(&host, table[i].path, table[i].first, table[i].second))
                        fail_msg("%s", table[i].path);
        }
        host_free(&host);
}

/* ReuseKey=yes: only the certificate's half is new. */
static void test_a_bundle_of_a_kept_key(void **state)
{
        Host host = host_with("[renewal]\nReuseKey=yes\n[copy proxy]\nSource=apiserver\n"
                              "Path=/proxy.pem\nContent=bundle\n",
                TEN_DAYS_LEFT);

        copy_files(&host, PKI "apiserver.crt", PKI "apiserver.key", "/proxy.pem");
        Digest before = tree_digest(host.root, "/proxy.pem");
        renew_all(&host);
        Digest after = tree_digest(host.root, "/proxy.pem");
        assert_false(digest_equal(&before, &after));
        assert_true(is_made_of(&host, "/proxy.pem", PKI "apiserver.crt", PKI "apiserver.key"));
        host_free(&host);
}

/* Failure mode 25. Whoever changed it keeps what he has, and is told. */
static void test_a_stale_copy_stays_and_is_told(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);

        tree_write_text(host.root, ROOT_CONF, "mine\n");
        renew_all(&host);
        autofree char *text = tree_read(host.root, ROOT_CONF, NULL);
        assert_string_equal(text, "mine\n");
        assert_alarm_says(&host, "stale-copy@root-kubeconfig", "never seen equal");

        /* gone when it is equal again, or not there, or switched off */
        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        (void)!run_nightly(&host);
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        tree_write_text(host.root, ROOT_CONF, "mine\n");
        (void)!run_nightly(&host);
        assert_true(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        tree_remove(host.root, ROOT_CONF);
        (void)!run_nightly(&host);
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        tree_write_text(host.root, ROOT_CONF, "mine\n");
        (void)!run_nightly(&host);
        tree_write_text(host.root, CONF, NONE);
        (void)!run_nightly(&host);
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        host_free(&host);
}

/* What cannot be seen clears nothing. */
static void test_t22_an_unreadable_source_clears_no_alarm(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_write_text(host.root, ROOT_CONF, "mine\n");
        (void)!run_nightly(&host);
        assert_true(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        tree_remove(host.root, ADMIN);
        (void)!run_nightly(&host);
        assert_true(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        host_free(&host);
}

/* A key without its certificate is of no use: what holds one back holds back the other. */
static void test_the_files_of_a_pair_move_together(void **state)
{
        Host host = host_with(
                "[copy standby]\nSource=apiserver etcd-peer\nDirectory=/standby\n", TEN_DAYS_LEFT);

        copy_files(&host, PKI "apiserver.crt", NULL, "/standby/apiserver.crt");
        tree_write_text(host.root, "/standby/apiserver.key", "mine\n");
        copy_files(&host, PKI "etcd/peer.crt", NULL, "/standby/peer.crt");
        copy_files(&host, PKI "etcd/peer.key", NULL, "/standby/peer.key");
        Digest before = tree_digest(host.root, "/standby/apiserver.crt");

        renew_all(&host);
        Digest after = tree_digest(host.root, "/standby/apiserver.crt");
        assert_true(digest_equal(&before, &after));
        assert_true(is_made_of(&host, "/standby/peer.crt", PKI "etcd/peer.crt", NULL));
        assert_alarm_says(&host, "stale-copy@standby", "/standby/apiserver.key");
        host_free(&host);
}

/* Failure mode 2: what could not be done is done at another pass, also where the source was
 * renewed by somebody else meanwhile. */
static void test_what_was_not_refreshed_is_refreshed_later(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        copy_files(&host, "/etc/kubernetes/controller-manager.conf", NULL, ADMIN);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_true(is_made_of(&host, ROOT_CONF, ADMIN, NULL));
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        host_free(&host);
}

/* A disk that failed in the first night, before it was seen what the copy is. */
static void test_what_could_not_be_read_is_known_again(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);

        copy_files(&host, ADMIN, NULL, "/before");
        tree_write_text(host.root, ROOT_CONF "/in", "the way");
        renew_all(&host);
        tree_remove(host.root, ROOT_CONF "/in");
        tree_remove(host.root, ROOT_CONF);
        copy_files(&host, "/before", NULL, ROOT_CONF);
        (void)!run_nightly(&host);
        assert_true(is_made_of(&host, ROOT_CONF, ADMIN, NULL));
        assert_false(alarm_exists(&host, "stale-copy@root-kubeconfig"));
        host_free(&host);
}

/* A pass that was told what to renew leaves other copies for the night. */
static void test_named_passes_leave_other_copies(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        char *names[] = {(char[]){"front-proxy-client"}, NULL};

        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        Digest before = tree_digest(host.root, ROOT_CONF);
        copy_files(&host, "/etc/kubernetes/controller-manager.conf", NULL, ADMIN);
        (void)!run_at(&host, host.now, &(PassRequest){.plan.names = names});
        Digest after = tree_digest(host.root, ROOT_CONF);
        assert_true(digest_equal(&before, &after));
        assert_alarm_says(&host, "stale-copy@root-kubeconfig", "has not been refreshed");
        host_free(&host);
}

static void test_create(void **state)
{
        Host host = host_with("[copy off]\nSource=admin.conf\nPath=/off/config\n"
                              "[copy on]\nSource=apiserver\nDirectory=/on\nCreate=yes\nMode=0440\n"
                              "[copy nowhere]\nSource=apiserver\nPath=/nowhere/x.pem\n"
                              "Content=bundle\nCreate=yes\n",
                ONE_DAY_OLD);
        autofree char *key = xasprintf("%s/on/apiserver.key", host.root);
        struct stat st;

        tree_make_parents(host.root, "/off/");
        tree_make_parents(host.root, "/on/");
        (void)!run_nightly(&host);
        assert_false(fs_exists(host.root_fd, "/off/config"));
        assert_true(is_made_of(&host, "/on/apiserver.crt", PKI "apiserver.crt", NULL));
        assert_true(is_made_of(&host, "/on/apiserver.key", PKI "apiserver.key", NULL));
        assert_int_equal(stat(key, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0440);
        assert_false(alarm_exists(&host, "stale-copy@off"));
        assert_false(alarm_exists(&host, "stale-copy@on"));
        assert_alarm_says(&host, "stale-copy@nowhere", "/nowhere");

        tree_make_parents(host.root, "/nowhere/");
        (void)!run_nightly(&host);
        assert_true(is_made_of(&host, "/nowhere/x.pem", PKI "apiserver.crt", PKI "apiserver.key"));
        assert_false(alarm_exists(&host, "stale-copy@nowhere"));
        host_free(&host);
}

/* One that cannot be written holds nothing else up. */
static void test_a_copy_that_fails_stops_nothing(void **state)
{
        Host host = host_with("[copy a]\nSource=admin.conf\nPath=/nowhere/config\nCreate=yes\n"
                              "[copy b]\nSource=admin.conf\nPath=/b\n",
                TEN_DAYS_LEFT);

        copy_files(&host, ADMIN, NULL, "/b");
        renew_all(&host);
        assert_true(is_made_of(&host, "/b", ADMIN, NULL));
        assert_true(alarm_exists(&host, "stale-copy@a"));
        assert_false(alarm_exists(&host, "stale-copy@b"));
        host_free(&host);
}

static void test_links(void **state)
{
        Host host = host_with("[copy other]\nSource=admin.conf\nPath=/other/config\n"
                              "[copy through]\nSource=apiserver\nDirectory=/linked\n"
                              "[copy hard]\nSource=scheduler.conf\nPath=/etc/hard\n",
                TEN_DAYS_LEFT);
        autofree char *source = xasprintf("%s/etc/kubernetes/scheduler.conf", host.root);
        autofree char *hard = xasprintf("%s/etc/hard", host.root);

        make_link(&host, ADMIN, ROOT_CONF);
        make_link(&host, "/elsewhere/config", "/other/config");
        copy_files(&host, ADMIN, NULL, "/elsewhere/config");
        make_link(&host, "/etc/kubernetes/pki", "/linked");
        assert_int_equal(link(source, hard), 0);

        renew_all(&host);
        autofree char *linked = xasprintf("%s" ROOT_CONF, host.root);
        struct stat st;
        assert_true(lstat(linked, &st) == 0 && S_ISLNK(st.st_mode));
        assert_true(is_made_of(&host, "/elsewhere/config", ADMIN, NULL));
        assert_true(is_made_of(&host, "/etc/hard", "/etc/kubernetes/scheduler.conf", NULL));
        for (size_t i = 0; i < host.inventory->n_copies; i++)
                assert_int_equal(host.assessment->copies[i].state, COPY_CURRENT);
        host_free(&host);
}

/* No way of naming it leads to a key of a CA. */
static void test_i9_a_copy_is_never_a_ca_file(void **state)
{
        Host host = host_with("[copy x]\nSource=apiserver\nPath=/x\nContent=key\nCreate=yes\n"
                              "[copy y]\nSource=apiserver\nPath=/y\nContent=key\nCreate=yes\n",
                TEN_DAYS_LEFT);

        make_link(&host, PKI "ca.key", "/x");
        make_link(&host, PKI "ca.crt", "/y");
        Digest key = tree_digest(host.root, PKI "ca.key"),
               certificate = tree_digest(host.root, PKI "ca.crt");
        renew_all(&host);
        Digest key_after = tree_digest(host.root, PKI "ca.key"),
               certificate_after = tree_digest(host.root, PKI "ca.crt");
        assert_true(digest_equal(&key, &key_after));
        assert_true(digest_equal(&certificate, &certificate_after));
        assert_true(alarm_exists(&host, "stale-copy@x"));
        host_free(&host);
}

/* Who reads the copy is owed a restart, as who reads the source. */
static void test_users_of_a_copy_are_restarted(void **state)
{
        Host host = host_with("[copy proxy]\nSource=apiserver\nPath=/proxy.pem\nContent=bundle\n"
                              "[component haproxy]\nUnit=haproxy.service\nUses=/proxy.pem\n",
                TEN_DAYS_LEFT);

        copy_files(&host, PKI "apiserver.crt", PKI "apiserver.key", "/proxy.pem");
        renew_all(&host);
        assert_true(fs_exists(host.root_fd, STATE "/owed/haproxy.json"));
        host_free(&host);

        host = host_with("[copy proxy]\nSource=apiserver\nPath=/proxy.pem\nContent=bundle\n"
                         "[component haproxy]\nUnit=haproxy.service\nUses=/proxy.pem\n",
                TEN_DAYS_LEFT);
        tree_write_text(host.root, "/proxy.pem", "mine\n");
        renew_all(&host);
        assert_false(fs_exists(host.root_fd, STATE "/owed/haproxy.json"));
        host_free(&host);
}

/* I10: the backup has the copies too. */
static void test_a_backup_has_the_copies(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);
        autostrv backups = NULL;

        copy_files(&host, ADMIN, NULL, ROOT_CONF);
        renew_all(&host);
        assert_int_equal(fs_list(host.root_fd, STATE "/backups", &backups, NULL), 0);
        autofree char *manifest = xasprintf(STATE "/backups/%s/manifest.json", backups[0]);
        autofree char *text = tree_read(host.root, manifest, NULL);
        assert_non_null(strstr(text, ROOT_CONF));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_a_copy_follows_its_source),
                cmocka_unit_test(test_bundles_and_directories),
                cmocka_unit_test(test_a_bundle_of_a_kept_key),
                cmocka_unit_test(test_a_stale_copy_stays_and_is_told),
                cmocka_unit_test(test_t22_an_unreadable_source_clears_no_alarm),
                cmocka_unit_test(test_the_files_of_a_pair_move_together),
                cmocka_unit_test(test_what_was_not_refreshed_is_refreshed_later),
                cmocka_unit_test(test_what_could_not_be_read_is_known_again),
                cmocka_unit_test(test_named_passes_leave_other_copies),
                cmocka_unit_test(test_create),
                cmocka_unit_test(test_a_copy_that_fails_stops_nothing),
                cmocka_unit_test(test_links),
                cmocka_unit_test(test_i9_a_copy_is_never_a_ca_file),
                cmocka_unit_test(test_users_of_a_copy_are_restarted),
                cmocka_unit_test(test_a_backup_has_the_copies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
