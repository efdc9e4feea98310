/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "kube/cri-internal.h"
#include "tree.h"

#define USUAL "/run/containerd/containerd.sock /run/crio/crio.sock /run/cri-dockerd.sock"

static const struct {
        const char *endpoint, *flags, *config; /* NULL: not given, or no such file */
        const char *expected;                  /* the sockets, or what is in the error */
        int r;
} cases[] = {
        {NULL, NULL, NULL, USUAL, 0},
        {"/run/k3s/containerd/containerd.sock", NULL, NULL, "/run/k3s/containerd/containerd.sock",
                0},
        {"unix:///run/a.sock", "X=\"--container-runtime-endpoint=/b\"", NULL, "/run/a.sock", 0},
        {"unix:/run/a.sock", NULL, NULL, "/run/a.sock", 0},
        {"tcp://127.0.0.1:1", NULL, NULL, "'tcp://127.0.0.1:1' (configured)", -EINVAL},
        {"", NULL, NULL, "'' (configured)", -EINVAL},
        /* As kubeadm writes it. */
        {NULL,
                "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/crio/crio.sock "
                "--pod-infra-container-image=registry.k8s.io/pause:3.9\"\n",
                "kind: KubeletConfiguration\ncontainerRuntimeEndpoint: \"\"\n",
                "/run/crio/crio.sock", 0},
        {NULL,
                "KUBELET_KUBEADM_ARGS=\"--network-plugin=cni --container-runtime=remote "
                "--container-runtime-endpoint=/run/x.sock\"\n",
                NULL, "/run/x.sock", 0},
        {NULL, "A='--container-runtime-endpoint unix:///run/x.sock'", NULL, "/run/x.sock", 0},
        {NULL, "A=\"--container-runtime-endpoint='/run/x.sock' --b=c\"", NULL, "/run/x.sock", 0},
        {NULL, "A=--container-runtime-endpoint=/one --container-runtime-endpoint=/two", NULL,
                "/two", 0},
        {NULL, "A=--container-runtime-endpoints=/one --container-runtime=remote", NULL, USUAL, 0},
        {NULL, "A=--container-runtime-endpoint=\n", NULL, USUAL, 0},
        {NULL, "A=--container-runtime-endpoint=npipe:////./pipe/x", NULL, "kubeadm-flags.env",
                -EINVAL},
        {NULL, "", "containerRuntimeEndpoint: unix:///var/run/y.sock\n", "/var/run/y.sock", 0},
        {NULL, "A=--container-runtime-endpoint=/x", "containerRuntimeEndpoint: /y\n", "/x", 0},
        {NULL, NULL, "kind: KubeletConfiguration\n", USUAL, 0},
        {NULL, NULL, "containerRuntimeEndpoint: [", "config.yaml", -EBADMSG},
        {NULL, NULL, "containerRuntimeEndpoint: [/x]\n", "config.yaml", -EBADMSG},
};

static void test_where_the_runtime_listens(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *root = tree_new();
                autofd int root_fd = fs_open_root(root, NULL);
                autofree char *joined = NULL;
                autostrv sockets = NULL;
                const char *source;
                Error error = {};
                int r;

                if (cases[i].flags)
                        tree_write_text(root, "/var/lib/kubelet/kubeadm-flags.env", cases[i].flags);
                if (cases[i].config)
                        tree_write_text(root, "/var/lib/kubelet/config.yaml", cases[i].config);
                r = cri_endpoint_find(root_fd, cases[i].endpoint, &sockets, &source, &error);
                tree_free(root);
                assert_int_equal(r, cases[i].r);
                joined = strv_join(sockets, " ");
                if (r == 0)
                        assert_string_equal(joined, cases[i].expected);
                else if (!strstr(error.text, cases[i].expected))
                        fail_msg("'%s' is not in: %s", cases[i].expected, error.text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_where_the_runtime_listens)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
