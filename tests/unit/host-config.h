/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host of one certificate and a configuration, for the tests of what the configuration means.
 *
 *     autoptr(Config) config = load_text("[renewal]\nValidity=90d\n");
 *     assert_load_fails("[renewal]\nValidity=x\n", MAIN_FILE ":2: …");
 *
 * The layout is small, so that messages are about what a test adds to it. */

#include "base/fs.h"
#include "renew/config/config-key.h"
#include "tree.h"

#define MAIN_FILE "/etc/kube-renewd/kube-renewd.conf"

static const char small_layout[] = "[layout]\n"
                                   "[ca kubernetes]\n"
                                   "Certificate=/pki/ca.crt\n"
                                   "Key=/pki/ca.key\n"
                                   "[certificate apiserver]\n"
                                   "Certificate=/pki/apiserver.crt\n"
                                   "Key=/pki/apiserver.key\n"
                                   "CA=kubernetes\n"
                                   "[kubeconfig admin.conf]\n"
                                   "Path=/admin.conf\n"
                                   "CA=kubernetes\n"
                                   "[component etcd]\n"
                                   "Manifest=/manifests/etcd.yaml\n";

static inline char *new_root(const char *configuration)
{
        char *root = tree_new();

        tree_write_text(root, "/l/small.conf", small_layout);
        if (configuration)
                tree_write_text(root, MAIN_FILE, configuration);
        return root;
}

static inline int load(const char *root, const char *config_file, Config **ret, Error *reterr)
{
        autofd int root_fd = fs_open_root(root, reterr);

        assert_true(root_fd >= 0);
        return config_load(root_fd,
                &(ConfigOptions){.config_file = config_file, .layout = "/l/small.conf"}, ret,
                reterr);
}

static inline Config *load_good(const char *root)
{
        Config *config = NULL;
        Error error = {};

        if (load(root, NULL, &config, &error) < 0)
                fail_msg("%s", error.text);
        return config;
}

static inline Config *load_text(const char *configuration)
{
        char *root = new_root(configuration);
        Config *config = load_good(root);

        tree_free(root);
        return config;
}

/* What is effective as one text: "[section name] Key=Value origin". The caller frees. */
static inline char *effective(
        const Config *config, const char *section, const char *name, const char *key)
{
        size_t n;
        EffectiveSetting *settings = config_effective(config, &n);
        char *text = NULL;

        for (size_t i = 0; i < n; i++)
                if (streq(settings[i].section, section) && streq(settings[i].name, name) &&
                        streq(settings[i].key, key)) {
                        assert_null(text);
                        text = xasprintf("%s %s", settings[i].value, settings[i].origin);
                }
        config_effective_free(settings, n);
        return text;
}

static inline void assert_effective(const Config *config, const char *section, const char *name,
        const char *key, const char *expected)
{
        autofree char *text = effective(config, section, name, key);

        assert_non_null(text);
        assert_string_equal(text, expected);
}

static inline void assert_load_fails(const char *configuration, const char *text)
{
        char *root = new_root(configuration);
        autoptr(Config) config = NULL;
        Error error = {};

        assert_int_equal(load(root, NULL, &config, &error), -EINVAL);
        assert_string_equal(error.text, text);
        assert_null(config);
        tree_free(root);
}
