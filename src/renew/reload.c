/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/consumer.h"

#define FOLLOWED       "loads it by itself within about a minute"
#define SINCE_17       FOLLOWED " (1.17 and newer): needs no restart"
#define SINCE_19       FOLLOWED " (1.19 and newer): needs no restart"
#define SINCE_31       FOLLOWED " (1.31 and newer), before: restart"
#define PER_CONNECTION "reads it at every new connection (etcd 3.2 and newer): needs no restart"
#define PER_HANDSHAKE  "reads it at every handshake, open connections stay: needs no restart"
#define AT_START       "reads it once, when it starts: restart"
#define EMBEDDED       "keeps embedded credentials for the life of the process: restart"
#define KUBECONFIG     "keeps embedded credentials, reads files again every 5 minutes"

#define NO_SERVING    "every client of the API server refuses to talk to it"
#define NO_ETCD       "the API server cannot reach etcd: nothing can be read or changed"
#define NO_PEER       "etcd members cannot reach each other"
#define NO_KUBELET    "logs, exec, attach and port-forward fail"
#define NO_AGGREGATED "aggregated APIs (metrics-server and others) refuse the API server"
#define NO_CLIENTS    "clients with certificates signed by it are refused"
#define NO_MANAGER    "controllers stop: no new pods, nothing is signed, nothing heals"
#define NO_SCHEDULER  "new pods stay Pending"
#define NO_METRICS    "requests for its own metrics and health cannot be checked"
#define NO_SIGNING    "kubelets get no new certificates"
#define NO_ROOT       "pods get a CA that verifies nothing"
#define NO_ACCESS     "the API server refuses it"

static const Consumer consumers[] = {
        {"apiserver", "--tls-cert-file", SINCE_17, NO_SERVING},
        {"apiserver", "--tls-private-key-file", SINCE_17, NO_SERVING},
        {"apiserver", "--proxy-client-cert-file", SINCE_19, NO_AGGREGATED},
        {"apiserver", "--proxy-client-key-file", SINCE_19, NO_AGGREGATED},
        {"apiserver", "--kubelet-client-certificate", PER_HANDSHAKE, NO_KUBELET},
        {"apiserver", "--kubelet-client-key", PER_HANDSHAKE, NO_KUBELET},
        {"apiserver", "--kubelet-certificate-authority", AT_START, NO_KUBELET},
        {"apiserver", "--etcd-certfile", PER_HANDSHAKE, NO_ETCD},
        {"apiserver", "--etcd-keyfile", PER_HANDSHAKE, NO_ETCD},
        {"apiserver", "--etcd-cafile", AT_START, NO_ETCD},
        {"etcd", "--cert-file", PER_CONNECTION, NO_ETCD},
        {"etcd", "--key-file", PER_CONNECTION, NO_ETCD},
        {"etcd", "--peer-cert-file", PER_CONNECTION, NO_PEER},
        {"etcd", "--peer-key-file", PER_CONNECTION, NO_PEER},
        {"etcd", "--trusted-ca-file", AT_START, NO_ETCD},
        {"etcd", "--peer-trusted-ca-file", AT_START, NO_PEER},
        {"controller-manager", "--kubeconfig", EMBEDDED, NO_MANAGER},
        {"controller-manager", "--cluster-signing-cert-file", SINCE_19, NO_SIGNING},
        {"controller-manager", "--cluster-signing-key-file", SINCE_19, NO_SIGNING},
        {"controller-manager", "--root-ca-file", AT_START, NO_ROOT},
        {"scheduler", "--kubeconfig", EMBEDDED, NO_SCHEDULER},
        {"kubelet", "--tls-cert-file", SINCE_31, NO_KUBELET},
        {"kubelet", "--tls-private-key-file", SINCE_31, NO_KUBELET},
        {NULL, "--kubeconfig", KUBECONFIG, NO_ACCESS},
        {NULL, "--authentication-kubeconfig", EMBEDDED, NO_METRICS},
        {NULL, "--authorization-kubeconfig", EMBEDDED, NO_METRICS},
        {NULL, "--client-ca-file", SINCE_17, NO_CLIENTS},
        {NULL, "--requestheader-client-ca-file", SINCE_17, NO_AGGREGATED},
};

static bool ends_with(const char *s, const char *end)
{
        size_t n = strlen(s), m = strlen(end);

        return n >= m && streq(s + n - m, end);
}

const Consumer *consumer_find(const char *component, const char *flag)
{
        for (size_t i = 0; flag && i < ELEMENTSOF(consumers); i++) {
                const Consumer *consumer = &consumers[i];

                if (streq(consumer->flag, flag) &&
                        (!consumer->component || ends_with(component, consumer->component)))
                        return consumer;
        }
        return NULL;
}
