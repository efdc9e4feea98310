/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/api.h"

/* An API server that lets anybody in answers 403 to who is nobody: then our certificate has not
 * even been looked at. */
static bool is_anonymous(const HttpAnswer *answer)
{
        return strstr(answer->body, "system:anonymous");
}

static ApiVerdict judge(const HttpAnswer *answer, Error *reterr)
{
        switch (answer->status) {
        case 200:
                return API_ACCEPTED;
        case 401:
                error_set(reterr, -EACCES, "the API server does not know these credentials");
                return API_REFUSED;
        case 403:
                if (!is_anonymous(answer))
                        return API_ACCEPTED;
                error_set(reterr, -EACCES, "the API server takes these credentials for nobody's");
                return API_REFUSED;
        default:
                error_set(reterr, -EIO, "the API server answers with HTTP status %ld",
                        answer->status);
                return API_SILENT;
        }
}

ApiVerdict api_try_credentials(
        const char *host, uint16_t port, const HttpTls *tls, unsigned timeout, Error *reterr)
{
        autofree char *authority = http_authority(host, port);
        autofree char *by_name = xasprintf("https://kubernetes:%u/api", port);
        autofree char *by_host = xasprintf("https://%s/api", authority);
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request = {
                .url = by_name,
                .connect_to = authority,
                .tls = *tls,
                .timeout = timeout,
        };
        Error error = {};
        int r;

        /* kubeadm's certificate has the name, whatever addresses it has; another may not. */
        r = http_call(&request, &answer, &error);
        if (r == -EKEYREJECTED) {
                request.url = by_host;
                request.connect_to = NULL;
                r = http_call(&request, &answer, NULL);
        }
        if (r < 0) {
                error_set(reterr, r, "no trustworthy answer from the API server: %s", error.text);
                return API_SILENT;
        }
        return judge(answer, reterr);
}
