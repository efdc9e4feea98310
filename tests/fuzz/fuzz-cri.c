/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/cri-internal.h"

#include <assert.h>

/* A runtime's answer to ListContainers: containers with an id, of the pod that was asked for,
 * newest first. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        ProtobufCMessage *message = NULL;
        autoptr(CriList) list = NULL;
        Error error = {};

        if (cri_frame_unpack(
                    &cri__list_containers_response__descriptor, data, size, &message, &error) < 0) {
                assert(!message && error.text[0]);
                return 0;
        }
        list = cri_list_of(
                (const Cri__ListContainersResponse *)message, "kube-system", "etcd", "etcd");
        protobuf_c_message_free_unpacked(message, NULL);
        for (size_t i = 0; i < list->n; i++) {
                const CriContainer *container = &list->containers[i];

                assert(container->id && starts_with(container->pod, "etcd-"));
                assert(streq(container->name, "etcd") &&
                        streq(container->namespace_, "kube-system"));
                assert(container->state <= CRI_UNKNOWN);
                assert(i == 0 || container->created_at <= container[-1].created_at);
        }
        return 0;
}
