/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of layouts share: configurations of whole trees, where kubeadm is the only layout
 * that is installed.
 *
 *     autoptr(Config) config = load_good(root, NULL);
 *     assert_effective(config, "agent", "", "Layout", "kubeadm", "/kubeadm.conf:");
 *     return cmocka_run_group_tests(tests, install_kubeadm, remove_vendor); */

#include "base/fs.h"
#include "renew/config/config.h"
#include "tree.h"

#define TREE_28 "kubeadm/v1.28.7/rsa2048-default/etc-kubernetes"
#define ETC     "/etc/kube-renewd/"
#define NOTHING_FITS                                                                               \
        "no layout fits this host; name one with --layout= or Layout= in [agent] (there are: "     \
        "kubeadm)"
#define OTHER_CA "[ca other]\nCertificate=/srv/ca.crt\nKey=/srv/ca.key\n"

static inline int load(const char *root, const ConfigOptions *options, Config **ret, Error *reterr)
{
        autofd int root_fd = fs_open_root(root, reterr);

        assert_true(root_fd >= 0);
        return config_load(root_fd, options, ret, reterr);
}

static inline Config *load_good(const char *root, const char *layout)
{
        Config *config = NULL;
        Error error = {};

        if (load(root, &(ConfigOptions){.layout = layout}, &config, &error) < 0)
                fail_msg("%s", error.text);
        return config;
}

static inline void assert_load_fails(
        const char *root, const ConfigOptions *options, int r, const char *text)
{
        autoptr(Config) config = NULL;
        Error error = {};

        assert_int_equal(load(root, options, &config, &error), r);
        assert_string_equal(error.text, text);
        assert_null(config);
}

/* What the verb `config` says of one key; origin: a part of where it is from. */
static inline void assert_effective(const Config *config, const char *section, const char *name,
        const char *key, const char *value, const char *origin)
{
        size_t n, found = 0;
        EffectiveSetting *settings = config_effective(config, &n);

        for (size_t i = 0; i < n; i++) {
                const EffectiveSetting *s = &settings[i];

                if (!streq(s->section, section) || !streq(s->name, name) || !streq(s->key, key))
                        continue;
                found++;
                assert_string_equal(s->value, value);
                if (origin[0] && !strstr(s->origin, origin))
                        fail_msg("'%s' is not in '%s'", origin, s->origin);
        }
        assert_int_equal(found, 1);
        config_effective_free(settings, n);
}

/* No other one that is installed: what is said of those that are there is one line. */
static inline int install_kubeadm(void **state)
{
        autofree char *kubeadm = tree_read(getenv("SRCDIR"), "/etc/layouts/kubeadm.conf", NULL);
        char *vendor = tree_new();
        autofree char *layouts = xasprintf("%s/layouts", vendor);

        tree_write_text(vendor, "/layouts/kubeadm.conf", kubeadm);
        *state = vendor;
        return setenv("KUBE_RENEWD_LAYOUT_PATH", layouts, 1);
}

static inline int remove_vendor(void **state)
{
        tree_free(*state);
        return 0;
}
