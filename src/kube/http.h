/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request over HTTP or HTTPS: one connection, one deadline, a bounded answer.
 *
 *     HttpRequest request = {.url = "https://kubernetes:6443/readyz",
 *             .connect_to = "127.0.0.1:6443", .tls = {.ca = pem, .ca_size = size}, .timeout = 5};
 *     r = http_call(&request, &answer, reterr);
 *     if (r >= 0 && answer->status == 200) ...
 *
 * libcurl is loaded on the first call, so that who asks nobody does not pay for it. Never a proxy,
 * a redirect, a file URL, a stored cookie or a reused connection. Keys are handed over in memory
 * files, never on a disk; a token goes over https only, and is in no error. */

#include "base/error.h"
#include "base/secret.h"

#define HTTP_BODY_MAX ((size_t)1 << 20)

/* PEM in memory. */
typedef struct HttpTls {
        const void *ca; /* who may have signed the server's; NULL: whom the system trusts */
        size_t ca_size;
        const void *certificate; /* the client's, with its key; NULL: none */
        size_t certificate_size;
        const void *key;
        size_t key_size;
} HttpTls;

typedef struct HttpRequest {
        const char *url;
        const char *method; /* "PUT"; NULL: POST with a body, GET without one */
        const void *body;   /* NULL: none */
        size_t body_size;
        const char *content_type;
        const char *unix_socket; /* its path, at most 107 bytes: instead of a TCP connection */
        const char *connect_to;  /* "HOST:PORT" ("[::1]:6443") to connect to, whatever the URL says;
                                    the name in the URL is still the one that is verified */
        char *const *headers;    /* more of them, "name: value"; NULL for none */
        const Secret *token;     /* "authorization: Bearer …", over https only; NULL: none */
        bool http2;              /* with prior knowledge, as gRPC speaks it */
        bool connect_only;       /* to connect is all: there is no request, and the status is 0 */
        bool insecure;           /* https: anybody may answer, as with the kubelet's probes */
        HttpTls tls;
        unsigned timeout; /* seconds, for all of it */
} HttpRequest;

typedef struct HttpAnswer {
        long status;
        char *body; /* size bytes and a NUL that is not counted */
        size_t body_size;
        char **headers; /* headers and trailers as "name: value", the name in lower case; a vector,
                           NULL if there are none */
} HttpAnswer;

void http_answer_free(HttpAnswer *answer);
DEFINE_AUTOPTR(HttpAnswer, http_answer_free)

/* Any HTTP status is an answer and no error. -ECONNREFUSED nobody listens or the host cannot be
 * reached, -ETIMEDOUT, -EKEYREJECTED the server's certificate was refused by us, or ours by it,
 * -EFBIG more than HTTP_BODY_MAX, -EPROTO connected, but this was no answer, -ELIBACC without
 * libcurl, -EINVAL for a token that would not go over https or that no header can carry. */
int http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr) MUST_USE;

/* Can it go into a header? RFC 6750, 2.1. */
bool http_is_token(const Secret *token);

/* "HOST:PORT" as a URL has it, IPv6 in brackets. The caller frees. */
char *http_authority(const char *host, uint16_t port);

/* The value of a header or a trailer (name in lower case), the last one if it is there twice; NULL
 * if there is none. */
const char *http_header(const HttpAnswer *answer, const char *name);
