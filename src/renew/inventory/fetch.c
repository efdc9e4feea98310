/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/fetch.h"

#include "base/log.h"
#include "kube/access.h"

#define PREFIX      "fetch-"
#define ASK_TIMEOUT 10 /* seconds */

void fetched_list_free(FetchedList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++) {
                secret_object_free(list->secrets[i].object);
                free(list->secrets[i].problem);
        }
        free(list->secrets);
        free(list);
}

char *fetch_alarm_name(const SecretEntry *entry)
{
        return xasprintf(PREFIX "%s", entry->name);
}

const SecretEntry *fetch_find_alarm(const Layout *layout, const char *resource)
{
        return starts_with(resource, PREFIX) ? layout_find_fetch(layout, resource + strlen(PREFIX))
                                             : NULL;
}

char *secret_place_text(const SecretEntry *entry)
{
        return xasprintf("Secret '%s/%s'", entry->namespace, entry->secret);
}

static int ask(int root_fd, const SecretEntry *entry, SecretObject **ret, Error *reterr)
{
        const SecretPlace place = {entry->namespace, entry->secret};
        autoptr(Access) access = NULL;
        int r;

        log_status("Asking for Secret '%s/%s'", entry->namespace, entry->secret);
        r = access_read(root_fd, entry->kubeconfig, ASK_TIMEOUT, &access, reterr);
        return r < 0 ? r : secret_object_get(&access->server, &place, ret, reterr);
}

FetchedList *fetch_run(int root_fd, const Config *config)
{
        const Layout *layout = &config->layout;
        FetchedList *list = xcalloc(1, sizeof(*list));

        list->secrets = xcalloc(layout->n_fetches, sizeof(*list->secrets));
        for (size_t i = 0; i < layout->n_fetches; i++) {
                const SecretEntry *entry = &layout->fetches[i];
                FetchedSecret *secret = &list->secrets[list->n];
                Error error = {};

                if (entry->n_parts == 0)
                        continue;
                secret->entry = entry;
                if (ask(root_fd, entry, &secret->object, &error) < 0)
                        secret->problem = xstrdup(error.text);
                list->n++;
        }
        return list;
}
