/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of kubeconfigs share: a small one, and the genuine ones of tests/data. Include it
 * behind "unit.h". */

#include "kube/kubeconfig.h"
#include "tree.h"

/* "Y2VydA==" is base64 of "cert", "a2V5" of "key", "Y2E=" of "ca", "bmV3" of "new". */
static const char simple[] = "apiVersion: v1\n"
                             "kind: Config\n"
                             "clusters:\n"
                             "- name: c\n"
                             "  cluster: {server: 'https://192.0.2.10:6443', "
                             "certificate-authority-data: Y2E=}\n"
                             "contexts:\n"
                             "- name: x\n"
                             "  context: {cluster: c, user: u}\n"
                             "current-context: x\n"
                             "users:\n"
                             "- name: u\n"
                             "  user:\n"
                             "    client-certificate-data: Y2VydA==\n"
                             "    client-key-data: a2V5\n";

/* For the user in a table of texts. */
#define DATA "client-certificate-data: Y2VydA=="

static inline Kubeconfig *parse(const char *text)
{
        Kubeconfig *config = NULL;
        Error error = {};

        if (kubeconfig_parse(text, strlen(text), &config, &error) < 0)
                fail_msg("%s", error.text);
        return config;
}

/* What kubeadm 1.20 and 1.28 wrote; later ones leave out "preferences: {}". */
static const char *const genuine[] = {
        "v1.20.2/rsa2048-default/etc-kubernetes/admin.conf",
        "v1.20.2/rsa2048-default/etc-kubernetes/controller-manager.conf",
        "v1.28.7/rsa2048-default/etc-kubernetes/admin.conf",
        "v1.28.7/rsa2048-default/etc-kubernetes/kubelet.conf",
        "v1.28.7/ecdsa-p256/etc-kubernetes/scheduler.conf",
        "v1.28.7/extetcd-external/etc-kubernetes/admin.conf",
};

static inline char *read_data_file(const char *name, size_t *ret_size)
{
        autofree char *path = xasprintf("/tests/data/kubeadm/%s", name);

        return tree_read(getenv("SRCDIR"), path, ret_size);
}

/* n times the unit, each "@" in it as a number. */
static inline char *repeat(const char *head, const char *unit, size_t n, size_t *ret_size)
{
        char *text = NULL;
        FILE *f = open_memstream(&text, ret_size);

        fputs(head, f);
        for (size_t i = 0; i < n; i++)
                for (const char *p = unit; *p; p++)
                        if (*p == '@')
                                fprintf(f, "%zu", i);
                        else
                                fputc(*p, f);
        fclose(f);
        return text;
}
