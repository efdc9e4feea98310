/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/inventory/inventory.h"
#include "tree.h"

#define TREE   "kubeadm/v1.28.7/ecdsa-p256/etc-kubernetes"
#define ETC    "/etc/kubernetes"
#define PKI    ETC "/pki"
#define GROUPS 30 /* of eight entries: together so many that they are read by threads */
#define PART   5  /* groups: so few that they are not */

static void copy(const char *root, const char *from, const char *to)
{
        autofree char *data = NULL;
        size_t size;

        data = tree_read(root, from, &size);
        tree_write(root, to, data, size);
        explicit_bzero(data, size);
}

PRINTF_LIKE(1, 2) static const char *name_of(const char *format, ...)
{
        static char name[64];
        va_list args;

        va_start(args, format);
        vsnprintf(name, sizeof(name), format, args);
        va_end(args);
        return name;
}

/* A kubeconfig whose user's files are those of a certificate. */
static void write_shared(const char *root, unsigned i)
{
        autofree char *text = xasprintf("users:\n- name: u\n  user:\n    client-certificate: "
                                        "good-%u.crt\n    client-key: good-%u.key\n",
                i, i);

        tree_write_text(root, name_of("/many/same-%u.conf", i), text);
}

/* Sound ones and others, and files that two entries share. */
static void write_group(const char *root, unsigned i)
{
        copy(root, PKI "/apiserver.crt", name_of("/many/good-%u.crt", i));
        copy(root, PKI "/apiserver.key", name_of("/many/good-%u.key", i));
        copy(root, PKI "/apiserver.crt", name_of("/many/other-%u.crt", i));
        copy(root, PKI "/front-proxy-client.key", name_of("/many/other-%u.key", i));
        copy(root, PKI "/front-proxy-client.crt", name_of("/many/foreign-%u.crt", i));
        copy(root, PKI "/front-proxy-client.key", name_of("/many/foreign-%u.key", i));
        tree_write_text(root, name_of("/many/bad-%u.crt", i), "bad");
        tree_write_text(root, name_of("/many/bad-%u.key", i), "bad");
        copy(root, ETC "/admin.conf", name_of("/many/good-%u.conf", i));
        tree_write_text(root, name_of("/many/bad-%u.conf", i), "{");
        write_shared(root, i);
}

static void print_certificate(FILE *f, const char *name, unsigned i)
{
        fprintf(f,
                "[certificate %s-%u]\nCertificate=/many/%s-%u.crt\nKey=/many/%s-%u.key\nCA=site\n",
                name, i, name, i, name, i);
}

static void print_kubeconfig(FILE *f, const char *name, unsigned i)
{
        fprintf(f, "[kubeconfig %s-%u.conf]\nPath=/many/%s-%u.conf\nCA=site\n", name, i, name, i);
}

static void print_group(FILE *f, unsigned i)
{
        print_certificate(f, "good", i);
        print_certificate(f, "other", i);
        print_certificate(f, "foreign", i);
        print_certificate(f, "bad", i);
        print_certificate(f, "missing", i);
        print_kubeconfig(f, "good", i);
        print_kubeconfig(f, "bad", i);
        print_kubeconfig(f, "same", i);
}

typedef struct Site {
        Config *config;
        Inventory *inventory;
} Site;

/* The groups from the first one on. */
static Site site_read(const char *root, unsigned first, unsigned n)
{
        autofree char *text = NULL;
        Error error = {};
        Site site = {};
        size_t size;
        FILE *f = open_memstream(&text, &size);

        fputs("[layout]\n[ca site]\nCertificate=" PKI "/ca.crt\nKey=" PKI "/ca.key\n", f);
        for (unsigned i = first; i < first + n; i++)
                print_group(f, i);
        fclose(f);
        tree_write_text(root, "/l/many.conf", text);
        autofd int root_fd = fs_open_root(root, NULL);
        if (config_load(root_fd, &(ConfigOptions){.layout = "/l/many.conf"}, &site.config, &error) <
                        0 ||
                inventory_read(root_fd, site.config, &site.inventory, &error) < 0)
                fail_msg("%s", error.text);
        return site;
}

static void site_free(Site *site)
{
        inventory_free(site->inventory);
        config_free(site->config);
}

static const Item *find(const Inventory *inventory, const char *name)
{
        for (size_t i = 0; i < inventory->n_items; i++)
                if (streq(inventory->items[i].name, name))
                        return &inventory->items[i];
        fail_msg("there is no '%s'", name);
        return NULL;
}

static void assert_same_text(const char *a, const char *b)
{
        assert_string_equal(a ? a : "(none)", b ? b : "(none)");
}

static void assert_same_item(const Item *a, const Item *b)
{
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->error, b->error);
        assert_int_equal(a->key_error, b->key_error);
        assert_int_equal(a->key_matches, b->key_matches);
        assert_int_equal(a->trusted, b->trusted);
        assert_same_text(a->trust_problem, b->trust_problem);
        assert_int_equal(a->ca != NULL, b->ca != NULL);
        assert_int_equal(a->cert != NULL, b->cert != NULL);
        if (a->cert)
                assert_true(cert_equal(a->cert, b->cert));
        assert_same_text(a->problem, b->problem);
        assert_same_text(a->path, b->path);
        assert_same_text(a->key_path, b->key_path);
        assert_same_text(a->renewed_as, b->renewed_as);
}

/* What one thread finds, many find. */
static void test_many_are_as_they_are_alone(void **state)
{
        char *root = tree_copy(TREE, ETC);
        size_t n_found = 0;
        Site all;

        for (unsigned i = 0; i < GROUPS; i++)
                write_group(root, i);
        all = site_read(root, 0, GROUPS);
        for (unsigned first = 0; first < GROUPS; first += PART) {
                Site part = site_read(root, first, PART);

                for (size_t i = 0; i < part.inventory->n_items; i++) {
                        const Item *item = &part.inventory->items[i];

                        assert_same_item(find(all.inventory, item->name), item);
                        n_found += item->kind != ITEM_CA;
                }
                site_free(&part);
        }
        assert_int_equal(n_found + 1, all.inventory->n_items); /* the CA */
        site_free(&all);
        tree_free(root);
}

static void test_they_come_in_the_order_of_the_layout(void **state)
{
        char *root = tree_copy(TREE, ETC);
        Site all;

        for (unsigned i = 0; i < GROUPS; i++)
                write_group(root, i);
        all = site_read(root, 0, GROUPS);
        for (size_t i = 0; i < all.config->layout.n_credentials; i++)
                assert_string_equal(
                        all.inventory->items[i].name, all.config->layout.credentials[i].name);
        assert_string_equal(find(all.inventory, "same-7.conf")->renewed_as, "good-7");
        assert_string_equal(find(all.inventory, "bad-7")->problem,
                "'/many/bad-7.crt': no PEM certificate in it: it holds other text");
        assert_string_equal(
                find(all.inventory, "missing-7")->problem, "'/many/missing-7.crt' is missing");
        assert_true(find(all.inventory, "good-7.conf")->key_matches);
        assert_false(find(all.inventory, "other-7")->key_matches);
        assert_string_equal(find(all.inventory, "good-7")->ca->entry->name, "site");
        assert_null(find(all.inventory, "good-7")->trust_problem);
        assert_null(find(all.inventory, "foreign-7")->ca);
        assert_string_equal(find(all.inventory, "foreign-7")->trust_problem,
                "it was signed by no certificate in '" PKI "/ca.crt'");
        site_free(&all);
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_many_are_as_they_are_alone),
                cmocka_unit_test(test_they_come_in_the_order_of_the_layout),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
