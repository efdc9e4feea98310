/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who reads a file again, and when: one table, by program, flag and version. Pure.
 *
 *     Consumer consumer = component_consumer(component, &use);
 *     if (reload_kind(&consumer) == RELOAD_NEVER)
 *             why = reload_why(&consumer);
 *
 * What is not known for sure does not reload: one restart too many is the lesser harm. Kubernetes
 * is relied on from 1.23 (inotify; a poll before), etcd from 3.2, a kubelet's serving files from
 * 1.31. Sources: k8s.io/apiserver dynamiccertificates, client-go transport, etcd client/pkg/
 * transport; k/k#114588, k/k#124574, etcd#7576, etcd#11555. */

#include "renew/inventory/inventory.h"

typedef enum ReloadKind {
        RELOAD_NEVER,  /* read at start, or nobody knows: a new file needs a new process */
        RELOAD_SERVED, /* what it serves with; the next handshake shows the new one */
        RELOAD_READ,   /* client certificates and CA files that are read again: cannot be seen from
                          outside */
        RELOAD_MADE,   /* it makes the file itself, when it is started and later */
} ReloadKind;

/* Who reads a file, and through what. */
typedef struct Consumer {
        const char *component; /* known by the end of its name: "kube-apiserver" */
        const char *flag;      /* "--tls-cert-file"; others, as "Uses=", are known to nobody */
        const char *version;   /* "1.28.7"; NULL: not known */
        bool mounted_singly;   /* whatever the program does, it sees the old file */
} Consumer;

/* The container of a pod of several goes by its own name, and every one by the version of its own
 * image. */
Consumer component_consumer(const InventoryComponent *component, const ComponentUse *use);

ReloadKind reload_kind(const Consumer *consumer);
ReloadKind component_reload_kind(const InventoryComponent *component, const ComponentUse *use);

/* Why it is of that kind, in a few words: "keeps embedded credentials". The caller frees. */
char *reload_why(const Consumer *consumer);

/* What fails once the file has expired; NULL if that is not known. */
const char *reload_breaks(const Consumer *consumer);

/* True if the file may hold one certificate only: the signers of kube-controller-manager do not
 * start with a bundle (kubernetes/kubeadm#1350), and go on with what they had if it becomes one. */
bool reload_takes_one_certificate(const char *component, const char *flag);

/* True if the component must be started anew to use all of these files, whatever its Restart= says;
 * so it is where its manifest cannot be read. */
bool restart_is_needed(const InventoryComponent *component, char *const *paths);
