/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every kind of file that is read, and everything that may be in its place (T07): one bad row, or
 * one sentence that names the file; the rest is listed, and well. */

#include "unit.h"

#include "damage.h"
#include "host.h"

#include <errno.h>

#define CONF    "/etc/kube-renewd/kube-renewd.conf"
#define DROP_IN "/etc/kube-renewd/kube-renewd.conf.d/10-site.conf"
#define LAYOUT  "/etc/kube-renewd/layouts/site.conf"
#define CURRENT "/var/lib/kubelet/pki/kubelet-client-current.pem"
#define COPY    "/root/.kube/config"

static const struct {
        const char *name;
        Damage *damage;
} damages[] = {
        {"garbage", make_garbage},
        {"empty", make_empty},
        {"truncated", make_truncated},
        {"double", make_double},
        {"a directory", make_directory},
        {"a FIFO", make_fifo},
        {"1 GiB", make_huge},
        {"a loop", make_loop},
};

/* A control plane with a kubelet's pair in one file, a copy, and a configuration in three files. */
static Host host_with_all(void)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autofree char *admin = tree_read(host.root, "/etc/kubernetes/admin.conf", NULL);
        autofree char *crt =
                tree_read(host.root, "/etc/kubernetes/pki/apiserver-kubelet-client.crt", NULL);
        autofree char *key =
                tree_read(host.root, "/etc/kubernetes/pki/apiserver-kubelet-client.key", NULL);
        autofree char *both = xasprintf("%s%s", crt, key);

        tree_write_text(host.root, CURRENT, both);
        tree_write_text(host.root, COPY, admin);
        tree_write_text(host.root, CONF, "[renewal]\nRenewBefore=20d\n");
        tree_write_text(host.root, DROP_IN, "[backup]\nKeepBackups=3\n");
        tree_write_text(host.root, LAYOUT,
                "[layout]\nDetect=/etc/kubernetes/nothing\n"
                "[certificate site]\nCertificate=/a.pem\nKey=/a.pem\nWatch=yes\n");
        host_look(&host);
        return host;
}

/* The files of rows. */
static const struct {
        const char *path, *row;
        bool twice_is_fine; /* two certificates are a bundle */
        bool others_depend; /* on this CA */
} rows[] = {
        {"/etc/kubernetes/pki/apiserver.crt", "apiserver", true, false},
        {"/etc/kubernetes/pki/apiserver.key", "apiserver", false, false},
        {"/etc/kubernetes/pki/ca.crt", "ca", true, true},
        {"/etc/kubernetes/pki/ca.key", "ca", false, false},
        {"/etc/kubernetes/admin.conf", "admin.conf", false, false},
        {CURRENT, "kubelet-client", false, false},
};

/* It is not well, and names the file. */
static void assert_bad(const Host *host, const char *row, const char *path)
{
        const Verdict *verdict = host_verdict(host, row);

        if (verdict->state == STATE_OK || !verdict->text || !strstr(verdict->text, path))
                fail_msg("%s is %s: '%s'", row, state_name(verdict->state), verdict->text);
}

static void assert_others_are_fine(const Host *host, const char *row)
{
        for (size_t i = 0; i < host->inventory->n_items; i++)
                if (!starts_with(host->inventory->items[i].name, row))
                        host_assert_row(host, host->inventory->items[i].name, STATE_OK, "");
}

static void test_t07_one_bad_row(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                for (size_t k = 0; k < ELEMENTSOF(damages); k++) {
                        Host host = host_with_all();
                        size_t n = host.inventory->n_items;
                        bool is_fine = rows[i].twice_is_fine && damages[k].damage == make_double;

                        print_message("# %s is %s\n", rows[i].path, damages[k].name);
                        damages[k].damage(host.root, rows[i].path);
                        host_look(&host);
                        assert_true(host.inventory->n_items >= n);
                        if (!is_fine)
                                assert_bad(&host, rows[i].row, rows[i].path);
                        if (!rows[i].others_depend)
                                assert_others_are_fine(&host, rows[i].row);
                        assert_int_equal(host.assessment->n_due, 0);
                        host_free(&host);
                }
        }
}

/* No file of a certificate: all rows are well, and it is told what is wrong. */
static void test_t07_one_bad_manifest(void **state)
{
        static const char path[] = "/etc/kubernetes/manifests/kube-scheduler.yaml";

        for (size_t k = 0; k < ELEMENTSOF(damages); k++) {
                Host host = host_with_all();
                const InventoryComponent *component = NULL;

                print_message("# %s\n", damages[k].name);
                damages[k].damage(host.root, path);
                host_look(&host);
                for (size_t i = 0; i < host.inventory->n_components; i++)
                        if (streq(host.inventory->components[i].entry->name, "kube-scheduler"))
                                component = &host.inventory->components[i];
                assert_non_null(component);
                /* The first half of one may be a whole one. */
                assert_true(component->error < 0 || damages[k].damage == make_truncated);
                assert_true(!component->manifest == (component->error < 0));
                if (component->error < 0 && !strstr(component->problem, path))
                        fail_msg("%s", component->problem);
                assert_others_are_fine(&host, "no row");
                host_free(&host);
        }
}

static void test_t07_one_bad_copy(void **state)
{
        for (size_t k = 0; k < ELEMENTSOF(damages); k++) {
                Host host = host_with_all();
                const InventoryCopy *copy = &host.inventory->copies[0];

                assert_int_equal(copy->error, 0);
                print_message("# %s\n", damages[k].name);
                damages[k].damage(host.root, COPY);
                host_look(&host);
                copy = &host.inventory->copies[0];
                /* What is a file is somebody else's, whatever it holds. */
                assert_true(
                        (copy->error < 0) ==
                        (damages[k].damage == make_directory || damages[k].damage == make_fifo ||
                                damages[k].damage == make_huge || damages[k].damage == make_loop));
                assert_true(copy->error == 0 || strstr(copy->problem, COPY));
                assert_others_are_fine(&host, "no row");
                host_free(&host);
        }
}

/* A configuration says in one sentence what it is that cannot be read, and where. */
static void test_t07_one_bad_configuration(void **state)
{
        static const char *const paths[] = {CONF, DROP_IN, LAYOUT};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                for (size_t k = 0; k < ELEMENTSOF(damages); k++) {
                        Host host = host_with_all();
                        const ConfigOptions options = {
                                .layout = streq(paths[i], LAYOUT) ? "site" : "kubeadm"};
                        autoptr(Config) config = NULL;
                        Error error = {};
                        int r;

                        print_message("# %s is %s\n", paths[i], damages[k].name);
                        damages[k].damage(host.root, paths[i]);
                        r = config_load(host.root_fd, &options, &config, &error);
                        if (r == 0 && damages[k].damage != make_double &&
                                damages[k].damage != make_empty)
                                fail_msg("it was read");
                        if (r < 0 && !strstr(error.text, paths[i]) &&
                                !strstr(error.text, "layout 'site'"))
                                fail_msg("%s", error.text);
                        host_free(&host);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t07_one_bad_row),
                cmocka_unit_test(test_t07_one_bad_manifest),
                cmocka_unit_test(test_t07_one_bad_copy),
                cmocka_unit_test(test_t07_one_bad_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
