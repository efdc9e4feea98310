/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of kube/cri share with each other and with their tests: messages in gRPC frames,
 * where the runtime listens, and how long it is waited for. */

#include "kube/cri-runtime.pb-c.h"
#include "kube/cri.h"

#define CRI_PATIENCE 10 /* seconds for an answer to a question */

/* A message as gRPC sends it: a byte that says "not compressed", the length in four bytes, big end
 * first, the message. The caller frees. */
unsigned char *cri_frame_pack(const ProtobufCMessage *message, size_t *ret_size);

/* The only message of an answer. -EPROTO if the frame is not whole, followed by something,
 * compressed, or holds no message of this type. protobuf_c_message_free_unpacked() frees it. */
int cri_frame_unpack(const ProtobufCMessageDescriptor *type, const void *frame, size_t size,
        ProtobufCMessage **ret, Error *reterr) MUST_USE;

/* Those containers of an answer that are asked for, newest first. Labels are compared here too: not
 * every runtime filters. */
CriList *cri_list_of(const Cri__ListContainersResponse *response, const char *namespace_,
        const char *pod, const char *container);

/* Paths of sockets, in the order in which they are tried; ret_source says who names them, for
 * people. Errors as cri_connect(). */
int cri_endpoint_find(int root_fd, const char *endpoint, char ***ret_sockets,
        const char **ret_source, Error *reterr) MUST_USE;

/* As cri_connect(), with another patience. */
int cri_open(
        int root_fd, const char *endpoint, unsigned patience, Cri **ret, Error *reterr) MUST_USE;
