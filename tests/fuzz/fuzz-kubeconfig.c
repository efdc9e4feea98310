/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/access.h"
#include "kube/kubeconfig.h"
#include "kubeconfig-property.h"
#include "scratch.h"

#include <assert.h>

#define URL_BYTES                                                                                  \
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/!$&'()*+,;=@%"

/* Whom it leads to can be asked, and somebody asks. */
static void check_access(const void *data, size_t size)
{
        const Scratch *scratch = scratch_get();
        autoptr(Access) access = NULL;
        Error error = {};

        scratch_write(scratch, "/k.conf", data, size);
        if (access_read(scratch->root_fd, "/k.conf", 1, &access, &error) < 0) {
                assert(!access && error.text[0]);
                return;
        }
        const ApiServer *server = &access->server;
        assert(server->host[0] && !server->host[strspn(server->host, URL_BYTES)]);
        assert(server->name[0] && !server->name[strspn(server->name, URL_BYTES)]);
        assert(!server->prefix[0] || server->prefix[0] == '/');
        assert(!server->prefix[strspn(server->prefix, URL_BYTES)]);
        assert(server->port > 0);
        assert(server->token || server->tls.certificate);
        assert(!server->tls.certificate == !server->tls.key);
}

/* What is refused is refused with a reason. What is accepted can be changed where it says so, and
 * nowhere else, and back again. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(Kubeconfig) config = NULL;
        Error error = {};
        const char *why;

        if (kubeconfig_parse(data, size, &config, &error) < 0) {
                assert(!config && error.text[0]);
                return 0;
        }
        for (size_t i = 0; i < config->n_users; i++)
                assert(config->users[i].name);
        for (size_t i = 0; i < config->n_clusters; i++)
                assert(config->clusters[i].name);
        check_access(data, size);
        why = kubeconfig_property(data, size);
        if (why) {
                fprintf(stderr, "%s\n", why);
                abort();
        }
        return 0;
}
