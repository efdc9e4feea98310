/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A gRPC server over HTTP/2 for tests, which can do everything wrong.
 *
 *     grpc_serve(listener, answer);       calls answer() for each call, until the process is killed
 *
 * One connection carries one call, as kube/http makes them. */

#include "base/macro.h"

typedef enum GrpcTrick {
        GRPC_HONEST,
        GRPC_SLOW,         /* answers after two seconds */
        GRPC_HANG,         /* never answers */
        GRPC_CLOSE,        /* hangs up instead of answering */
        GRPC_RESET,        /* resets the stream */
        GRPC_HTTP1,        /* speaks another protocol */
        GRPC_NO_STATUS,    /* no trailers */
        GRPC_BROKEN_FRAME, /* a frame that is longer than it is */
        GRPC_TWO_FRAMES,
        GRPC_COMPRESSED,
        GRPC_GARBAGE,   /* a frame without a message */
        GRPC_OVERSIZED, /* 2 MiB */
} GrpcTrick;

typedef struct GrpcFault {
        const char *name;
        GrpcTrick trick;
        const char *http_status, *status, *message;
} GrpcFault;

typedef struct GrpcAnswer {
        const GrpcFault *fault;
        unsigned char *frame; /* the message with its head, freed by the server; NULL: none, the
                                 status is in the head of the answer */
        size_t size;
} GrpcAnswer;

typedef GrpcAnswer GrpcHandler(const char *path, const unsigned char *message, size_t size);

/* Returns only if it cannot go on. */
void grpc_serve(int listener, GrpcHandler *handler);
