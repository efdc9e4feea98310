/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/cri-internal.h"
#include "servers.h"

#include <sys/stat.h>
#include <sys/un.h>

#define CONTAINERD "run/containerd/containerd.sock"
#define CRIO       "run/crio/crio.sock"

/* tests/bin/fake-runtime at a path of the scratch directory, with these further words. */
static void start_runtime(const char **argv)
{
        autofree char *program = xasprintf("%s/tests/bin/fake-runtime", getenv("BUILDDIR"));

        argv[0] = program;
        server_spawn(argv, "ready");
}

#define START(...) start_runtime((const char *[]){NULL, __VA_ARGS__, NULL})

static int set_up(void **state)
{
        return scratch_set_up(state) < 0 || mkdir("run", 0700) < 0 ||
                               mkdir("run/containerd", 0700) < 0 || mkdir("run/crio", 0700) < 0
                       ? -1
                       : 0;
}

#define CRI_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, servers_tear_down)

static Cri *connected(const char *endpoint)
{
        Cri *cri = NULL;
        Error error = {};

        if (cri_open(root_fd, endpoint, 1, &cri, &error) < 0)
                fail_msg("%s", error.text);
        return cri;
}

/* It cannot be connected: r, and this in the error. */
static void unconnected(const char *endpoint, int expected, const char *text)
{
        Cri *cri = NULL;
        Error error = {};
        int r = cri_open(root_fd, endpoint, 1, &cri, &error);

        if (r != expected || !strstr(error.text, text))
                fail_msg("%s: %s", strerror(r < 0 ? -r : 0), error.text);
        assert_null(cri);
}

static CriList *listed(Cri *cri, const char *namespace_, const char *pod, const char *container)
{
        CriList *list = NULL;
        Error error = {};

        if (cri_list(cri, namespace_, pod, container, &list, &error) < 0)
                fail_msg("%s", error.text);
        return list;
}

static void test_connects_at_the_usual_place(void **state)
{
        START(CONTAINERD);

        Error error = {};
        autoptr(Cri) cri = NULL;
        assert_int_equal(cri_connect(root_fd, NULL, &cri, &error), 0);
        assert_string_equal(cri_runtime(cri), "fake 1.0");
        assert_string_equal(cri_socket(cri), "/" CONTAINERD);
}

static void test_older_version(void **state)
{
        START(CONTAINERD, "--api=v1alpha2", "--log=calls");

        autoptr(Cri) cri = connected(NULL);
        autoptr(CriList) list = listed(cri, "kube-system", "etcd", "etcd");
        assert_int_equal(list->n, 0);
        assert_content("/calls",
                "/runtime.v1.RuntimeService/Version\n/runtime.v1alpha2.RuntimeService/Version\n"
                "/runtime.v1alpha2.RuntimeService/ListContainers\n");
}

static void test_neither_version(void **state)
{
        START(CONTAINERD, "--api=none");
        unconnected(NULL, -EOPNOTSUPP, "neither runtime.v1 nor runtime.v1alpha2");
}

static void test_no_socket(void **state)
{
        unconnected(NULL, -ENOENT,
                "no socket '/run/containerd/containerd.sock', '/run/crio/crio.sock', "
                "'/run/cri-dockerd.sock'");
        unconnected("unix:///run/other.sock", -ENOENT, "no socket '/run/other.sock' (configured)");
}

/* Binds a name in the file system and leaves it there, as a runtime does that was killed. */
static void leave_stale_socket(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void test_nobody_at_the_socket(void **state)
{
        leave_stale_socket(CONTAINERD);
        unconnected(NULL, -ECONNREFUSED, "'/run/containerd/containerd.sock'");
        put(CRIO, "no socket");
        unconnected("/run/crio/crio.sock", -ECONNREFUSED, "'/run/crio/crio.sock'");
}

static void test_next_usual_place_where_nobody_answers(void **state)
{
        leave_stale_socket(CONTAINERD);
        START(CRIO);

        autoptr(Cri) cri = connected(NULL);
        assert_string_equal(cri_socket(cri), "/" CRIO);
}

static void test_first_reason_is_told_where_nobody_answers(void **state)
{
        leave_stale_socket(CONTAINERD);
        START(CRIO, "--api=none");
        unconnected(NULL, -ECONNREFUSED, "'/run/containerd/containerd.sock'");
}

/* sun_path has 108 bytes; and links mean what they mean below our root. */
static void test_long_path_and_links(void **state)
{
        autofree char *name = xasprintf("%090d", 0), *path = NULL, *endpoint = NULL;

        assert_int_equal(mkdir("deep", 0700), 0);
        assert_int_equal(chdir("deep"), 0);
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(".."), 0);
        assert_int_equal(symlink("/deep", "link"), 0);
        path = xasprintf("deep/%s/runtime.sock", name);
        endpoint = xasprintf("/link/%s/runtime.sock", name);
        START(path);

        autoptr(Cri) cri = connected(endpoint);
        assert_string_equal(cri_runtime(cri), "fake 1.0");
}

static void test_lists_containers_of_one_pod(void **state)
{
        START(CONTAINERD, "a1,etcd,etcd-cp1,kube-system,exited,3,1700000000000000000",
                "a2,etcd,etcd-cp1,kube-system,running,4,1700000000000000002",
                "a0,etcd,etcd-cp1,kube-system,exited,2,1700000000000000000",
                "b1,other,etcd-cp1,kube-system,running,0,1", "c1,etcd,etcd-cp1,default,running,0,1",
                "d1,etcd,etcdctl-cp1,kube-system,running,0,1",
                "e1,etcd,etcd,kube-system,running,0,1");

        autoptr(Cri) cri = connected(NULL);
        autoptr(CriList) list = listed(cri, "kube-system", "etcd", "etcd");
        const CriContainer *newest = &list->containers[0];

        assert_int_equal(list->n, 3);
        assert_string_equal(newest->id, "a2");
        assert_string_equal(newest->name, "etcd");
        assert_string_equal(newest->pod, "etcd-cp1");
        assert_string_equal(newest->namespace_, "kube-system");
        assert_int_equal(newest->state, CRI_RUNNING);
        assert_int_equal(newest->attempt, 4);
        assert_int_equal(newest->created_at, 1700000000000000002);
        assert_string_equal(list->containers[1].id, "a1");
        assert_string_equal(list->containers[2].id, "a0");
        assert_int_equal(list->containers[2].state, CRI_EXITED);

        autoptr(CriList) none = listed(cri, "kube-system", "etcd", "kube-apiserver");
        assert_int_equal(none->n, 0);
}

static Cri__Label label_of(const char *key, const char *value)
{
        Cri__Label label = CRI__LABEL__INIT;

        label.key = (char *)key;
        label.value = (char *)value;
        return label;
}

/* The pod of a job may begin with the same name, and its container have the very same. */
static void test_pods_of_the_api_are_no_static_pods(void **state)
{
        static const struct {
                const char *pod, *uid;
                size_t expected;
        } table[] = {
                {"etcd-cp1", "3f0a2a0d6e6f0b1f0c2a7b7d4a5e9c11", 1},
                {"etcd-backup-28312312-abcde", "0c6a8c0e-5b0f-4d6e-9a53-9f1f4cbb9a10", 0},
                {"etcd-cp1", "", 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Cri__Label labels[] = {
                        label_of("io.kubernetes.pod.namespace", "kube-system"),
                        label_of("io.kubernetes.pod.name", table[i].pod),
                        label_of("io.kubernetes.pod.uid", table[i].uid),
                        label_of("io.kubernetes.container.name", "etcd"),
                };
                Cri__Label *entries[] = {&labels[0], &labels[1], &labels[2], &labels[3]};
                Cri__Container container = CRI__CONTAINER__INIT;
                Cri__Container *containers[] = {&container};
                Cri__ListContainersResponse response = CRI__LIST_CONTAINERS_RESPONSE__INIT;

                container.id = (char *)"a1";
                container.labels = entries;
                container.n_labels = ELEMENTSOF(entries);
                response.containers = containers;
                response.n_containers = 1;
                autoptr(CriList) list = cri_list_of(&response, "kube-system", "etcd", "etcd");
                assert_int_equal(list->n, table[i].expected);
        }
}

static void test_stops_a_container(void **state)
{
        START(CONTAINERD, "--restart", "--log=calls",
                "a1,etcd,etcd-cp1,kube-system,running,3,1700000000000000000");

        autoptr(Cri) cri = connected(NULL);
        Error error = {};
        assert_int_equal(cri_stop(cri, "a1", 30, &error), 0);
        assert_int_equal(cri_stop(cri, "a1", 0, &error), 0);
        shell("grep -xF 'stop a1 30' calls && grep -xF 'stop a1 0' "
              "calls");

        autoptr(CriList) list = listed(cri, "kube-system", "etcd", "etcd");
        assert_int_equal(list->n, 2);
        assert_string_equal(list->containers[0].id, "a1-4");
        assert_int_equal(list->containers[0].state, CRI_RUNNING);
        assert_string_equal(list->containers[1].id, "a1");
        assert_int_equal(list->containers[1].state, CRI_EXITED);

        assert_int_equal(cri_stop(cri, "a", 0, &error), -ENOENT);
        assert_non_null(strstr(error.text, "no such container"));
}

/* A stop takes as long as it may, and then some. */
static void test_stop_is_waited_for(void **state)
{
        START(CONTAINERD, "--fault=StopContainer:slow",
                "a1,etcd,etcd-cp1,kube-system,running,3,1700000000000000000");

        autoptr(Cri) cri = connected(NULL);
        Error error = {};
        assert_int_equal(cri_stop(cri, "a1", 2, &error), 0);
        assert_int_equal(cri_stop(cri, "a1", 0, &error), -ETIMEDOUT);
}

static const struct {
        const char *fault;
        int r;
        const char *text;
} faults[] = {
        {"hang", -ETIMEDOUT, "time"},
        {"close", -EPROTO, ""},
        {"reset", -EPROTO, ""},
        {"http1", -EPROTO, ""},
        {"http-503", -EPROTO, "HTTP status 503"},
        {"no-status", -EPROTO, "has no gRPC status"},
        {"odd-status", -EPROTO, "'fine' is no gRPC status"},
        {"error", -EREMOTEIO, "gRPC status 13 INTERNAL: disk full\\x0a100%"},
        {"broken-frame", -EPROTO, "not exactly one gRPC frame"},
        {"two-frames", -EPROTO, "not exactly one gRPC frame"},
        {"compressed", -EPROTO, "compressed"},
        {"garbage", -EPROTO, "is no ListContainersResponse"},
        {"oversized", -EFBIG, "too large"},
        {"not-found", -EREMOTEIO, "NOT_FOUND"},
        {"unimplemented", -EREMOTEIO, "UNIMPLEMENTED"},
};

static void test_faults_of_a_call(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                autofree char *option = xasprintf("--fault=ListContainers:%s", faults[i].fault);
                CriList *list = NULL;
                Error error = {};
                int r;

                START(CONTAINERD, option, "a,etcd,etcd-cp1,kube-system,running,0,1");
                autoptr(Cri) cri = connected(NULL);
                r = cri_list(cri, "kube-system", "etcd", "etcd", &list, &error);
                if (r != faults[i].r || !strstr(error.text, faults[i].text))
                        fail_msg("%s: %d %s", faults[i].fault, r, error.text);
                assert_true(starts_with(
                        error.text, "container runtime at '/run/containerd/containerd.sock'"));
                assert_null(list);
                servers_stop();
        }
}

static void test_faults_while_connecting(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                autofree char *option = xasprintf("--fault=Version:%s", faults[i].fault);
                bool unknown = streq(faults[i].fault, "unimplemented");

                START(CONTAINERD, option);
                unconnected(NULL, unknown ? -EOPNOTSUPP : faults[i].r, "");
                servers_stop();
        }
}

static void test_runtime_is_restarted_in_between(void **state)
{
        CriList *list = NULL;
        Error error = {};

        START(CONTAINERD);
        autoptr(Cri) cri = connected(NULL);
        servers_stop();
        assert_int_equal(
                cri_list(cri, "kube-system", "etcd", "etcd", &list, &error), -ECONNREFUSED);
        assert_int_equal(unlink(CONTAINERD), 0);
        assert_int_equal(cri_stop(cri, "a", 0, &error), -ECONNREFUSED);
        START(CONTAINERD, "a,etcd,etcd-cp1,kube-system,running,0,1");
        autoptr(CriList) again = listed(cri, "kube-system", "etcd", "etcd");
        assert_int_equal(again->n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                CRI_TEST(test_connects_at_the_usual_place),
                CRI_TEST(test_older_version),
                CRI_TEST(test_neither_version),
                CRI_TEST(test_no_socket),
                CRI_TEST(test_nobody_at_the_socket),
                CRI_TEST(test_next_usual_place_where_nobody_answers),
                CRI_TEST(test_first_reason_is_told_where_nobody_answers),
                CRI_TEST(test_long_path_and_links),
                CRI_TEST(test_lists_containers_of_one_pod),
                CRI_TEST(test_pods_of_the_api_are_no_static_pods),
                CRI_TEST(test_stops_a_container),
                CRI_TEST(test_stop_is_waited_for),
                CRI_TEST(test_faults_of_a_call),
                CRI_TEST(test_faults_while_connecting),
                CRI_TEST(test_runtime_is_restarted_in_between),
        };
        autofree char *program = xasprintf("%s/tests/bin/fake-runtime", getenv("BUILDDIR"));

        if (access(program, X_OK) < 0)
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
