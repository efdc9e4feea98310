/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A control plane of stand-ins: the files of a genuine one below a scratch root, and neighbours
 * that fail on demand.
 *
 *     Plane plane = plane_new();
 *     plane_pod(&plane, "kube-scheduler", "kube-scheduler:v1.28.7", "--kubeconfig=/etc/…");
 *     plane_container(&plane, "kube-scheduler", OLD);          a line of tests/bin/fake-runtime
 *     plane_runtime(&plane, "--restart", NULL);
 *     put("start-kube-scheduler.sh", "cp bad kube-scheduler.health");
 *     plane_look(&plane);
 *     plane_free(&plane);
 *
 * For tests of servers.h, whose scratch directory holds logs and what the neighbours say:
 * NAME.health is the answer to a component's probe (hangs up where there is none), kubelet.health
 * that of the kubelet. EVENT-NAME.sh is sourced there when a container is stopped ("stop") or
 * started ("start"). */

#include "host.h"
#include "renew/pass.h"
#include "renew/report/report.h"
#include "servers.h"

#define MANIFESTS "/etc/kubernetes/manifests"
#define RUNTIME   "/run/containerd/containerd.sock"
#define STATE     "/var/lib/kube-renewd"

#define OK  "HTTP/1.0 200 OK\r\n\r\nok"
#define BAD "HTTP/1.0 500 Internal Server Error\r\n\r\nnot well"

#define OLD "1" /* nanoseconds since the epoch: before any file was written */

/* After every file of the next half minute, and not in a future that nobody would believe. */
static inline const char *plane_young(void)
{
        static char text[40];

        snprintf(text, sizeof(text), "%lld000000000", (long long)time(NULL) + 30);
        return text;
}
#define YOUNG plane_young()

typedef struct Plane {
        Host host;
        char *containers[8];
        size_t n_containers;
        Running *running;
} Plane;

/* Answers everybody with what the file says at that moment. */
static inline uint16_t plane_health(const char *name)
{
        autofree char *path = xasprintf("%s.health", name);
        uint16_t port;
        autofd int fd = server_listen(&port);

        put(path, OK);
        if (servers_fork() != 0)
                return port;
        for (signal(SIGPIPE, SIG_IGN);;) {
                int client = accept(fd, NULL, NULL), file = open(path, O_RDONLY | O_CLOEXEC);
                char text[256] = "";

                if (file < 0 || read(file, text, sizeof(text) - 1) <= 0)
                        close(client);
                else
                        server_answer(client, text, true);
                close(file);
        }
}

/* A kubelet that is well. */
static inline void plane_kubelet(const Plane *plane)
{
        autofree char *kubelet = xasprintf("healthzPort: %u\n", plane_health("kubelet"));

        tree_write_text(plane->host.root, "/var/lib/kubelet/config.yaml", kubelet);
}

/* Without manifests, its kubelet well. The certificates are judged ten days before their end. */
static inline Plane plane_new(void)
{
        Plane plane = {.host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT)};

        plane_kubelet(&plane);
        shell("ln -s %s root; rm root" MANIFESTS "/*.yaml root/etc/kubernetes/kubelet.conf; "
              "mkdir -p root/run/containerd",
                plane.host.root);
        put("ok", OK);
        put("bad", BAD);
        put("hook", "cd \"${0%/*}\"; [ ! -e \"$1-$2.sh\" ] || . \"./$1-$2.sh\"\n");
        return plane;
}

static inline char *plane_manifest(const char *name)
{
        return xasprintf(MANIFESTS "/%s.yaml", name);
}

/* The manifest of a component of the layout, on the host's network: its command line is its name
 * and these further words, its probe is at this port. */
static inline void plane_pod_at(
        const Plane *plane, const char *name, const char *image, const char *words, uint16_t port)
{
        autofree char *path = plane_manifest(name);
        autofree char *text = xasprintf("apiVersion: v1\n"
                                        "kind: Pod\n"
                                        "metadata: {name: %s, namespace: kube-system}\n"
                                        "spec:\n"
                                        "  hostNetwork: true\n"
                                        "  terminationGracePeriodSeconds: 1\n"
                                        "  containers:\n"
                                        "  - name: %s\n"
                                        "    image: registry.k8s.io/%s\n"
                                        "    command: [%s, %s]\n"
                                        "    livenessProbe:\n"
                                        "      httpGet: {host: 127.0.0.1, path: /livez, port: %u}\n"
                                        "      timeoutSeconds: 5\n"
                                        "    volumeMounts:\n"
                                        "    - {name: k8s, mountPath: /etc/kubernetes}\n"
                                        "  volumes:\n"
                                        "  - name: k8s\n"
                                        "    hostPath: {path: /etc/kubernetes, type: Directory}\n",
                name, name, image, name, words, port);

        tree_write_text(plane->host.root, path, text);
}

static inline void plane_pod(
        const Plane *plane, const char *name, const char *image, const char *words)
{
        plane_pod_at(plane, name, image, words, plane_health(name));
}

/* A container that runs, called "NAME-0". */
static inline void plane_container(Plane *plane, const char *name, const char *created)
{
        plane->containers[plane->n_containers++] =
                xasprintf("%s-0,%s,%s-cp1,kube-system,running,0,%s", name, name, name, created);
}

/* The runtime with all containers, and up to four words more. */
static inline void plane_runtime(Plane *plane, ...)
{
        autofree char *program = xasprintf("%s/tests/bin/fake-runtime", getenv("BUILDDIR"));
        autofree char *socket = xasprintf("%s" RUNTIME, plane->host.root);
        autofree char *hook = xasprintf("--hook=%s/hook", scratch);
        autofree char *log = xasprintf("--log=%s/calls", scratch);
        const char *argv[18] = {program, socket, hook, log};
        size_t n = 4;
        va_list args;

        va_start(args, plane);
        for (const char *word; n < 8 && (word = va_arg(args, const char *));)
                argv[n++] = word;
        va_end(args);
        for (size_t i = 0; i < plane->n_containers; i++)
                argv[n++] = plane->containers[i];
        server_spawn(argv, "ready");
}

/* Reads configuration, tree and manifests; a Running for them, as if this were the host's root. */
static inline void plane_look(Plane *plane)
{
        running_free(TAKE(plane->running));
        host_configure(&plane->host);
        host_look(&plane->host);
        plane->running = running_new(plane->host.root_fd, plane->host.config, true);
}

static inline const InventoryComponent *plane_component(const Plane *plane, const char *name)
{
        const Inventory *inventory = plane->host.inventory;

        for (size_t i = 0; i < inventory->n_components; i++)
                if (streq(inventory->components[i].entry->name, name))
                        return &inventory->components[i];
        fail_msg("there is no component %s", name);
        return NULL;
}

static inline void plane_configure(const Plane *plane, const char *text)
{
        tree_write_text(plane->host.root, "/etc/kube-renewd/kube-renewd.conf", text);
}

/* Enters a restart in the ledger, for one file or NULL. */
static inline void plane_owe(const Plane *plane, const char *component, const char *path)
{
        char *paths[] = {(char *)path, NULL};

        assert_int_equal(owed_note(plane->host.root_fd, STATE,
                                 &(Owed){.component = (char *)component,
                                         .since = time(NULL),
                                         .pass_id = (char *)"p",
                                         .paths = path ? paths : NULL,
                                         .reason = (char *)"a test"},
                                 NULL),
                0);
}

static inline bool plane_owes(const Plane *plane, const char *component)
{
        autofree char *path = xasprintf(STATE "/owed/%s.json", component);

        return fs_exists(plane->host.root_fd, path);
}

/* The stage that restarts, now; with what has to be entered first if that is asked for. */
static inline RestartReport *plane_restart(Plane *plane, bool enters_stale)
{
        RestartReport *report = NULL;
        autoptr(Txn) txn = NULL;
        Error error = {};
        int r;

        plane_look(plane);
        r = txn_open(plane->host.root_fd, STATE, &txn, &error);
        const RestartInput input = {.root_fd = plane->host.root_fd,
                .config = plane->host.config,
                .running = plane->running,
                .assessment = plane->host.assessment,
                .txn = txn,
                .pass_id = "this",
                .now = time(NULL)};
        if (r >= 0 && enters_stale)
                r = restart_enter_stale(&input, &error);
        if (r >= 0)
                r = restart_run(&input, &report, &error);
        if (r < 0)
                fail_msg("%s", error.text);
        return report;
}

/* What became of this component, and a part of why. */
static inline void plane_assert_result(const RestartReport *report, const char *component,
        RestartOutcome outcome, const char *text)
{
        const RestartResult *result = restart_result_find(report, component);

        assert_non_null(result);
        if (result->outcome != outcome ||
                (text ? !result->text || !strstr(result->text, text) : !!result->text))
                fail_msg("%s: %d %s", component, (int)result->outcome, result->text);
}

/* A whole pass over the root, as if it were the host's. */
static inline int plane_pass(const Plane *plane, int64_t at, const PassRequest *request)
{
        autoptr(Pass) pass = NULL;
        Error error = {};
        int r;

        r = pass_open(
                &(PassOptions){.root = plane->host.root, .config.layout = "kubeadm", .at = at},
                &pass, &error);
        if (r < 0)
                fail_msg("%s", error.text);
        pass->running = running_new(pass->root_fd, pass->config, true);
        r = pass_run(pass, request, &error);
        if (r == EXIT_FAILED && *error.text)
                fail_msg("%s", error.text);
        return r;
}

static inline int plane_night(const Plane *plane, unsigned night)
{
        return plane_pass(plane, plane->host.now + night * DAY, &(PassRequest){.nightly = true});
}

/* The alarms that are active, as "TYPE@RESOURCE TYPE@RESOURCE", sorted. */
static inline void plane_assert_alarms(const Plane *plane, const char *expected)
{
        autoptr(AlarmList) list = NULL;
        autofree char *text = xstrdup("");

        assert_int_equal(
                report_read_alarms(plane->host.root_fd, plane->host.config, &list, NULL), 0);
        for (size_t i = 0; i < list->n; i++) {
                char *before = text;

                text = xasprintf("%s%s%s@%s", before, *before ? " " : "", list->alarms[i].type,
                        list->alarms[i].resource);
                free(before);
        }
        assert_string_equal(text, expected);
}

/* How often a container was stopped. */
static inline size_t plane_stops(const char *name)
{
        autofree char *calls =
                access("calls", F_OK) == 0 ? tree_read(scratch, "/calls", NULL) : NULL;
        autofree char *line = xasprintf("\nstop %s-", name);
        size_t n = 0;

        for (const char *at = calls; at && (at = strstr(at, line)); at++)
                n++;
        return n;
}

static inline void plane_free(Plane *plane)
{
        running_free(plane->running);
        for (size_t i = 0; i < plane->n_containers; i++)
                free(plane->containers[i]);
        host_free(&plane->host);
}

static inline bool plane_is_possible(void)
{
        autofree char *program = xasprintf("%s/tests/bin/fake-runtime", getenv("BUILDDIR"));

        return access(program, X_OK) == 0;
}
