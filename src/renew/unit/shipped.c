/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/shipped.h"

static const char *const writable[] = {"/etc/kubernetes", "/root/.kube", "/run/kube-renewd/alarms",
        "/var/lib/kube-renewd", "/var/lib/kubelet/pki", NULL};

static const char *const readers[] = {"kubelet.service", "etcd.service", "kube-apiserver.service",
        "kube-controller-manager.service", "kube-scheduler.service", "k3s.service",
        "k3s-agent.service", "rke2-agent.service", "rke2-server.service", "k0scontroller.service",
        "vcluster.service", "haproxy.service", "nginx.service", NULL};

static const UnfinishedSign unfinished[] = {
        {"ConditionPathExists", "transaction.committed"},
        {"ConditionPathExists", "transaction.prepared"},
        {"ConditionDirectoryNotEmpty", "parked"},
        {"ConditionPathExists", "kubelet-rotation.json"},
        {},
};

const ShippedUnits shipped_units = {
        .writable = writable,
        .readers = readers,
        .unfinished = unfinished,
        .timeout = 205 * MINUTE,
        .interval = DAY,
        .delay = HOUR,
};
