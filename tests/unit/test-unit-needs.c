/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"
#include "renew/unit/unit-needs.h"

#define OTHER "[component kube-apiserver]\nManifest=/etc/kubernetes/manifests/kube-apiserver.yaml\n"

/* The directories, with blanks between. */
static void assert_needs(const char *root, const char *directories)
{
        autoptr(Config) config = load_good(root);
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(Inventory) inventory = NULL;
        autoptr(UnitNeeds) needs = NULL;
        autostrv paths = NULL;

        assert_int_equal(inventory_read(root_fd, config, &inventory, NULL), 0);
        needs = unit_needs(root_fd, config, inventory);
        for (size_t i = 0; i < needs->n; i++)
                strv_add(&paths, needs->directories[i].path);
        autofree char *joined = strv_join(paths, " ");
        assert_string_equal(joined, directories);
}

static void test_directories(void **state)
{
        static const struct {
                const char *text, *directories;
        } table[] = {
                /* The small layout: /pki, /admin.conf, /manifests. */
                {"[renewal]\n", "/ /manifests /pki"},
                {"[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER,
                        "/manifests /pki"},
                {"[kubeconfig admin.conf]\nPath=/pki-more/admin.conf\n" OTHER,
                        "/manifests /pki /pki-more"},
                {"[kubeconfig admin.conf]\nPath=/pki/deep/er/admin.conf\n" OTHER,
                        "/manifests /pki"},
                {"[kubeconfig admin.conf]\nWatch=yes\n" OTHER, "/manifests /pki"},
                {"[kubeconfig admin.conf]\nWatch=yes\n[certificate apiserver]\nWatch=yes\n"
                 "[component etcd]\nManifest=/etc/kubernetes/manifests/etcd.yaml\n"
                 "[agent]\nStateDirectory=/srv/state\n",
                        "/srv/state"},
                {"[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER
                 "[copy a]\nSource=admin.conf\nPath=/home/USER/.kube/config\n"
                 "[copy b]\nSource=admin.conf\nPath=/root/.kube/config\n"
                 "[copy c]\nSource=apiserver\nDirectory=/srv/proxy\n",
                        "/home/USER/.kube /manifests /pki /srv/proxy"},
                /* What is there today and what may come. */
                {"[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER
                 "[copy a]\nSource=apiserver\nDirectory=/srv/shared/*/pki\n"
                 "[copy b]\nSource=apiserver\nDirectory=/home/*/pki\n"
                 "[copy c]\nSource=apiserver\nDirectory=/data/*\nSource=\n",
                        "/manifests /pki /srv/shared"},
                /* In a home itself every file is in reach. */
                {"[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER
                 "[copy a]\nSource=admin.conf\nPath=/root/kubeconfig\n",
                        "/manifests /pki /root"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *root = new_root(table[i].text);

                assert_needs(root, table[i].directories);
                tree_free(root);
        }
}

/* systemd counts in real directories. */
static void test_behind_links(void **state)
{
        char *root = new_root("[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER);
        autofree char *pki = xasprintf("%s/pki", root);

        tree_write_text(root, "/srv/real/x", "");
        assert_int_equal(symlink("/srv/real", pki), 0);
        assert_needs(root, "/manifests /srv/real");
        tree_free(root);
}

/* A kubeconfig may say itself where certificate and key of its user are. */
static void test_files_of_a_kubeconfig(void **state)
{
        char *root = new_root("[kubeconfig admin.conf]\nPath=/etc/kubernetes/admin.conf\n" OTHER);

        tree_write_text(root, "/etc/kubernetes/admin.conf",
                "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                "contexts:\n- name: c\n  context: {cluster: k, user: u}\n"
                "clusters:\n- name: k\n  cluster: {server: 'https://192.0.2.1:6443'}\n"
                "users:\n- name: u\n  user: {client-certificate: /srv/a/u.crt, client-key: "
                "/srv/b/u.key}\n");
        assert_needs(root, "/manifests /pki /srv/a /srv/b");
        tree_free(root);
}

static void assert_drop_in(const UnitNeeds *needs, const char *unit, const char *expected)
{
        autofree char *text = unit_needs_drop_in(needs, unit);

        assert_string_equal(text, expected);
}

#define HEAD(unit)                                                                                 \
        "# /etc/systemd/system/" unit ".d/50-configuration.conf\n"                                 \
        "# What the configuration needs beyond the unit as it is shipped. Print it anew, and\n"    \
        "# 'systemctl daemon-reload', when the configuration has changed.\n"

#define ALSO    "# Also: kube-renewd config --drop-in "
#define TIMEOUT "# What may be waited for adds up to this, if everything goes wrong.\n"

static void test_what_may_be_written(void **state)
{
        NeededDirectory directories[] = {
                {.path = (char *)"/srv/100%", .file = (char *)"/srv/100%/x"},
                {.path = (char *)"/srv/\\\"'", .file = (char *)"/srv/\\\"'/x"},
                {.path = (char *)"/srv/a b", .file = (char *)"/srv/a b/x"},
                {.path = (char *)"/srv/kr", .file = (char *)"/srv/kr/lock", .is_state = true},
                {.path = (char *)"/var/tmp", .file = (char *)"/var/tmp/X"},
        };
        const UnitNeeds needs = {
                .directories = directories, .n = ELEMENTSOF(directories), .in_tmp = true};

        assert_drop_in(&needs, SERVICE_UNIT,
                HEAD(SERVICE_UNIT) ALSO RECOVER_UNIT
                "\n\n[Service]\n"
                "# To replace /srv/100%/x.\n"
                "ReadWritePaths=-/srv/100%%\n"
                "# To replace /srv/\\\"'/x.\n"
                "ReadWritePaths=\"-/srv/\\\\\\\"'\"\n"
                "# To replace /srv/a b/x.\n"
                "ReadWritePaths=\"-/srv/a b\"\n"
                "# For the state; first 'mkdir -m 711 -p /srv/kr'.\n"
                "ReadWritePaths=/srv/kr\n"
                "# To replace /var/tmp/X.\n"
                "ReadWritePaths=-/var/tmp\n"
                "# Else it has a /tmp and a /var/tmp of its own.\n"
                "PrivateTmp=no\n");
        assert_drop_in(&needs, FAILURE_UNIT,
                "# kube-renewd-failure@.service needs no drop-in for this configuration.\n");
        assert_drop_in(&needs, REQUESTED_UNIT,
                "# kube-renewd-requested.path needs no drop-in for this configuration.\n");
}

#define REACH "is out of the service's reach: "
#define MOVE  "must not be writable as a whole; move the file into a directory of its own"

static void test_what_no_drop_in_allows(void **state)
{
        NeededDirectory directories[] = {
                {.path = (char *)"/", .file = (char *)"/x.conf"},
                {.path = (char *)"/srv/a\nb", .file = (char *)"/srv/a\nb/x"},
                {.path = (char *)"/srv/\xff", .file = (char *)"/srv/\xff/x"},
        };
        const UnitNeeds needs = {.directories = directories, .n = ELEMENTSOF(directories)};

        assert_drop_in(&needs, SERVICE_UNIT,
                HEAD(SERVICE_UNIT) "\n[Service]\n"
                                   "# '/x.conf' " REACH "'/' " MOVE ".\n"
                                   "# ReadWritePaths=-/\n"
                                   "# '/srv/a\\x0ab/x' " REACH "no unit can name '/srv/a\\x0ab'; "
                                   "move the file into a directory without control characters.\n"
                                   "# '/srv/\\xff/x' " REACH "no unit can name '/srv/\\xff'; move "
                                   "the file into a directory without control characters.\n");
}

static void test_guarded_directories(void **state)
{
        static const struct {
                const char *path;
                bool is_guarded;
        } table[] = {
                {"/", true},
                {"/etc", true},
                {"/etc/etcd", false},
                {"/etc/systemd/system", true},
                {"/usr", true},
                {"/usr/bin", true},
                {"/usr/local/bin", true},
                {"/usr/share/pki", false},
                {"/lib64", true},
                {"/boot/efi", true},
                {"/root", true},
                {"/root/.kube", false},
                {"/home", true},
                {"/home/ADA", true},
                {"/home/ADA/.kube", false},
                {"/run", true},
                {"/var/lib", true},
                {"/var/lib/etcd", false},
                {"/tmp", false},
                {"/srv/x", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const NeededDirectory directory = {
                        .path = (char *)table[i].path, .file = (char *)"/x"};
                autofree char *problem = needed_directory_problem(&directory);

                if ((problem != NULL) != table[i].is_guarded)
                        fail_msg("%s: %s", table[i].path, problem ? problem : "no problem");
        }
}

/* ProtectSystem=yes is what the recovery has. */
static void test_out_of_the_recoverys_reach(void **state)
{
        NeededDirectory directories[] = {
                {.path = (char *)"/srv/a", .file = (char *)"/srv/a/x"},
                {.path = (char *)"/usr/local", .file = (char *)"/usr/local/x"},
                {.path = (char *)"/usr/share/pki", .file = (char *)"/usr/share/pki/x"},
        };
        const UnitNeeds needs = {.directories = directories, .n = ELEMENTSOF(directories)};

        assert_drop_in(&needs, RECOVER_UNIT,
                HEAD(RECOVER_UNIT) "\n[Service]\n"
                                   "# '/usr/local/x' " REACH "'/usr/local' " MOVE ".\n"
                                   "# ReadWritePaths=-/usr/local\n"
                                   "# To replace /usr/share/pki/x.\n"
                                   "ReadWritePaths=-/usr/share/pki\n");
}

static void test_how_long(void **state)
{
        const UnitNeeds nothing = {}, patience = {.timeout = 4 * HOUR};
        const UnitNeeds more = {.timeout = 4 * HOUR + 1};

        assert_drop_in(&nothing, SERVICE_UNIT,
                "# kube-renewd.service needs no drop-in for this configuration.\n");
        assert_drop_in(&patience, SERVICE_UNIT,
                HEAD(SERVICE_UNIT) "\n[Service]\n" TIMEOUT "TimeoutStartSec=240min\n");
        assert_drop_in(&more, SERVICE_UNIT,
                HEAD(SERVICE_UNIT) "\n[Service]\n" TIMEOUT "TimeoutStartSec=241min\n");

        /* A recovery waits for nobody, and must not keep the kubelet waiting. */
        assert_drop_in(&more, RECOVER_UNIT,
                "# kube-renewd-recover.service needs no drop-in for this configuration.\n");
}

static void test_state_and_services_elsewhere(void **state)
{
        char *readers[] = {(char *)"my-kubelet.service", (char *)"a%b.service", NULL};
        const UnitNeeds needs = {.state_directory = (char *)"/srv/my state%", .readers = readers};

        assert_drop_in(&needs, FAILURE_UNIT,
                HEAD(FAILURE_UNIT) "\n[Service]\n"
                                   "# It reads no configuration.\n"
                                   "Environment=\"STATE_DIRECTORY=/srv/my state%%\"\n");
        assert_drop_in(&needs, REQUESTED_UNIT,
                HEAD(REQUESTED_UNIT) "\n[Path]\n"
                                     "# It reads no configuration.\n"
                                     "PathChanged=\n"
                                     "PathChanged=/srv/my state%%/renew-requested\n");
        assert_drop_in(&needs, RECOVER_UNIT,
                HEAD(RECOVER_UNIT) "\n[Unit]\n"
                                   "# What is unfinished is there.\n"
                                   "RequiresMountsFor=\"/srv/my state%%\"\n"
                                   "ConditionPathExists=|/srv/my state%%/transaction.committed\n"
                                   "ConditionPathExists=|/srv/my state%%/transaction.prepared\n"
                                   "ConditionDirectoryNotEmpty=|/srv/my state%%/parked\n"
                                   "ConditionPathExists=|/srv/my state%%/kubelet-rotation.json\n"
                                   "# They read certificates when they start.\n"
                                   "Before=my-kubelet.service a%%b.service\n");
        /* A pass does not wait for what it may have to mend. */
        assert_drop_in(&needs, SERVICE_UNIT,
                "# kube-renewd.service needs no drop-in for this configuration.\n");
}

#define DROP_IN                                                                                    \
        "' in the unit of the service would allow it: 'kube-renewd config --drop-in' prints what " \
        "it lacks"
#define UNLESS "; unless the file system itself is read-only, 'ReadWritePaths="

static void test_hint_only_where_it_may_help(void **state)
{
        static const struct {
                const char *path, *hint;
                int r;
        } table[] = {
                {"/srv/pki/a.crt", UNLESS "/srv/pki" DROP_IN, -EROFS},
                {"/srv/pki/a.crt", "", -EPERM},
                {"/srv/pki/a.crt", "", 0},
                /* Allowed as it is shipped: the drop-in has nothing to say. */
                {"/etc/kubernetes/pki/a.crt", "", -EROFS},
                {"/root/.kube/config", "", -EROFS},
                {"/etc/a.crt",
                        "; '/etc/a.crt' is out of the service's reach: '/etc' must not be "
                        "writable as a whole; move the file into a directory of its own",
                        -EROFS},
        };
        autofd int root_fd = fs_open_root("/", NULL);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *expected = xasprintf("cannot write%s", table[i].hint);
                Error error = {};

                error_set(&error, table[i].r, "cannot write");
                assert_int_equal(
                        unit_needs_hint(&error, table[i].r, root_fd, table[i].path), table[i].r);
                assert_string_equal(error.text, expected);
        }
        assert_int_equal(unit_needs_hint(NULL, -EROFS, root_fd, "/srv/pki/a.crt"), -EROFS);
}

static void test_hint_about_the_state(void **state)
{
        autofd int root_fd = fs_open_root("/", NULL);
        Error error = {};

        error_set(&error, -EROFS, "cannot write");
        assert_int_equal(unit_needs_hint_state(&error, -EROFS, root_fd, "/srv/kr"), -EROFS);
        assert_string_equal(error.text,
                "cannot write; first 'mkdir -m 711 -p /srv/kr'" UNLESS "/srv/kr" DROP_IN);
        error_set(&error, -EROFS, "cannot write");
        assert_int_equal(
                unit_needs_hint_state(&error, -EROFS, root_fd, CONFIG_STATE_DIRECTORY), -EROFS);
        assert_string_equal(error.text, "cannot write");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_directories),
                cmocka_unit_test(test_behind_links),
                cmocka_unit_test(test_files_of_a_kubeconfig),
                cmocka_unit_test(test_what_may_be_written),
                cmocka_unit_test(test_what_no_drop_in_allows),
                cmocka_unit_test(test_guarded_directories),
                cmocka_unit_test(test_out_of_the_recoverys_reach),
                cmocka_unit_test(test_how_long),
                cmocka_unit_test(test_state_and_services_elsewhere),
                cmocka_unit_test(test_hint_only_where_it_may_help),
                cmocka_unit_test(test_hint_about_the_state),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
