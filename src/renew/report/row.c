/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/row.h"

static const char *const kinds[] = {
        [ITEM_CA] = "ca",
        [ITEM_CERTIFICATE] = "certificate",
        [ITEM_CHAIN] = "chain",
        [ITEM_KUBECONFIG] = "kubeconfig",
        [ITEM_EMBEDDED_CA] = "embedded-ca",
};

void rows_free(Rows *rows)
{
        if (!rows)
                return;
        for (size_t i = 0; i < rows->n; i++) {
                Row *row = &rows->rows[i];

                free(row->name);
                free(row->kind);
                free(row->path);
                free(row->filename);
                free(row->embedded_kind);
                free(row->embedded_key);
                free(row->subject);
                free(row->issuer);
                free(row->subject_dn);
                free(row->issuer_dn);
                free(row->serial);
                free(row->sha256);
                free(row->key_algorithm);
                strv_free(row->sans);
                strv_free(row->usages);
                free(row->ca_name);
                free(row->expected_ca_name);
                free(row->issued_by);
                free(row->status);
                free(row->due_reason);
                free(row->text);
        }
        free(rows->rows);
        free(rows);
}

static void row_set_cert(Row *row, const Cert *cert)
{
        char hex[DIGEST_HEX_SIZE];

        digest_format(&cert->sha256, hex);
        row->subject = xstrdup(cert->common_name ? cert->common_name : cert->subject);
        row->issuer = xstrdup(cert->issuer_common_name ? cert->issuer_common_name : cert->issuer);
        row->subject_dn = xstrdup(cert->subject);
        row->issuer_dn = xstrdup(cert->issuer);
        row->serial = xstrdup(cert->serial);
        row->sha256 = xstrdup(hex);
        row->key_algorithm = xstrdup(cert->key_algorithm);
        row->sans = strv_copy(cert->sans);
        row->usages = strv_copy(cert->usages);
        row->not_before = cert->not_before;
        row->not_after = cert->not_after;
}

static const char *ca_name(const InventoryCa *ca)
{
        return ca && ca->expected ? ca->entry->name : NULL;
}

/* Whom a pass would ask for the next one. */
static const char *issued_by(const Item *item)
{
        if (!item_is_leaf(item) || item->entry->watch)
                return NULL;
        return issuer_kind_name(item->entry->issuer.kind);
}

static int64_t pending_since(const Pending *pending)
{
        if (!pending)
                return 0;
        return pending->asked_at ? pending->asked_at : pending->created_at;
}

static void row_set_place(Row *row, const Item *item)
{
        if (item->embedded && item->user) {
                row->embedded_kind = xstrdup("user");
                row->embedded_key = xstrdup(item->user->name);
        } else if (item->cluster) {
                row->embedded_kind = xstrdup("cluster");
                row->embedded_key = xstrdup(item->cluster->name);
        }
}

static void row_set(Row *row, const Item *item, const Verdict *verdict)
{
        *row = (Row){
                .name = xstrdup(item->name),
                .kind = xstrdup(kinds[item->kind]),
                .path = xstrdup(item->path),
                .filename = xstrdup(fs_basename(item->path)),
                .ca_name = xstrdup(ca_name(item->ca)),
                .expected_ca_name = xstrdup(ca_name(item->expected_ca)),
                .issued_by = xstrdup(issued_by(item)),
                .pending_since = pending_since(item->pending),
                .residual = verdict->residual,
                .renewal_time = verdict->due_at,
                .status = xstrdup(state_name(verdict->state)),
                .due_reason = xstrdup(due_reason_name(verdict->reason)),
                .text = xstrdup(verdict->text),
                .externally_managed = verdict->external,
                .watched = item->entry && item->entry->watch,
                .missing = verdict->state == STATE_MISSING,
                .loaded = verdict->loaded,
                .severity = state_severity(verdict->state),
        };
        row_set_place(row, item);
        if (item->cert)
                row_set_cert(row, item->cert);
}

Rows *rows_from_assessment(const Assessment *assessment)
{
        Rows *rows = xcalloc(1, sizeof(*rows));

        rows->n = assessment->n;
        rows->rows = xcalloc(rows->n, sizeof(Row));
        for (size_t i = 0; i < rows->n; i++)
                row_set(&rows->rows[i], &assessment->inventory->items[i], &assessment->verdicts[i]);
        return rows;
}

int rows_severity(const Rows *rows)
{
        int worst = 0;

        for (size_t i = 0; i < rows->n; i++)
                if (rows->rows[i].severity > worst)
                        worst = rows->rows[i].severity;
        return worst;
}
