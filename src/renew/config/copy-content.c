/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/copy-content.h"

#include "kube/kubeconfig.h"

Secret *copy_join(const void *first, size_t first_size, const void *second, size_t second_size)
{
        autoptr(Secret) joined = NULL;
        bool lacks_newline;

        if (!second)
                return secret_new(first, first_size);
        lacks_newline = first_size > 0 && ((const char *)first)[first_size - 1] != '\n';
        joined = xcalloc(1, sizeof(*joined));
        joined->size = first_size + lacks_newline + second_size;
        joined->data = xmalloc(joined->size);
        memcpy(joined->data, first, first_size);
        memcpy(joined->data + first_size, "\n", lacks_newline);
        memcpy(joined->data + first_size + lacks_newline, second, second_size);
        return TAKE(joined);
}

/* The user of the current context, as for everybody who reads the file without naming one. */
static const KubeconfigUser *current_user(const Kubeconfig *kubeconfig)
{
        for (size_t i = 0; i < kubeconfig->n_users; i++)
                if (!kubeconfig->current_user ||
                        streq(kubeconfig->users[i].name, kubeconfig->current_user))
                        return &kubeconfig->users[i];
        return NULL;
}

/* The scalars of a kubeconfig, as a program has them that cannot read one. */
static int content_of_user(
        const CopyTarget *target, const KubeconfigUser *user, Secret **ret, Error *reterr)
{
        CopyPart certificate = {}, key = {};

        if (user && user->certificate && user->key && !user->problem) {
                certificate = (CopyPart){user->certificate, user->certificate_size};
                key = (CopyPart){user->key->data, user->key->size};
        }
        switch (certificate.data ? target->entry->content : COPY_FILE) {
        case COPY_FILE:
                return error_set(reterr, -ENODATA,
                        "'%s' has no embedded client certificate with its key",
                        target->source->name);
        case COPY_CERTIFICATE:
                *ret = secret_new(certificate.data, certificate.size);
                return 0;
        case COPY_KEY:
                *ret = secret_new(key.data, key.size);
                return 0;
        case COPY_BUNDLE:
                *ret = copy_join(certificate.data, certificate.size, key.data, key.size);
                return 0;
        case COPY_BUNDLE_KEY_FIRST:
                *ret = copy_join(key.data, key.size, certificate.data, certificate.size);
                return 0;
        }
        abort();
}

int copy_content(
        const CopyTarget *target, const CopyPart parts[COPY_PARTS], Secret **ret, Error *reterr)
{
        const CopyPart *first = &parts[0], *second = &parts[1];
        autoptr(Kubeconfig) kubeconfig = NULL;
        int r;

        if (!first->data || (target->parts[1] && !second->data))
                return error_set(reterr, -ENOENT, "'%s' is not there to be copied to '%s'",
                        target->source->name, target->path);
        if (!copy_is_extract(target->entry, target->source)) {
                *ret = copy_join(first->data, first->size, second->data, second->size);
                return 0;
        }
        r = kubeconfig_parse(first->data, first->size, &kubeconfig, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", target->parts[0]);
        return content_of_user(target, current_user(kubeconfig), ret, reterr);
}
