/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a server in place of http_call() (-Wl,--wrap) answers with. Include it after unit.h. */

#include "base/json.h"
#include "kube/http.h"

/* Takes the body. Returns 0, as http_call() does for whatever status. */
static inline int http_answer_json(HttpAnswer **ret, long status, json_t *body)
{
        HttpAnswer *answer = xcalloc(1, sizeof(*answer));

        answer->status = status;
        answer->body = json_text(xcheck(body));
        answer->body_size = strlen(answer->body);
        json_decref(body);
        *ret = answer;
        return 0;
}
