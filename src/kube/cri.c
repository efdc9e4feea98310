/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/cri.h"

#include "base/fs.h"
#include "kube/cri-internal.h"
#include "kube/http.h"

#include <fcntl.h>

/* How the same service is called, the one we would rather have first. */
static const char *const services[] = {
        "runtime.v1.RuntimeService",
        "runtime.v1alpha2.RuntimeService",
};

struct Cri {
        int root_fd;
        char *socket;
        const char *service;
        unsigned patience;
        char *runtime;
};

/* google.golang.org/grpc/codes, by number. */
static const char *const codes[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};

void cri_free(Cri *cri)
{
        if (!cri)
                return;
        if (cri->root_fd >= 0)
                close(cri->root_fd);
        free(cri->socket);
        free(cri->runtime);
        free(cri);
}

const char *cri_runtime(const Cri *cri)
{
        return cri->runtime;
}

const char *cri_socket(const Cri *cri)
{
        return cri->socket;
}

static int hex_digit(char c)
{
        const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

        return at ? (int)(at - digits) : -1;
}

/* grpc-message has everything but printable ASCII as %XX; what is no such escape stays. */
static char *decode_message(const char *text)
{
        char *decoded = xstrdup(text);
        unsigned char *out = (unsigned char *)decoded;

        for (const char *in = text; *in; in++) {
                int high = *in == '%' ? hex_digit(in[1]) : -1;
                int low = high >= 0 ? hex_digit(in[2]) : -1;

                *out++ = (unsigned char)(low >= 0 ? high * 16 + low : *in);
                if (low >= 0)
                        in += 2;
        }
        *out = 0;
        return decoded;
}

/* What a gRPC status other than OK means to us. The runtime's own words go to the error. */
static int refuse(unsigned long status, const char *message, Error *reterr)
{
        const char *code = status < ELEMENTSOF(codes) ? codes[status] : "unknown status";
        autofree char *text = decode_message(message ? message : "");
        int r = streq(code, "NOT_FOUND")       ? -ENOENT
                : streq(code, "UNIMPLEMENTED") ? -ENOSYS
                                               : -EREMOTEIO;

        return error_set(reterr, r, "gRPC status %lu %s: %s", status, code, text);
}

/* The status of a call is in the trailers, whatever HTTP says: 200 without one is an answer that
 * was cut off, or no gRPC at all. */
static int judge_answer(const HttpAnswer *answer, Error *reterr)
{
        const char *text = http_header(answer, "grpc-status");
        unsigned long status;
        char *end;

        if (answer->status != 200)
                return error_set(reterr, -EPROTO, "HTTP status %ld, not gRPC", answer->status);
        if (!text)
                return error_set(reterr, -EPROTO, "the answer has no gRPC status");
        errno = 0;
        status = strtoul(text, &end, 10);
        if (errno != 0 || *end || end == text || *text == '-')
                return error_set(reterr, -EPROTO, "'%s' is no gRPC status", text);
        return status == 0 ? 0 : refuse(status, http_header(answer, "grpc-message"), reterr);
}

/* Where the socket can be reached by a path that is short enough for connect(2), and means the
 * socket below our root. The descriptor has to stay open. */
static int open_socket(const Cri *cri, char path[static 64], Error *reterr)
{
        int fd = fs_open(cri->root_fd, cri->socket, O_PATH, 0, reterr);

        if (fd >= 0)
                snprintf(path, 64, "/proc/self/fd/%d", fd);
        return fd == -ENOENT ? -ECONNREFUSED : fd; /* -ENOENT is for containers */
}

static int exchange(const Cri *cri, const char *method, const ProtobufCMessage *message,
        unsigned timeout, const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret,
        Error *reterr)
{
        char *headers[] = {(char *)"te: trailers", NULL}, path[64];
        autofree char *url = xasprintf("http://localhost/%s/%s", cri->service, method);
        autofree unsigned char *frame = NULL;
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request = {
                .url = url,
                .content_type = "application/grpc",
                .unix_socket = path,
                .headers = headers,
                .http2 = true,
                .timeout = timeout,
        };
        int r;

        autofd int fd = open_socket(cri, path, reterr);
        if (fd < 0)
                return fd;
        frame = cri_frame_pack(message, &request.body_size);
        request.body = frame;
        r = http_call(&request, &answer, reterr);
        if (r >= 0)
                r = judge_answer(answer, reterr);
        if (r >= 0)
                r = cri_frame_unpack(type, answer->body, answer->body_size, ret, reterr);
        return r;
}

/* One call. -ENOSYS if the runtime does not know it, otherwise as cri_connect() and cri_stop(). */
static int call(const Cri *cri, const char *method, const ProtobufCMessage *message,
        unsigned timeout, const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret,
        Error *reterr)
{
        int r = exchange(cri, method, message, timeout, type, ret, reterr);

        return r < 0 ? error_prefix(reterr, r, "container runtime at '%s'", cri->socket) : 0;
}

static int ask_version(Cri *cri, Error *reterr)
{
        Cri__VersionRequest request = CRI__VERSION_REQUEST__INIT;
        ProtobufCMessage *message = NULL;
        const Cri__VersionResponse *version;
        int r;

        request.version = (char *)"0.1.0";
        r = call(cri, "Version", &request.base, cri->patience, &cri__version_response__descriptor,
                &message, reterr);
        if (r < 0)
                return r;
        version = (const Cri__VersionResponse *)message;
        cri->runtime = xasprintf("%s %s", version->runtime_name, version->runtime_version);
        protobuf_c_message_free_unpacked(message, NULL);
        return 0;
}

/* Finds the version of the service that it speaks. */
static int negotiate(Cri *cri, Error *reterr)
{
        for (size_t i = 0; i < ELEMENTSOF(services); i++) {
                cri->service = services[i];
                int r = ask_version(cri, reterr);

                if (r != -ENOSYS)
                        return r == -ENOENT ? -EREMOTEIO : r;
        }
        return error_set(reterr, -EOPNOTSUPP,
                "container runtime at '%s' speaks neither runtime.v1 nor runtime.v1alpha2 (its CRI "
                "plugin may be disabled)",
                cri->socket);
}

static int open_one(int root_fd, const char *socket, unsigned patience, Cri **ret, Error *reterr)
{
        autoptr(Cri) cri = xcalloc(1, sizeof(*cri));
        int r;

        cri->root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
        cri->socket = xstrdup(socket);
        cri->patience = patience;
        if (cri->root_fd < 0)
                return error_errno(reterr, -errno, "cannot keep the root directory");
        r = negotiate(cri, reterr);
        if (r >= 0)
                *ret = TAKE(cri);
        return r;
}

int cri_open(int root_fd, const char *endpoint, unsigned patience, Cri **ret, Error *reterr)
{
        autostrv sockets = NULL;
        autofree char *tried = NULL;
        const char *source;
        int r, failure = 0;

        r = cri_endpoint_find(root_fd, endpoint, &sockets, &source, reterr);
        if (r < 0)
                return r;
        for (char **socket = sockets; *socket; socket++) {
                if (!fs_exists(root_fd, *socket))
                        continue;
                r = open_one(root_fd, *socket, patience, ret, failure < 0 ? NULL : reterr);
                if (r >= 0)
                        return 0;
                if (failure == 0)
                        failure = r;
        }
        if (failure < 0)
                return failure;
        tried = strv_join(sockets, "', '");
        return error_set(
                reterr, -ENOENT, "no container runtime: no socket '%s' (%s)", tried, source);
}

int cri_connect(int root_fd, const char *endpoint, Cri **ret, Error *reterr)
{
        return cri_open(root_fd, endpoint, CRI_PATIENCE, ret, reterr);
}

int cri_list(Cri *cri, const char *namespace_, const char *pod, const char *container,
        CriList **ret, Error *reterr)
{
        Cri__Label in_namespace = CRI__LABEL__INIT, of_name = CRI__LABEL__INIT;
        Cri__Label *labels[] = {&in_namespace, &of_name};
        Cri__ContainerFilter filter = CRI__CONTAINER_FILTER__INIT;
        Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
        ProtobufCMessage *message = NULL;
        int r;

        in_namespace.key = (char *)"io.kubernetes.pod.namespace";
        in_namespace.value = (char *)namespace_;
        of_name.key = (char *)"io.kubernetes.container.name";
        of_name.value = (char *)container;
        filter.label_selector = labels;
        filter.n_label_selector = ELEMENTSOF(labels);
        request.filter = &filter;
        r = call(cri, "ListContainers", &request.base, cri->patience,
                &cri__list_containers_response__descriptor, &message, reterr);
        if (r < 0)
                return r == -ENOSYS || r == -ENOENT ? -EREMOTEIO : r;
        *ret = cri_list_of(
                (const Cri__ListContainersResponse *)message, namespace_, pod, container);
        protobuf_c_message_free_unpacked(message, NULL);
        return 0;
}

int cri_stop(Cri *cri, const char *id, unsigned timeout, Error *reterr)
{
        Cri__StopContainerRequest request = CRI__STOP_CONTAINER_REQUEST__INIT;
        ProtobufCMessage *message = NULL;
        int r;

        request.container_id = (char *)id;
        request.timeout = timeout;
        r = call(cri, "StopContainer", &request.base, timeout + cri->patience,
                &cri__stop_container_response__descriptor, &message, reterr);
        if (r < 0)
                return r == -ENOSYS ? -EREMOTEIO : r;
        protobuf_c_message_free_unpacked(message, NULL);
        return 0;
}
