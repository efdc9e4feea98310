/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which layouts fit this host: those with a Detect= path that exists, and no Unless= path. Private
 * to the configuration.
 *
 *     autoptr(FoundLayouts) found = found_layouts_new();
 *     r = layouts_detect(&search, configured, found, &looked_for, reterr);
 *     for (i = 0; i < found->n; i++) ... found->items[i]
 *
 * In the order of [layout] Order=, and then of their names; without those that another one of them
 * names in Supersedes=. */

#include "renew/config/layer.h"

#define LAYOUT_LAYERS_MAX 4

/* Where layouts are looked for, and the host whose Detect= paths are tried. */
typedef struct LayoutSearch {
        int root_fd;
        Layer layers[LAYOUT_LAYERS_MAX];
        size_t n_layers;
} LayoutSearch;

typedef struct FoundLayout {
        char *name;         /* "kubeadm" */
        char *origin;       /* of the choice: "file:line", or "--layout" */
        char *base;         /* what %b means in it; NULL: nothing */
        Settings *settings; /* with whole paths; of [layout] alone as long as there is a file */
        FileImage *file;    /* what else is to be read, if it fits; NULL: nothing */
        unsigned order;
        char **supersedes;
} FoundLayout;

typedef struct FoundLayouts {
        FoundLayout *items;
        size_t n;
} FoundLayouts;

FoundLayouts *found_layouts_new(void);
void found_layouts_free(FoundLayouts *found);
DEFINE_AUTOPTR(FoundLayouts, found_layouts_free)

/* "kubeadm" of "/etc/kube-renewd/layouts/kubeadm.conf". The caller frees. */
char *layout_name(const char *path);

/* Adds one that is to be used, whatever Detect= says. Takes the settings, also when it fails. */
int found_layouts_add(FoundLayouts *found, const LayoutSearch *search, const char *name,
        const char *origin, Settings *settings, const Settings *configured, Error *reterr) MUST_USE;

/* Tries every layout there is, and adds what was looked for. -EINVAL "file:line: …" for a bad value
 * of [layout], and for a configured BaseDirectory= that alone makes several of them fit. */
int layouts_detect(const LayoutSearch *search, const Settings *configured, FoundLayouts *found,
        char ***looked_for, Error *reterr) MUST_USE;
