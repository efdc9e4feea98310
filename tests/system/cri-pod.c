/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pods without a kubelet, for tests with a real runtime.
 *
 *     cri-pod SOCKET run NAMESPACE POD                                 prints the id of the sandbox
 *     cri-pod SOCKET start SANDBOX NAMESPACE POD CONTAINER ATTEMPT IMAGE COMMAND...
 *                                                                      prints the id of the
 * container cri-pod SOCKET remove SANDBOX
 *
 * Sandboxes are in the node's network, so that no CNI is needed. */

#include "cri-pod.pb-c.h"
#include "kube/cri-internal.h"
#include "kube/http.h"

#define TIMEOUT 60

static const char *runtime;

/* Makes a call that has to succeed; the caller frees the answer. */
static void *call(
        const char *method, const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type)
{
        autofree char *url = xasprintf("http://localhost/runtime.v1.RuntimeService/%s", method);
        autofree unsigned char *frame = NULL;
        autoptr(HttpAnswer) answer = NULL;
        ProtobufCMessage *message = NULL;
        Error error = {};
        HttpRequest http = {
                .url = url,
                .content_type = "application/grpc",
                .unix_socket = runtime,
                .headers = (char *const[]){(char *)"te: trailers", NULL},
                .http2 = true,
                .timeout = TIMEOUT,
        };

        frame = cri_frame_pack(request, &http.body_size);
        http.body = frame;
        if (http_call(&http, &answer, &error) >= 0) {
                const char *text = http_header(answer, "grpc-message");

                error_set(&error, 0, "%s", text ? text : "no message");
                (void)!cri_frame_unpack(
                        type, answer->body, answer->body_size, &message, text ? NULL : &error);
        }
        if (message)
                return message;
        fprintf(stderr, "cri-pod: %s: %s\n", method, error.text);
        exit(1);
}

static Pod__Label label(const char *key, const char *value)
{
        Pod__Label label = POD__LABEL__INIT;

        label.key = (char *)key;
        label.value = (char *)value;
        return label;
}

/* The configuration of a sandbox, which the kubelet repeats for each of its containers. */
static Pod__PodSandboxConfig *sandbox_config(const char *namespace_, const char *pod)
{
        static Pod__NamespaceOption network = POD__NAMESPACE_OPTION__INIT;
        static Pod__LinuxSandboxSecurityContext context = POD__LINUX_SANDBOX_SECURITY_CONTEXT__INIT;
        static Pod__LinuxPodSandboxConfig of_linux = POD__LINUX_POD_SANDBOX_CONFIG__INIT;
        static Pod__PodSandboxMetadata metadata = POD__POD_SANDBOX_METADATA__INIT;
        static Pod__PodSandboxConfig config = POD__POD_SANDBOX_CONFIG__INIT;

        network.network = 2;
        context.namespace_options = &network;
        of_linux.security_context = &context;
        metadata.name = (char *)pod;
        metadata.uid = (char *)pod;
        metadata.namespace_ = (char *)namespace_;
        config.metadata = &metadata;
        config.of_linux = &of_linux;
        return &config;
}

static void run_sandbox(char **argv)
{
        Pod__RunPodSandboxRequest request = POD__RUN_POD_SANDBOX_REQUEST__INIT;
        Pod__RunPodSandboxResponse *response;

        request.config = sandbox_config(argv[0], argv[1]);
        response = call("RunPodSandbox", &request.base, &pod__run_pod_sandbox_response__descriptor);
        puts(response->pod_sandbox_id);
        pod__run_pod_sandbox_response__free_unpacked(response, NULL);
}

static char *create_container(char **argv)
{
        Pod__ContainerMetadata metadata = POD__CONTAINER_METADATA__INIT;
        Pod__ImageSpec image = POD__IMAGE_SPEC__INIT;
        Pod__ContainerConfig config = POD__CONTAINER_CONFIG__INIT;
        Pod__CreateContainerRequest request = POD__CREATE_CONTAINER_REQUEST__INIT;
        Pod__CreateContainerResponse *response;
        Pod__Label labels[] = {label("io.kubernetes.pod.namespace", argv[1]),
                label("io.kubernetes.pod.name", argv[2]),
                label("io.kubernetes.container.name", argv[3])};
        Pod__Label *pointers[] = {&labels[0], &labels[1], &labels[2]};
        char *id;

        metadata.name = argv[3];
        metadata.attempt = (uint32_t)atoi(argv[4]);
        image.image = argv[5];
        config.metadata = &metadata;
        config.image = &image;
        config.command = argv + 6;
        config.n_command = strv_length(argv + 6);
        config.labels = pointers;
        config.n_labels = ELEMENTSOF(pointers);
        request.pod_sandbox_id = argv[0];
        request.config = &config;
        request.sandbox_config = sandbox_config(argv[1], argv[2]);
        response =
                call("CreateContainer", &request.base, &pod__create_container_response__descriptor);
        id = xstrdup(response->container_id);
        pod__create_container_response__free_unpacked(response, NULL);
        return id;
}

static void start_container(char **argv)
{
        Pod__StartContainerRequest request = POD__START_CONTAINER_REQUEST__INIT;
        autofree char *id = create_container(argv);

        request.container_id = id;
        protobuf_c_message_free_unpacked(
                call("StartContainer", &request.base, &pod__nothing__descriptor), NULL);
        puts(id);
}

static void remove_sandbox(char **argv)
{
        Pod__RemovePodSandboxRequest request = POD__REMOVE_POD_SANDBOX_REQUEST__INIT;

        request.pod_sandbox_id = argv[0];
        protobuf_c_message_free_unpacked(
                call("StopPodSandbox", &request.base, &pod__nothing__descriptor), NULL);
        protobuf_c_message_free_unpacked(
                call("RemovePodSandbox", &request.base, &pod__nothing__descriptor), NULL);
}

static const struct {
        const char *name;
        int n_words; /* at least */
        void (*run)(char **argv);
} verbs[] = {
        {"run", 2, run_sandbox},
        {"start", 7, start_container},
        {"remove", 1, remove_sandbox},
};

int main(int argc, char **argv)
{
        for (size_t i = 0; argc > 3 && i < ELEMENTSOF(verbs); i++)
                if (streq(argv[2], verbs[i].name) && argc >= 3 + verbs[i].n_words) {
                        runtime = argv[1];
                        verbs[i].run(argv + 3);
                        return 0;
                }
        fprintf(stderr, "cri-pod: wrong words\n");
        return 2;
}
