/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/health.h"

#include "kube/http.h"

static const struct {
        const char *scheme;
        bool can_be_asked;
} kinds[] = {
        [PROBE_NONE] = {},
        [PROBE_HTTP] = {"http", true},
        [PROBE_HTTPS] = {"https", true},
        [PROBE_TCP] = {"http", true}, /* the port is all that counts */
        [PROBE_OTHER] = {},
};

/* Nobody waits for days because a manifest says so. */
#define TIMEOUT_MOST 60

int health_ask(const ManifestProbe *probe, Error *reterr)
{
        autofree char *authority = NULL, *url = NULL;
        autoptr(HttpAnswer) answer = NULL;
        const char *path = probe->path ? probe->path : "";
        int r;

        if (!kinds[probe->kind].can_be_asked)
                return error_set(reterr, -EOPNOTSUPP, "there is no probe that can be asked here");
        authority = http_authority(probe->host, probe->port);
        url = xasprintf("%s://%s%s%s", kinds[probe->kind].scheme, authority,
                path[0] == '/' ? "" : "/", path);
        HttpRequest request = {
                .url = url,
                .insecure = true,
                .connect_only = probe->kind == PROBE_TCP,
                .timeout = probe->timeout < TIMEOUT_MOST ? probe->timeout : TIMEOUT_MOST,
        };
        r = http_call(&request, &answer, reterr);
        if (r == -EPROTO || r == -EFBIG || r == -EKEYREJECTED)
                return -EIO;
        if (r < 0 || request.connect_only)
                return r;
        if (answer->status < 200 || answer->status > 399)
                return error_set(
                        reterr, -EIO, "%s: HTTP status %ld: %s", url, answer->status, answer->body);
        return 0;
}
