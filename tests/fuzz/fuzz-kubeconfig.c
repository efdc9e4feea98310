/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/kubeconfig.h"
#include "kubeconfig-property.h"

#include <assert.h>

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
        why = kubeconfig_property(data, size);
        if (why) {
                fprintf(stderr, "%s\n", why);
                abort();
        }
        return 0;
}
