/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/manifest.h"
#include "tree.h"

/* Probes, serving endpoints and flags of containers; test-manifest.c has the files that they use.
 */

static Manifest *parse(const char *text)
{
        Manifest *manifest = NULL;
        Error error = {};

        if (manifest_parse(text, strlen(text), &manifest, &error) < 0)
                fail_msg("%s\n%s", error.text, text);
        return manifest;
}

/* "https 127.0.0.1 10259 /livez 10+10 15 8": delay, period, timeout, threshold; "" for none. */
static char *probe_text(const ManifestProbe *probe)
{
        static const char *const kinds[] = {
                [PROBE_HTTP] = "http",
                [PROBE_HTTPS] = "https",
                [PROBE_TCP] = "tcp",
                [PROBE_OTHER] = "other",
        };
        bool can_ask = probe->kind != PROBE_NONE && probe->kind != PROBE_OTHER;
        autofree char *address =
                can_ask ? xasprintf(" %s %u%s%s", probe->host, probe->port, probe->path ? " " : "",
                                  probe->path ? probe->path : "")
                        : xstrdup("");

        if (probe->kind == PROBE_NONE)
                return xstrdup("");
        return xasprintf("%s%s %u+%u %u %u", kinds[probe->kind], address, probe->initial_delay,
                probe->period, probe->timeout, probe->failure_threshold);
}

static void check_probe(const ManifestProbe *probe, const char *expected)
{
        autofree char *text = probe_text(probe);

        assert_string_equal(text, expected ? expected : "");
}

/* One line per endpoint. */
static char *list_endpoints(const Manifest *manifest)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; i < manifest->n_endpoints; i++) {
                const ManifestEndpoint *endpoint = &manifest->endpoints[i];

                fprintf(f, "%s %s %u %s %s\n", endpoint->container, endpoint->host, endpoint->port,
                        endpoint->flag, endpoint->certificate);
        }
        fclose(f);
        return text;
}

#define KUBEADM_1_20 "/tests/data/kubeadm/v1.20.2/rsa2048-default/etc-kubernetes/manifests/"
#define KUBEADM_1_28 "/tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests/"
#define EXTERNAL     "/tests/data/kubeadm/v1.28.7/extetcd-external/etc-kubernetes/manifests/"
#define KUBEADM_1_36 "/tests/data/manifest/v1.36.0/"

#define ETCD_SERVES                                                                                \
        "etcd 127.0.0.1 2379 --cert-file /etc/kubernetes/pki/etcd/server.crt\n"                    \
        "etcd 192.0.2.10 2379 --cert-file /etc/kubernetes/pki/etcd/server.crt\n"                   \
        "etcd 192.0.2.10 2380 --peer-cert-file /etc/kubernetes/pki/etcd/peer.crt\n"
#define APISERVER_SERVES                                                                           \
        "kube-apiserver 127.0.0.1 6443 --tls-cert-file /etc/kubernetes/pki/apiserver.crt\n"

static const struct {
        const char *directory, *name, *version, *liveness, *readiness, *startup, *endpoints;
} kubeadm[] = {
        {KUBEADM_1_20, "etcd", "3.4.13", "http 127.0.0.1 2381 /health 10+10 15 8", NULL,
                "http 127.0.0.1 2381 /health 10+10 15 24", ETCD_SERVES},
        {KUBEADM_1_20, "kube-apiserver", "1.20.2", "https 192.0.2.10 6443 /livez 10+10 15 8",
                "https 192.0.2.10 6443 /readyz 0+1 15 3",
                "https 192.0.2.10 6443 /livez 10+10 15 24", APISERVER_SERVES},
        {KUBEADM_1_20, "kube-controller-manager", "1.20.2",
                "https 127.0.0.1 10257 /healthz 10+10 15 8", NULL,
                "https 127.0.0.1 10257 /healthz 10+10 15 24", ""},
        {KUBEADM_1_20, "kube-scheduler", "1.20.2", "https 127.0.0.1 10259 /healthz 10+10 15 8",
                NULL, "https 127.0.0.1 10259 /healthz 10+10 15 24", ""},
        {KUBEADM_1_28, "etcd", "3.5.10",
                "http 127.0.0.1 2381 /health?exclude=NOSPACE&serializable=true 10+10 15 8", NULL,
                "http 127.0.0.1 2381 /health?serializable=false 10+10 15 24", ETCD_SERVES},
        {KUBEADM_1_28, "kube-apiserver", "1.28.7", "https 192.0.2.10 6443 /livez 10+10 15 8",
                "https 192.0.2.10 6443 /readyz 0+1 15 3",
                "https 192.0.2.10 6443 /livez 10+10 15 24", APISERVER_SERVES},
        {EXTERNAL, "kube-apiserver", "1.28.7", "https 192.0.2.10 6443 /livez 10+10 15 8",
                "https 192.0.2.10 6443 /readyz 0+1 15 3",
                "https 192.0.2.10 6443 /livez 10+10 15 24", APISERVER_SERVES},
        {KUBEADM_1_36, "etcd", "3.6.6", "http 127.0.0.1 2381 /livez 10+10 15 8",
                "http 127.0.0.1 2381 /readyz 0+1 15 3", "http 127.0.0.1 2381 /readyz 10+10 15 24",
                ETCD_SERVES},
        {KUBEADM_1_36, "kube-apiserver", "1.36.0", "https 192.0.2.10 6443 /livez 10+10 15 8",
                "https 192.0.2.10 6443 /readyz 0+1 15 3",
                "https 192.0.2.10 6443 /livez 10+10 15 24", APISERVER_SERVES},
        {KUBEADM_1_36, "kube-controller-manager", "1.36.0",
                "https 127.0.0.1 10257 /healthz 10+10 15 8", NULL,
                "https 127.0.0.1 10257 /healthz 10+10 15 24", ""},
        {KUBEADM_1_36, "kube-scheduler", "1.36.0", "https 127.0.0.1 10259 /livez 10+10 15 8",
                "https 127.0.0.1 10259 /readyz 0+1 15 3",
                "https 127.0.0.1 10259 /livez 10+10 15 24", ""},
};

static void test_kubeadms_components(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kubeadm); i++) {
                autofree char *path = xasprintf("%s%s.yaml", kubeadm[i].directory, kubeadm[i].name);
                autofree char *text = tree_read(getenv("SRCDIR"), path, NULL);
                autoptr(Manifest) manifest = parse(text);
                autofree char *endpoints = list_endpoints(manifest);
                const ManifestContainer *container = &manifest->containers[0];

                assert_string_equal(manifest->name, kubeadm[i].name);
                assert_string_equal(manifest->namespace_, "kube-system");
                assert_true(manifest->host_network);
                assert_int_equal(manifest->termination_grace, 30);
                assert_int_equal(manifest->n_containers, 1);
                assert_ptr_equal(manifest_container(manifest, kubeadm[i].name), container);
                assert_string_equal(container->program, kubeadm[i].name);
                assert_string_equal(container->version, kubeadm[i].version);
                assert_string_equal(container->image, manifest->image);
                check_probe(&container->liveness, kubeadm[i].liveness);
                check_probe(&container->readiness, kubeadm[i].readiness);
                check_probe(&container->startup, kubeadm[i].startup);
                assert_string_equal(endpoints, kubeadm[i].endpoints);
        }
}

/* A Pod of one container; spec goes before the containers. */
static Manifest *parse_container(const char *spec, const char *container)
{
        autofree char *text = xasprintf("kind: Pod\nmetadata: {name: p}\nspec:\n  %s\n"
                                        "  containers: [{name: c, %s}]\n",
                spec, container);

        return parse(text);
}

static void test_probes(void **state)
{
        static const struct {
                const char *spec, *probe, *expected;
        } probes[] = {
                {"hostNetwork: true", "{httpGet: {port: 80}}", "http 127.0.0.1 80 / 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 80, path: a}, timeoutSeconds: 0}",
                        "http 127.0.0.1 80 /a 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {host: '::1', port: '443', scheme: HTTPS}}",
                        "https ::1 443 / 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {host: '[::1]', port: 1}}",
                        "http ::1 1 / 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {host: 0.0.0.0, port: 65535}}",
                        "http 127.0.0.1 65535 / 0+10 1 3"},
                {"hostNetwork: true", "{tcpSocket: {port: 22}, periodSeconds: 7}",
                        "tcp 127.0.0.1 22 0+7 1 3"},
                {"hostNetwork: true", "{tcpSocket: {port: web, host: a.example}}",
                        "tcp a.example 8080 0+10 1 3"},
                /* another network, a host that is none, ports that are none, headers, a space */
                {"hostNetwork: false", "{httpGet: {port: 80}}", "other 0+10 1 3"},
                {"dnsPolicy: Default", "{tcpSocket: {port: 22}}", "other 0+10 1 3"},
                {"dnsPolicy: Default", "{tcpSocket: {port: 22, host: 192.0.2.1}}",
                        "tcp 192.0.2.1 22 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 80, host: $(IP)}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 0}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 65536}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 80x}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: none}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: big}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{tcpSocket: {}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 80, httpHeaders: [{name: a, value: b}]}}",
                        "other 0+10 1 3"},
                {"hostNetwork: true", "{httpGet: {port: 80, path: '/a b'}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{exec: {command: [x]}, failureThreshold: 9}",
                        "other 0+10 1 9"},
                {"hostNetwork: true", "{grpc: {port: 2379}}", "other 0+10 1 3"},
                {"hostNetwork: true", "{}", "other 0+10 1 3"},
                {"hostNetwork: true", "null", ""},
        };

        for (size_t i = 0; i < ELEMENTSOF(probes); i++) {
                autofree char *container =
                        xasprintf("ports: [{containerPort: 1}, {name: web, containerPort: 8080},"
                                  " {name: big, containerPort: 70000}], readinessProbe: %s",
                                probes[i].probe);
                autoptr(Manifest) manifest = parse_container(probes[i].spec, container);

                check_probe(&manifest->containers[0].readiness, probes[i].expected);
                check_probe(&manifest->containers[0].liveness, NULL);
                check_probe(&manifest->containers[0].startup, NULL);
        }
}

static void test_what_the_kubelet_refuses_too(void **state)
{
        static const struct {
                const char *text, *place;
        } refused[] = {
                {"livenessProbe: []", "line 3, column 37: 'livenessProbe' is no mapping"},
                {"livenessProbe: {httpGet: x}", "line 3, column 47: 'httpGet' is no mapping"},
                {"livenessProbe: {periodSeconds: x}",
                        "line 3, column 53: 'periodSeconds' is no num"},
                {"livenessProbe: {periodSeconds: -1}",
                        "line 3, column 53: 'periodSeconds' is no nu"},
                {"livenessProbe: {periodSeconds: ''}",
                        "line 3, column 53: 'periodSeconds' is no nu"},
                {"livenessProbe: {periodSeconds: 2147483648}",
                        "line 3, column 53: 'periodSeconds'"},
                {"livenessProbe: {httpGet: {port: []}}", "line 3, column 54: 'port' is no scalar"},
                {"}], terminationGracePeriodSeconds: 1s, x: [{",
                        "line 3, column 57: 'terminationG"},
        };

        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                autofree char *text = xasprintf("kind: Pod\nmetadata: {name: p}\n"
                                                "spec: {containers: [{%s}]}\n",
                        refused[i].text);
                Manifest *manifest = NULL;
                Error error = {};
                int r = manifest_parse(text, strlen(text), &manifest, &error);

                assert_null(manifest);
                if (r != -EBADMSG || !starts_with(error.text, refused[i].place))
                        fail_msg("%zu: %d, %s", i, r, error.text);
        }
}

static void test_endpoints(void **state)
{
        static const struct {
                const char *words, *endpoints;
        } servers[] = {
                /* etcd: several URLs, IPv6, everywhere, plain HTTP, sockets, what is no address */
                {"etcd, --cert-file=/pki/s.crt, --peer-cert-file=/pki/p.crt,"
                 " '--listen-client-urls=https://[::1]:2379,http://127.0.0.1:2378,"
                 "https://[::]:23790,https://0.0.0.0:2377,unixs://x:1,https://$(IP):1,https://a,"
                 "https://:2376,,', '--listen-peer-urls=https://e-1.example:2380'",
                        "c ::1 2379 --cert-file /v/s.crt\n"
                        "c 127.0.0.1 23790 --cert-file /v/s.crt\n"
                        "c 127.0.0.1 2377 --cert-file /v/s.crt\n"
                        "c 127.0.0.1 2376 --cert-file /v/s.crt\n"
                        "c e-1.example 2380 --peer-cert-file /v/p.crt\n"},
                {"etcd, --cert-file=/pki/s.crt", ""},
                {"etcd, '--listen-client-urls=https://127.0.0.1:2379'", ""},
                /* the API server's kind: ports by default, by flag, none; list form; last wins */
                {"/usr/local/bin/kube-apiserver, --tls-cert-file, /pki/a.crt, --bind-address, '::'",
                        "c 127.0.0.1 6443 --tls-cert-file /v/a.crt\n"},
                {"kube-controller-manager, --tls-cert-file=/pki/a.crt, --bind-address=127.0.0.1",
                        "c 127.0.0.1 10257 --tls-cert-file /v/a.crt\n"},
                {"kube-scheduler, -tls-cert-file=/pki/a.crt, --bind-address=::1",
                        "c ::1 10259 --tls-cert-file /v/a.crt\n"},
                {"x, --tls-cert-file=/pki/a.crt, --secure-port, '4443', --secure-port=8443",
                        "c 127.0.0.1 8443 --tls-cert-file /v/a.crt\n"},
                {"x, --tls-cert-file=/pki/old.crt, --tls-cert-file=/pki/new.crt, --secure-port=1",
                        "c 127.0.0.1 1 --tls-cert-file /v/new.crt\n"},
                {"kube-apiserver, --tls-cert-file=/pki/a.crt, --secure-port=0", ""},
                {"kube-apiserver, --tls-cert-file=/pki/a.crt, --secure-port=65536", ""},
                {"kube-apiserver, --tls-cert-file=/pki/a.crt, --secure-port=99999999999", ""},
                {"kube-apiserver, --tls-cert-file=/pki/a.crt, --secure-port", ""},
                {"x, --tls-cert-file=/pki/a.crt", ""},
                /* certificates that are no file of the host */
                {"kube-apiserver, --tls-cert-file=/own/a.crt", ""},
                {"kube-apiserver, --tls-cert-file=pki/a.crt", ""},
                {"kube-apiserver, --tls-cert-file", ""},
        };

        for (size_t i = 0; i < ELEMENTSOF(servers); i++) {
                autofree char *container = xasprintf("command: [%s], volumeMounts:"
                                                     " [{name: v, mountPath: /pki}]",
                        servers[i].words);
                autoptr(Manifest) manifest = parse_container(
                        "volumes: [{name: v, hostPath: {path: /v, type: Directory}}]", container);
                autofree char *endpoints = list_endpoints(manifest);

                assert_string_equal(endpoints, servers[i].endpoints);
        }
}

static void test_too_many_endpoints(void **state)
{
        static const char head[] = "kind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v,"
                                   " hostPath: {path: /, type: Directory}}], containers: [{"
                                   "volumeMounts: [{name: v, mountPath: /}], command:"
                                   " [--cert-file=/s, '--listen-client-urls=";

        for (size_t n = 256; n <= 257; n++) {
                autoptr(Manifest) manifest = NULL;
                autofree char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                fputs(head, f);
                for (size_t i = 0; i < n; i++)
                        fputs("https://a:1,", f);
                fputs("']}]}\n", f);
                fclose(f);
                assert_int_equal(manifest_parse(text, size, &manifest, NULL), n > 256 ? -E2BIG : 0);
        }
}

static void test_programs(void **state)
{
        static const struct {
                const char *container, *program;
        } programs[] = {
                {"command: [/usr/local/bin/etcd, --name=a]", "etcd"},
                {"command: [kube-apiserver], args: [--a=b]", "kube-apiserver"},
                {"args: [kube-apiserver, --a=b]", NULL},
                {"image: etcd", NULL},
                {"command: []", NULL},
                {"command: ['']", NULL},
                {"command: [/bin/]", NULL},
                {"command: [/bin/sh, -c, 'mkdir -p /x; exec kube-apiserver --a=b 2>&1']",
                        "kube-apiserver"},
                {"command: [/bin/sh, -ec], args: ['ulimit -n 9; /bin/etcd --name x']", "etcd"},
                {"command: [bash, -c, 'kube-scheduler $ARGS']", "kube-scheduler"},
                {"command: [sh, -c, 'etcd --name x | tee --append /log']", "etcd"},
                {"command: [sh, -c, 'exec 2>/x; exec bash -c \"exec etcd --a\"']", "bash"},
                {"command: [sh, -c, '']", NULL},
                {"command: [sh, /start]", "sh"},
                {"command: [etcd, -c, exec, x]", "etcd"},
        };

        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                autoptr(Manifest) manifest =
                        parse_container("hostNetwork: true", programs[i].container);
                const char *program = manifest->containers[0].program;

                if (!program != !programs[i].program ||
                        (program && !streq(program, programs[i].program)))
                        fail_msg("%s: %s", programs[i].container, program ? program : "NULL");
        }
}

static void test_flags(void **state)
{
        static const struct {
                const char *flag, *value;
        } flags[] = {
                {"--initial-cluster", "a=https://a:2380,b=https://b:2380"},
                {"--name", "b"},
                {"--data-dir", "/x"},
                {"--client-cert-auth", ""},
                {"--last", ""},
                {"--empty", ""},
                {"--nam", NULL},
                {"--names", NULL},
                {"--etcd", NULL},
        };
        autoptr(Manifest) manifest =
                parse("kind: Pod\nmetadata: {name: p, namespace: n}\nspec:\n"
                      "  terminationGracePeriodSeconds: 0\n"
                      "  initContainers: [{name: i, command: [x, --name=i]}]\n"
                      "  containers: [{name: c, command: [etcd, '--name=a', --client-cert-auth,"
                      " '--initial-cluster=a=https://a:2380,b=https://b:2380', -data-dir, /x],"
                      " args: [--name, b, --empty=, --last]}, {name: d, image: 'd:3.4',"
                      " command: [x, --name=d]}, {name: e}]\n");

        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                const char *value = manifest_flag(manifest, "c", flags[i].flag);

                if (!flags[i].value)
                        assert_null(value);
                else
                        assert_string_equal(value, flags[i].value);
        }
        assert_string_equal(manifest_flag(manifest, "d", "--name"), "d");
        assert_null(manifest_flag(manifest, "e", "--name"));
        assert_null(manifest_flag(manifest, "i", "--name"));
        assert_null(manifest_flag(manifest, "none", "--name"));
        assert_null(manifest_container(manifest, "i"));
        assert_string_equal(manifest->namespace_, "n");
        assert_int_equal(manifest->termination_grace, 0);
        assert_false(manifest->host_network);
        assert_int_equal(manifest->n_containers, 3);
        assert_null(manifest->version);
        assert_string_equal(manifest->containers[1].version, "3.4");
        assert_string_equal(manifest->containers[2].image, "");
        assert_null(manifest->containers[2].words);
}

static void test_namespace_of_a_static_pod_without_one(void **state)
{
        autoptr(Manifest) manifest = parse_container("hostNetwork: true", "image: a");

        assert_string_equal(manifest->namespace_, "default");
        assert_true(manifest->host_network);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kubeadms_components),
                cmocka_unit_test(test_probes),
                cmocka_unit_test(test_what_the_kubelet_refuses_too),
                cmocka_unit_test(test_endpoints),
                cmocka_unit_test(test_too_many_endpoints),
                cmocka_unit_test(test_programs),
                cmocka_unit_test(test_flags),
                cmocka_unit_test(test_namespace_of_a_static_pod_without_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
