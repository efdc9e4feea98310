/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/consumer.h"
#include "cli/selection.h"
#include "cli/text.h"

static void explain_identity(const Row *row)
{
        autofree char *sans = text_join(row->sans, ", ");
        autofree char *usages = text_join(row->usages, ", ");

        text_field("subject", row->subject_dn);
        text_field("SANs", sans);
        text_field("usages", usages);
        text_field("key", row->key_algorithm);
        text_field("serial", row->serial);
        text_field("SHA-256", row->sha256);
}

/* Where the key of a CA is decides who can renew what it signed. */
static const char *key_place(const InventoryCa *ca)
{
        if (ca->key_error == 0)
                return "its key is here";
        return ca->key_error == -ENOENT ? "its key is elsewhere: what it signed is renewed there"
                                        : "its key cannot be used";
}

static void explain_signer(const Item *item, const Row *row)
{
        const InventoryCa *ca = item->kind == ITEM_CA ? item->ca_file : item->ca;
        autofree char *text = NULL;

        if (item->kind == ITEM_CA)
                text = xasprintf("%s; %s%s%s", row->issuer_dn ? row->issuer_dn : "nobody is known",
                        key_place(ca), ca->key_problem ? ": " : "",
                        ca->key_problem ? ca->key_problem : "");
        else if (ca)
                text = xasprintf("'%s', %s, %s%s%s", ca->entry->name, ca->entry->certificate,
                        key_place(ca), ca->key_problem ? ": " : "",
                        ca->key_problem ? ca->key_problem : "");
        else if (item->cert)
                text = xasprintf("%s, none of our CAs: renewed elsewhere", row->issuer_dn);
        text_field("signed by", text);
        if (!item->trusted)
                text_field("", item->trust_problem);
}

static void explain_dates(const Row *row, const Verdict *verdict)
{
        char date[DATE_TEXT_SIZE], span[SPAN_TEXT_SIZE];
        autofree char *expires = NULL, *due = NULL;

        text_field("state", row->status);
        text_field("", row->text);
        if (row->not_after == 0)
                return;
        text_field("valid from", text_date(row->not_before, date));
        expires = xasprintf(
                "%s, %s", text_date(row->not_after, date), span_format(row->residual, span));
        text_field("expires", expires);
        if (verdict->due)
                due = xstrdup("now");
        else if (verdict->due_at)
                due = xstrdup(text_date(verdict->due_at, date));
        else
                due = xstrdup("never: not renewed by this program");
        text_field("due", due);
}

/* One use: "kube-apiserver --tls-cert-file: loads it …". */
static void explain_use(const InventoryComponent *component, const char *path, const char *flag)
{
        const Consumer *consumer = consumer_find(component->entry->name, flag);
        const char *version = component->manifest ? component->manifest->version : NULL;
        autofree char *who = xasprintf("%s%s%s %s %s", component->entry->name, version ? " " : "",
                version ? version : "", flag ? flag : "mounts", path);

        text_field("used by", who);
        if (component_mounts_singly(component, path))
                text_field(
                        "", "  the file itself is mounted: a running container keeps the old one");
        if (!consumer)
                return;
        autofree char *reload = xasprintf("  %s", consumer->reload);
        autofree char *breaks = xasprintf("  when it has expired, %s", consumer->breaks);
        text_field("", reload);
        text_field("", breaks);
}

/* Every flag of a manifest that names the file; Uses= where no manifest does. */
static size_t explain_component(const InventoryComponent *component, const char *path)
{
        const Manifest *manifest = component->manifest;
        const char *how = NULL;
        size_t n = 0;

        for (size_t i = 0; manifest && i < manifest->n_files; i++) {
                if (!manifest->files[i].flag || !streq(manifest->files[i].path, path))
                        continue;
                explain_use(component, path, manifest->files[i].flag);
                n++;
        }
        if (n == 0 && component_uses(component, path, &how)) {
                explain_use(component, path, how);
                n++;
        }
        return n;
}

static void explain_users(const Inventory *inventory, const Item *item)
{
        size_t n = 0;

        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];

                n += explain_component(component, item->path);
                if (item->key_path && !streq(item->key_path, item->path))
                        n += explain_component(component, item->key_path);
        }
        if (n > 0)
                return;
        text_field("used by", "no component of this host");
        if (item->kind == ITEM_KUBECONFIG)
                text_field("", "  people and tools: when it has expired, they are refused");
}

static void explain(const Pass *pass, size_t index, const Row *row)
{
        const Item *item = &pass->inventory->items[index];
        autofree char *files = item->key_path && !streq(item->key_path, item->path)
                                       ? xasprintf("%s %s", item->path, item->key_path)
                                       : xstrdup(item->path);

        text_line(row->name);
        text_field("files", files);
        explain_identity(row);
        explain_signer(item, row);
        explain_dates(row, &pass->assessment->verdicts[index]);
        explain_users(pass->inventory, item);
}

int verb_explain(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(Rows) rows = NULL;
        autoptr(Selection) selection = NULL;
        Error error = {};
        int status;

        status = command_look(options, &pass);
        if (status != 0)
                return status;
        rows = rows_from_assessment(pass->assessment);
        if (selection_make(rows, options->names, &selection, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        for (size_t i = 0; i < selection->view.n; i++) {
                printf("%s", i > 0 ? "\n" : "");
                explain(pass, selection->index[i], &selection->view.rows[i]);
        }
        return EXIT_DONE;
}
