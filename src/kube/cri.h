/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Containers of the kubelet's runtime, over CRI: gRPC on its unix socket.
 *
 *     r = cri_connect(root_fd, NULL, &cri, reterr);              finds the socket, asks Version
 *     r = cri_list(cri, "kube-system", "etcd", "etcd", &list, reterr);
 *     r = cri_stop(cri, list->containers[0].id, 30, reterr);
 *
 * Speaks runtime.v1, and runtime.v1alpha2 where v1 is UNIMPLEMENTED. Each call has its own deadline
 * and its own connection, so that a runtime may be restarted in between. Never starts, removes or
 * executes anything. Sources: k8s.io/cri-api pkg/apis/runtime/v1/api.proto; gRPC over HTTP/2
 * (PROTOCOL-HTTP2.md). */

#include "base/error.h"

typedef struct Cri Cri;

void cri_free(Cri *cri);
DEFINE_AUTOPTR(Cri, cri_free)

typedef enum CriState {
        CRI_CREATED,
        CRI_RUNNING,
        CRI_EXITED,
        CRI_UNKNOWN,
} CriState; /* the numbers of ContainerState */

typedef struct CriContainer {
        char *id;
        char *name;       /* label io.kubernetes.container.name */
        char *pod;        /* label io.kubernetes.pod.name */
        char *namespace_; /* label io.kubernetes.pod.namespace */
        CriState state;
        unsigned attempt;   /* how often the kubelet has started it again */
        int64_t created_at; /* nanoseconds since the epoch: before its process was started */
} CriContainer;

typedef struct CriList {
        CriContainer *containers; /* newest first */
        size_t n;
} CriList;

void cri_list_free(CriList *list);
DEFINE_AUTOPTR(CriList, cri_list_free)

/* endpoint: "unix:///run/..." or a path; NULL: what --container-runtime-endpoint says in
 * /var/lib/kubelet/kubeadm-flags.env, or containerRuntimeEndpoint in /var/lib/kubelet/config.yaml,
 * or else whoever answers first at /run/containerd/containerd.sock, /run/crio/crio.sock,
 * /run/cri-dockerd.sock. All of them below root_fd.
 * -ENOENT if there is no socket (the error says where it was looked for), -EINVAL for an endpoint
 * that is none, -EOPNOTSUPP if it speaks neither version; and what any call may end with:
 * -ECONNREFUSED nobody answers, -ETIMEDOUT, -EPROTO an answer that is no gRPC, -EFBIG one that is
 * too large, -EREMOTEIO a gRPC error (its status and message are in the error). */
int cri_connect(int root_fd, const char *endpoint, Cri **ret, Error *reterr) MUST_USE;

/* "containerd 1.6.20~ds1", for people; and the path of the socket. */
const char *cri_runtime(const Cri *cri);
const char *cri_socket(const Cri *cri);

/* Containers of this name, in any state, of the static pod in this namespace: on the runtime its
 * name is POD-NODE. Pods of the API server are none. None is an empty list and no error. */
int cri_list(Cri *cri, const char *namespace_, const char *pod, const char *container,
        CriList **ret, Error *reterr) MUST_USE;

/* SIGTERM, and SIGKILL after `timeout` seconds (0: at once). Returns when it has stopped; to stop a
 * stopped one is no error. Waits timeout + 10 s for the answer. -ENOENT if the runtime says that
 * there is no such container (some say it was stopped). */
int cri_stop(Cri *cri, const char *id, unsigned timeout, Error *reterr) MUST_USE;
