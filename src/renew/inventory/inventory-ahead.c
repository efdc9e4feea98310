/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parallel.h"
#include "renew/inventory/inventory-internal.h"

/* With fewer files, which take a few milliseconds, threads would cost as much as they save. */
#define WORTH_IT 64

/* A file that nobody has asked for yet. */
typedef struct Unread {
        InventoryFile *file;
        void (*parse)(InventoryFile *file);
} Unread;

typedef struct Ahead {
        InventoryReader *reader;
        Unread *items; /* each file once: a thread has it for itself */
        size_t n;
} Ahead;

/* What is wrong with one is kept with it, for who asks. */
static void parse_certificate(InventoryFile *file)
{
        const CertList *certs;
        int r = inventory_file_certs(file, &certs, NULL);

        (void)r;
}

static void parse_key(InventoryFile *file)
{
        const Key *key;
        int r = inventory_file_key(file, &key, NULL);

        (void)r;
}

static void parse_kubeconfig(InventoryFile *file)
{
        const Kubeconfig *kubeconfig;
        int r = inventory_file_kubeconfig(file, &kubeconfig, NULL);

        for (size_t i = 0; r >= 0 && i < kubeconfig->n_users; i++)
                if (kubeconfig->users[i].certificate)
                        inventory_file_user(file, i);
}

static void read_one(void *userdata, size_t i)
{
        const Ahead *ahead = userdata;
        InventoryFile *file = ahead->items[i].file;

        inventory_file_read(ahead->reader, file);
        ahead->items[i].parse(file);
}

/* What several entries share comes once, as the first of them has it. */
static void add(Ahead *ahead, const char *path, void (*parse)(InventoryFile *file))
{
        const Inventory *inventory = ahead->reader->inventory;
        size_t n_known = inventory->n_files;
        InventoryFile *file = inventory_file_unread(ahead->reader, path);

        if (inventory->n_files > n_known)
                ahead->items[ahead->n++] = (Unread){file, parse};
}

void inventory_run(size_t n, void (*work)(void *userdata, size_t i), void *userdata)
{
        if (n >= WORTH_IT)
                parallel_run(n, work, NULL, userdata);
        for (size_t i = 0; n < WORTH_IT && i < n; i++)
                work(userdata, i);
}

void inventory_read_ahead(InventoryReader *reader)
{
        const Layout *layout = &reader->config->layout;
        Ahead ahead = {.reader = reader};
        autofree Unread *items = NULL;

        if (layout->n_credentials + layout->n_certificates < WORTH_IT)
                return;
        ahead.items = items = xcalloc(2 * layout->n_credentials, sizeof(*items));
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                add(&ahead, entry->path,
                        entry->is_kubeconfig ? parse_kubeconfig : parse_certificate);
                if (entry->key)
                        add(&ahead, entry->key, parse_key);
        }
        parallel_run(ahead.n, read_one, NULL, &ahead);
}
