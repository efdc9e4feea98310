/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/selection.h"
#include "cli/text.h"
#include "renew/inventory/reload.h"
#include "renew/inventory/rotation.h"

static void explain_identity(const Row *row)
{
        autofree char *sans = strv_join(row->sans, ", ");
        autofree char *usages = strv_join(row->usages, ", ");

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
                return ca_has_token(ca->entry) ? "its key is in a token" : "its key is here";
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
                text = xasprintf("%s, none of our CAs%s", row->issuer_dn,
                        row->externally_managed ? ": renewed elsewhere" : "");
        text_field("signed by", text);
        if (!item->trusted)
                text_field("", item->trust_problem);
}

/* Who makes the next one. */
static void explain_issuer(const Item *item)
{
        const CredentialEntry *entry = item->entry;
        const IssuerEntry *issuer = entry ? &entry->issuer : NULL;
        const Pending *pending = item->pending;
        autofree char *text = NULL;
        char since[DATE_TEXT_SIZE];

        if (!entry || entry->watch)
                return;
        if (issuer->kind == ISSUER_KIND_CSR)
                text = xasprintf("csr: signer %s, asked as %s", issuer->signer_name,
                        issuer->request_kubeconfig);
        else if (issuer->kind == ISSUER_KIND_COMMAND)
                text = xasprintf("command: %s", issuer->command[0]);
        else if (issuer->kind == ISSUER_KIND_FILES)
                text = xasprintf("files: %s %s", issuer->source_certificate, issuer->source_key);
        else if (issuer->kind == ISSUER_KIND_RESTART)
                text = xasprintf("restart: '%s' renews it when it is started", issuer->renewed_by);
        else if (issuer->kind != ISSUER_KIND_CA)
                text = xstrdup(issuer_kind_name(issuer->kind));
        text_field("made by", text);
        if (!pending)
                return;
        autofree char *state = xasprintf("%s %s%s%s",
                pending->asked_at ? "asked for since" : "a request is there since",
                text_date(pending->asked_at ? pending->asked_at : pending->created_at, since),
                pending->text ? ": " : "", pending->text ? pending->text : "");
        text_field("", state);
}

static const char *why_never(const Item *item, const Verdict *verdict)
{
        if (!item->entry)
                return "a CA is not renewed by a pass";
        if (rotation_is_stored(item))
                return "the kubelet renews it when a tenth of its life is left, or before";
        if (item->entry->watch)
                return "somebody else renews it, it is only watched";
        if (verdict->external)
                return item->entry->issuer.kind == ISSUER_KIND_CA ? "it is signed elsewhere"
                                                                  : verdict->why_external;
        return "it cannot be renewed";
}

static void explain_dates(const Item *item, const Row *row, const Verdict *verdict)
{
        char date[DATE_TEXT_SIZE], span[SPAN_TEXT_SIZE];
        autofree char *expires = NULL, *due = NULL;

        text_state("state", row->status, row->severity);
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
                due = xasprintf("never: %s", why_never(item, verdict));
        text_field("due", due);
}

/* The ways in which one component reads the files of one credential. */
typedef struct Uses {
        Consumer *consumers;
        size_t n;
} Uses;

static void find_uses(const InventoryComponent *component, const char *path, Uses *uses)
{
        ComponentUse use;

        for (size_t at = 0; component_next_use(component, path, &at, &use);) {
                uses->consumers =
                        xreallocarray(uses->consumers, uses->n + 1, sizeof(*uses->consumers));
                uses->consumers[uses->n++] = component_consumer(component, &use);
        }
}

/* What a new file needs, by the policy of the component. */
static const char *outcome_of(const InventoryComponent *component, const Consumer *consumer)
{
        static const char *const outcomes[][4] = {
                [RESTART_NEEDED] = {"restart", "needs no restart, a handshake proves it",
                        "needs no restart", "restart, when it is due"},
                [RESTART_ALWAYS] = {"restart", "restart (Restart=always)",
                        "restart (Restart=always)", "restart, when it is due"},
                [RESTART_NEVER] = {"restart, by hand (Restart=never)",
                        "needs no restart, a handshake proves it", "needs no restart",
                        "restart, by hand (Restart=never)"},
        };

        return outcomes[component->entry->restart][reload_kind(consumer)];
}

static char *describe_reload(const InventoryComponent *component, const Consumer *consumer)
{
        autofree char *why = reload_why(consumer);

        return xasprintf("%s: %s", why, outcome_of(component, consumer));
}

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && streq(a, b));
}

/* Takes the first use and all others of which the same is to be said, and says it. */
static void explain_some_uses(const InventoryComponent *component, Uses *uses)
{
        const Consumer first = uses->consumers[0];
        autofree char *reload = describe_reload(component, &first);
        const char *breaks = reload_breaks(&first);
        autostrv flags = NULL;
        size_t left = 0;

        for (size_t i = 0; i < uses->n; i++) {
                const Consumer *consumer = &uses->consumers[i];
                autofree char *text = describe_reload(component, consumer);

                if (streq(text, reload) && same_text(reload_breaks(consumer), breaks))
                        strv_add(&flags, consumer->flag);
                else
                        uses->consumers[left++] = *consumer;
        }
        uses->n = left;
        autofree char *joined = strv_join(flags, ", ");
        autofree char *who = xasprintf("%s%s%s: %s", first.component, first.version ? " " : "",
                first.version ? first.version : "", joined);
        autofree char *broken = breaks ? xasprintf("when it has expired, %s", breaks) : NULL;
        text_field("used by", who);
        text_field("", reload);
        text_field("", broken);
}

static bool explain_component(const InventoryComponent *component, const Item *item)
{
        Uses uses = {};
        bool any;

        find_uses(component, item->path, &uses);
        if (item->key_path && !streq(item->key_path, item->path))
                find_uses(component, item->key_path, &uses);
        any = uses.n > 0;
        while (uses.n > 0)
                explain_some_uses(component, &uses);
        if (any && component_mounts_singly(component, item->path))
                text_field("", "the file itself is mounted: a running container keeps the old one");
        free(uses.consumers);
        return any;
}

static void explain_users(const Inventory *inventory, const Item *item)
{
        bool any = false;

        for (size_t i = 0; i < inventory->n_components; i++)
                any |= explain_component(&inventory->components[i], item);
        if (any)
                return;
        text_field("used by", "no component of this host");
        if (item->kind == ITEM_KUBECONFIG && !item->entry->watch)
                text_field("", "people and tools: when it has expired, they are refused");
}

/* Files that hold the same and are written together with it. */
static void explain_copies(const Assessment *assessment, const Item *item)
{
        for (size_t i = 0; i < assessment->n_copies; i++) {
                const CopyTarget *target = assessment->inventory->copies[i].target;
                const CopyVerdict *verdict = &assessment->copies[i];

                if (target->source != item->entry || verdict->state == COPY_ABSENT)
                        continue;
                text_field("copied to", target->path);
                text_field("", verdict->text);
        }
}

/* "KEYS of Secret NAMESPACE/NAME" of each that has files of it. */
static void explain_secrets(
        const SecretEntry *entries, size_t n, const char *label, const Item *item)
{
        for (size_t i = 0; i < n; i++) {
                const SecretEntry *entry = &entries[i];
                autofree char *keys = NULL, *text = NULL;
                autostrv words = NULL;

                for (size_t k = 0; k < entry->n_parts; k++)
                        if (streq(entry->parts[k].path, item->path) ||
                                (item->key_path && streq(entry->parts[k].path, item->key_path)))
                                strv_add(&words, entry->parts[k].key);
                keys = strv_join(words, ", ");
                text = xasprintf("Secret %s/%s: %s", entry->namespace, entry->secret, keys);
                if (words)
                        text_field(label, text);
        }
}

static void explain(const Pass *pass, size_t index, const Row *row)
{
        const Item *item = &pass->inventory->items[index];
        const Layout *layout = &pass->config->layout;
        autofree char *files = item->key_path && !streq(item->key_path, item->path)
                                       ? xasprintf("%s %s", item->path, item->key_path)
                                       : xstrdup(item->path);

        text_title(row->name, NULL);
        text_field("files", files);
        explain_identity(row);
        explain_signer(item, row);
        explain_issuer(item);
        explain_dates(item, row, &pass->assessment->verdicts[index]);
        explain_users(pass->inventory, item);
        if (item->entry)
                explain_copies(pass->assessment, item);
        explain_secrets(layout->publications, layout->n_publications, "published", item);
        explain_secrets(layout->fetches, layout->n_fetches, "fetched", item);
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
