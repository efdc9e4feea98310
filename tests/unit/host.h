/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A control-plane host in a scratch directory, looked at as a pass looks at it.
 *
 *     Host host = host_new("v1.28.7/rsa2048-default", "2027-11-11T23:26:00Z");
 *     host_look(&host);
 *     item = host_item(&host, "apiserver");
 *     host_free(&host); */

#include "base/time-util.h"
#include "renew/assess/assess.h"
#include "renew/config/config.h"
#include "tree.h"

#define TEN_DAYS_LEFT "2027-11-11T23:26:00Z" /* for the trees of kubeadm 1.28 */
#define ONE_DAY_OLD   "2026-11-22T23:26:00Z"

typedef struct Host {
        char *root;
        int root_fd;
        int64_t now;
        Config *config;
        History *history;
        Inventory *inventory;
        Assessment *assessment;
} Host;

/* Sets where the layouts of an uninstalled program are. */
static inline void host_set_layouts(void)
{
        autofree char *layouts = xasprintf("%s/etc/layouts", getenv("SRCDIR"));

        assert_int_equal(setenv("KUBE_RENEWD_LAYOUT_PATH", layouts, 1), 0);
}

static inline void host_configure(Host *host)
{
        Error error = {};

        config_free(host->config);
        host->config = NULL;
        if (config_load(host->root_fd, &(ConfigOptions){.layout = "kubeadm"}, &host->config,
                    &error) < 0)
                fail_msg("%s", error.text);
}

static inline Host host_new(const char *tree, const char *at)
{
        autofree char *data = xasprintf("kubeadm/%s/etc-kubernetes", tree);
        Host host = {.root = tree_copy(data, "/etc/kubernetes"), .history = history_new()};

        host_set_layouts();
        assert_int_equal(time_parse(at, &host.now), 0);
        host.root_fd = fs_open_root(host.root, NULL);
        assert_true(host.root_fd >= 0);
        host_configure(&host);
        return host;
}

/* Reads and judges what is there now. */
static inline void host_look(Host *host)
{
        Error error = {};

        assessment_free(host->assessment);
        inventory_free(host->inventory);
        host->inventory = NULL;
        if (inventory_read(host->root_fd, host->config, &host->inventory, &error) < 0)
                fail_msg("%s", error.text);
        host->assessment = assess(host->inventory, host->config, host->history, host->now);
}

static inline size_t host_index(const Host *host, const char *name)
{
        for (size_t i = 0; i < host->inventory->n_items; i++)
                if (streq(host->inventory->items[i].name, name))
                        return i;
        fail_msg("no item is called %s", name);
        return 0;
}

static inline const Item *host_item(const Host *host, const char *name)
{
        return &host->inventory->items[host_index(host, name)];
}

static inline const Verdict *host_verdict(const Host *host, const char *name)
{
        return &host->assessment->verdicts[host_index(host, name)];
}

/* The item's state, and a part of what is said about it. */
static inline void host_assert_row(
        const Host *host, const char *name, State state, const char *part)
{
        const Verdict *verdict = host_verdict(host, name);
        const char *text = verdict->text ? verdict->text : "";

        if (verdict->state != state || !strstr(text, part))
                fail_msg("%s is %s: '%s'; expected %s: '%s'", name, state_name(verdict->state),
                        text, state_name(state), part);
}

static inline void host_free(Host *host)
{
        assessment_free(host->assessment);
        inventory_free(host->inventory);
        history_free(host->history);
        config_free(host->config);
        close(host->root_fd);
        tree_free(host->root);
}
