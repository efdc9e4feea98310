/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/reload.h"

#define WATCHED        "loads it by itself within about a minute"
#define PER_HANDSHAKE  "reads it at every handshake"
#define PER_CONNECTION "reads it at every new connection"
#define AT_START       "reads it once, when it starts"
#define EMBEDDED       "keeps embedded credentials"
#define BY_KUBECONFIG  "reads it through its kubeconfig, and not at once"

#define RENEWED "renews it when it is started"

#define KUBERNETES "1.23"
#define KUBELET    "1.31"
#define ETCD       "3.2"

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

typedef struct Reload {
        const char *component; /* the end of its name; NULL: any */
        const char *flag;
        ReloadKind kind;   /* from this version on, */
        const char *since; /* NULL: of any version */
        const char *why;
        const char *breaks; /* what fails once it has expired */
} Reload;

static const Reload reloads[] = {
        {"apiserver", "--tls-cert-file", RELOAD_SERVED, KUBERNETES, WATCHED, NO_SERVING},
        {"apiserver", "--tls-private-key-file", RELOAD_SERVED, KUBERNETES, WATCHED, NO_SERVING},
        {"apiserver", "--proxy-client-cert-file", RELOAD_READ, KUBERNETES, WATCHED, NO_AGGREGATED},
        {"apiserver", "--proxy-client-key-file", RELOAD_READ, KUBERNETES, WATCHED, NO_AGGREGATED},
        {"apiserver", "--kubelet-client-certificate", RELOAD_READ, KUBERNETES, PER_HANDSHAKE,
                NO_KUBELET},
        {"apiserver", "--kubelet-client-key", RELOAD_READ, KUBERNETES, PER_HANDSHAKE, NO_KUBELET},
        {"apiserver", "--kubelet-certificate-authority", RELOAD_NEVER, NULL, AT_START, NO_KUBELET},
        {"apiserver", "--etcd-certfile", RELOAD_READ, KUBERNETES, PER_HANDSHAKE, NO_ETCD},
        {"apiserver", "--etcd-keyfile", RELOAD_READ, KUBERNETES, PER_HANDSHAKE, NO_ETCD},
        {"apiserver", "--etcd-cafile", RELOAD_NEVER, NULL, AT_START, NO_ETCD},
        {"etcd", "--cert-file", RELOAD_SERVED, ETCD, PER_CONNECTION, NO_ETCD},
        {"etcd", "--key-file", RELOAD_SERVED, ETCD, PER_CONNECTION, NO_ETCD},
        {"etcd", "--peer-cert-file", RELOAD_SERVED, ETCD, PER_CONNECTION, NO_PEER},
        {"etcd", "--peer-key-file", RELOAD_SERVED, ETCD, PER_CONNECTION, NO_PEER},
        {"etcd", "--trusted-ca-file", RELOAD_NEVER, NULL, AT_START, NO_ETCD},
        {"etcd", "--peer-trusted-ca-file", RELOAD_NEVER, NULL, AT_START, NO_PEER},
        {"controller-manager", "--kubeconfig", RELOAD_NEVER, NULL, EMBEDDED, NO_MANAGER},
        {"controller-manager", "--tls-cert-file", RELOAD_SERVED, KUBERNETES, WATCHED, NO_METRICS},
        {"controller-manager", "--tls-private-key-file", RELOAD_SERVED, KUBERNETES, WATCHED,
                NO_METRICS},
        {"controller-manager", "--cluster-signing-cert-file", RELOAD_READ, KUBERNETES, WATCHED,
                NO_SIGNING},
        {"controller-manager", "--cluster-signing-key-file", RELOAD_READ, KUBERNETES, WATCHED,
                NO_SIGNING},
        {"controller-manager", "--cluster-signing-kubelet-serving-cert-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-kubelet-serving-key-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-kubelet-client-cert-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-kubelet-client-key-file", RELOAD_READ, KUBERNETES,
                WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-kube-apiserver-client-cert-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-kube-apiserver-client-key-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-legacy-unknown-cert-file", RELOAD_READ,
                KUBERNETES, WATCHED, NO_SIGNING},
        {"controller-manager", "--cluster-signing-legacy-unknown-key-file", RELOAD_READ, KUBERNETES,
                WATCHED, NO_SIGNING},
        {"controller-manager", "--root-ca-file", RELOAD_NEVER, NULL, AT_START, NO_ROOT},
        {"scheduler", "--kubeconfig", RELOAD_NEVER, NULL, EMBEDDED, NO_SCHEDULER},
        {"scheduler", "--tls-cert-file", RELOAD_SERVED, KUBERNETES, WATCHED, NO_METRICS},
        {"scheduler", "--tls-private-key-file", RELOAD_SERVED, KUBERNETES, WATCHED, NO_METRICS},
        {"kubelet", "--tls-cert-file", RELOAD_SERVED, KUBELET, WATCHED, NO_KUBELET},
        {"kubelet", "--tls-private-key-file", RELOAD_SERVED, KUBELET, WATCHED, NO_KUBELET},
        {NULL, "--kubeconfig", RELOAD_NEVER, NULL, EMBEDDED, NO_ACCESS},
        {NULL, USE_BY_KUBECONFIG, RELOAD_NEVER, NULL, BY_KUBECONFIG, NO_ACCESS},
        {NULL, USE_BY_RENEWAL, RELOAD_MADE, NULL, RENEWED, NULL},
        {NULL, "--authentication-kubeconfig", RELOAD_NEVER, NULL, EMBEDDED, NO_METRICS},
        {NULL, "--authorization-kubeconfig", RELOAD_NEVER, NULL, EMBEDDED, NO_METRICS},
        {NULL, "--client-ca-file", RELOAD_READ, KUBERNETES, WATCHED, NO_CLIENTS},
        {NULL, "--requestheader-client-ca-file", RELOAD_READ, KUBERNETES, WATCHED, NO_AGGREGATED},
};

static bool ends_with(const char *s, const char *end)
{
        size_t n = strlen(s), m = strlen(end);

        return n >= m && streq(s + n - m, end);
}

static const Reload *find_reload(const Consumer *consumer)
{
        for (size_t i = 0; i < ELEMENTSOF(reloads); i++) {
                const Reload *reload = &reloads[i];

                if (streq(reload->flag, consumer->flag) &&
                        (!reload->component || ends_with(consumer->component, reload->component)))
                        return reload;
        }
        return NULL;
}

/* Major and minor number; what comes behind them does not matter here. */
static bool is_since(const char *version, const char *since)
{
        char *minor, *since_minor;
        unsigned long major = strtoul(version, &minor, 10);
        unsigned long since_major = strtoul(since, &since_minor, 10);

        if (major != since_major)
                return major > since_major;
        return *minor == '.' && strtoul(minor + 1, NULL, 10) >= strtoul(since_minor + 1, NULL, 10);
}

static bool is_relied_on(const Reload *reload, const char *version)
{
        return !reload->since || (version && is_since(version, reload->since));
}

ReloadKind reload_kind(const Consumer *consumer)
{
        const Reload *reload = find_reload(consumer);

        if (!reload || consumer->mounted_singly || !is_relied_on(reload, consumer->version))
                return RELOAD_NEVER;
        return reload->kind;
}

char *reload_why(const Consumer *consumer)
{
        const Reload *reload = find_reload(consumer);

        if (reload && reload->kind == RELOAD_NEVER)
                return xstrdup(reload->why);
        if (consumer->mounted_singly)
                return xstrdup("keeps the old file, which is mounted by itself");
        if (!reload)
                return xstrdup("is not known to load it by itself");
        if (!is_relied_on(reload, consumer->version))
                return xasprintf("is not relied on to load it by itself before %s%s", reload->since,
                        consumer->version ? "" : ", and its version is not known");
        return xstrdup(reload->why);
}

/* "expected 1 certificate, found 2": pkg/controller/certificates/signer/ca_provider.go. */
bool reload_takes_one_certificate(const char *component, const char *flag)
{
        return ends_with(component, "controller-manager") &&
               starts_with(flag, "--cluster-signing-") && ends_with(flag, "cert-file");
}

const char *reload_breaks(const Consumer *consumer)
{
        const Reload *reload = find_reload(consumer);

        return reload ? reload->breaks : NULL;
}

Consumer component_consumer(const InventoryComponent *component, const ComponentUse *use)
{
        const Manifest *manifest = component->manifest;
        const ManifestContainer *container =
                manifest && use->container ? manifest_container(manifest, use->container) : NULL;
        bool is_alone = !use->container || (container && manifest->n_containers == 1);

        return (Consumer){
                .component = is_alone ? component->entry->name : use->container,
                .flag = use->how,
                .version = container ? container->version : NULL,
                .mounted_singly = use->mounted_singly,
        };
}

ReloadKind component_reload_kind(const InventoryComponent *component, const ComponentUse *use)
{
        const Consumer consumer = component_consumer(component, use);

        return reload_kind(&consumer);
}

bool restart_is_needed(const InventoryComponent *component, char *const *paths)
{
        ComponentUse use;

        for (; paths && *paths; paths++)
                for (size_t at = 0; component_next_use(component, *paths, &at, &use);)
                        if (component_reload_kind(component, &use) == RELOAD_NEVER)
                                return true;
        return component->error < 0;
}
