/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/cri-internal.h"

#include <arpa/inet.h>

#define FRAME_HEAD 5

unsigned char *cri_frame_pack(const ProtobufCMessage *message, size_t *ret_size)
{
        size_t size = protobuf_c_message_get_packed_size(message);
        unsigned char *frame = xmalloc(FRAME_HEAD + size);
        uint32_t length = htonl((uint32_t)size);

        frame[0] = 0;
        memcpy(frame + 1, &length, sizeof(length));
        protobuf_c_message_pack(message, frame + FRAME_HEAD);
        *ret_size = FRAME_HEAD + size;
        return frame;
}

int cri_frame_unpack(const ProtobufCMessageDescriptor *type, const void *frame, size_t size,
        ProtobufCMessage **ret, Error *reterr)
{
        const unsigned char *bytes = frame;
        ProtobufCMessage *message;
        uint32_t length;

        if (size < FRAME_HEAD)
                return error_set(reterr, -EPROTO, "the answer is not a whole gRPC frame");
        if (bytes[0] != 0)
                return error_set(reterr, -EPROTO, "the answer is compressed");
        memcpy(&length, bytes + 1, sizeof(length));
        if (ntohl(length) != size - FRAME_HEAD)
                return error_set(reterr, -EPROTO, "the answer is not exactly one gRPC frame");
        message = protobuf_c_message_unpack(type, NULL, size - FRAME_HEAD, bytes + FRAME_HEAD);
        if (!message)
                return error_set(reterr, -EPROTO, "the answer is no %s", type->short_name);
        *ret = message;
        return 0;
}

void cri_list_free(CriList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++) {
                free(list->containers[i].id);
                free(list->containers[i].name);
                free(list->containers[i].pod);
                free(list->containers[i].namespace_);
        }
        free(list->containers);
        free(list);
}

/* The value of a label; "" if there is none. */
static const char *label(const Cri__Container *container, const char *key)
{
        for (size_t i = 0; i < container->n_labels; i++)
                if (streq(container->labels[i]->key, key))
                        return container->labels[i]->value;
        return "";
}

/* pod is the name in the manifest, name that of the runtime: the kubelet appends "-NODE". */
static bool is_of_pod(const char *name, const char *pod)
{
        return starts_with(name, pod) && name[strlen(pod)] == '-';
}

/* The API server gives every pod a UUID; to one of a file the kubelet gives a hash without dashes
 * (k8s.io/kubernetes pkg/kubelet/config/common.go). A job "etcd-backup" is no etcd. */
static bool is_of_file(const char *uid)
{
        return !strchr(uid, '-');
}

static CriState state_of(int32_t state)
{
        return state >= CRI_CREATED && state <= CRI_UNKNOWN ? (CriState)state : CRI_UNKNOWN;
}

static int compare_newest_first(const void *a, const void *b)
{
        const CriContainer *x = a, *y = b;

        if (x->created_at != y->created_at)
                return x->created_at > y->created_at ? -1 : 1;
        return x->attempt == y->attempt ? 0 : x->attempt > y->attempt ? -1 : 1;
}

CriList *cri_list_of(const Cri__ListContainersResponse *response, const char *namespace_,
        const char *pod, const char *container)
{
        CriList *list = xcalloc(1, sizeof(*list));

        list->containers = xcalloc(response->n_containers, sizeof(CriContainer));
        for (size_t i = 0; i < response->n_containers; i++) {
                const Cri__Container *one = response->containers[i];
                const char *of_namespace = label(one, "io.kubernetes.pod.namespace");
                const char *of_pod = label(one, "io.kubernetes.pod.name");
                const char *name = label(one, "io.kubernetes.container.name");

                if (!streq(of_namespace, namespace_) || !is_of_pod(of_pod, pod) ||
                        !is_of_file(label(one, "io.kubernetes.pod.uid")) || !streq(name, container))
                        continue;
                list->containers[list->n++] = (CriContainer){
                        .id = xstrdup(one->id),
                        .name = xstrdup(name),
                        .pod = xstrdup(of_pod),
                        .namespace_ = xstrdup(of_namespace),
                        .state = state_of(one->state),
                        .attempt = one->metadata ? one->metadata->attempt : 0,
                        .created_at = one->created_at,
                };
        }
        qsort(list->containers, list->n, sizeof(CriContainer), compare_newest_first);
        return list;
}
