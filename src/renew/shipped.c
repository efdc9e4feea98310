/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/shipped.h"

static const char *const writable[] = {"/etc/kubernetes", "/root/.kube", "/run/kube-renewd/alarms",
        "/var/lib/kube-renewd", "/var/lib/kubelet/pki", NULL};

static const char *const conditions[] = {"/etc/kubernetes/manifests/etcd.yaml",
        "/etc/kubernetes/manifests/kube-apiserver.yaml", NULL};

static const char *const readers[] = {"kubelet.service", "etcd.service", "kube-apiserver.service",
        "kube-controller-manager.service", "kube-scheduler.service", "k3s.service",
        "rke2-server.service", "k0scontroller.service", "vcluster.service", "haproxy.service",
        "nginx.service", NULL};

static const UnfinishedSign unfinished[] = {
        {"ConditionPathExists", "transaction.committed"},
        {"ConditionPathExists", "transaction.prepared"},
        {"ConditionDirectoryNotEmpty", "parked"},
        {"ConditionPathExists", "kubelet-rotation.json"},
        {},
};

const ShippedUnits shipped_units = {
        .writable = writable,
        .conditions = conditions,
        .readers = readers,
        .unfinished = unfinished,
        .timeout = 3 * HOUR,
        .interval = DAY,
        .delay = HOUR,
};
