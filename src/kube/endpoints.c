/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/endpoints.h"

#define ENDPOINTS "/api/v1/namespaces/default/endpoints/kubernetes"

static void visit_subset(const json_t *subset, EndpointsVisit visit, void *userdata)
{
        const json_t *address, *port;
        uint16_t number = 443;
        size_t i;

        json_array_foreach(json_object_get(subset, "ports"), i, port)
        {
                json_int_t n = json_integer_value(json_object_get(port, "port"));

                if (n > 0 && n <= UINT16_MAX)
                        number = (uint16_t)n;
        }
        json_array_foreach(json_object_get(subset, "addresses"), i, address)
        {
                const char *host = api_text(address, "ip", NULL);

                if (host)
                        visit(host, number, userdata);
        }
}

int endpoints_list(const ApiServer *server, EndpointsVisit visit, void *userdata, Error *reterr)
{
        autoptr(json_t) object = NULL;
        const json_t *subset;
        size_t i;
        int r;

        r = api_get(server, ENDPOINTS, &object, reterr);
        json_array_foreach(json_object_get(object, "subsets"), i, subset)
                visit_subset(subset, visit, userdata);
        return r;
}
