/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What servers answer, for whoever asks them: http_call() is replaced by one that takes its answers
 * from the input (-Wl,--wrap=http_call).
 *
 *     answers_are(data, size);
 *
 * Each is a line with its status, lines of headers, an empty line, the body; a line "====" ends it.
 * A status that is none: who answers cannot be verified. */

#include "kube/http.h"

#include <assert.h>

static const unsigned char *rest;
static size_t rest_size;

static void answers_are(const unsigned char *data, size_t size)
{
        rest = data;
        rest_size = size;
}

static bool take(const char *border, const unsigned char **ret, size_t *ret_size)
{
        const unsigned char *end = memmem(rest, rest_size, border, strlen(border));
        size_t skip = end ? strlen(border) : 0;

        *ret = rest;
        *ret_size = end ? (size_t)(end - rest) : rest_size;
        rest += *ret_size + skip;
        rest_size -= *ret_size + skip;
        return end;
}

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        autoptr(HttpAnswer) answer = xcalloc(1, sizeof(*answer));
        const unsigned char *part;
        size_t size;

        assert(request->url && (starts_with(request->url, "http") || strstr(request->url, "/")));
        if (rest_size == 0)
                return error_set(reterr, -ECONNREFUSED, "nobody answers");
        if (!take("\n", &part, &size))
                return error_set(reterr, -EPROTO, "this was no answer");
        autofree char *status = xstrndup((const char *)part, size);
        answer->status = strtol(status, NULL, 10);
        while (take("\n", &part, &size) && size > 0)
                strv_take(&answer->headers, xstrndup((const char *)part, size));
        take("\n====\n", &part, &size);
        if (answer->status == 0)
                return error_set(reterr, -EKEYREJECTED, "this is somebody else");
        answer->body = xmalloc(size + 1);
        memcpy(answer->body, part, size);
        answer->body[size] = 0;
        answer->body_size = size;
        *ret = TAKE(answer);
        return 0;
}
