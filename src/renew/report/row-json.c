/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/row.h"

typedef enum FieldType {
        FIELD_TEXT,
        FIELD_TEXT_OR_NULL,
        FIELD_STRV,
        FIELD_TIME,
        FIELD_INTEGER,
        FIELD_BOOLEAN,
        FIELD_LOADED,
} FieldType;

static const struct {
        const char *key;
        FieldType type;
        size_t offset;
} fields[] = {
        {"name", FIELD_TEXT, offsetof(Row, name)},
        {"kind", FIELD_TEXT, offsetof(Row, kind)},
        {"filename", FIELD_TEXT, offsetof(Row, filename)},
        {"path", FIELD_TEXT, offsetof(Row, path)},
        {"embeddedKind", FIELD_TEXT_OR_NULL, offsetof(Row, embedded_kind)},
        {"embeddedKey", FIELD_TEXT_OR_NULL, offsetof(Row, embedded_key)},
        {"subject", FIELD_TEXT_OR_NULL, offsetof(Row, subject)},
        {"issuer", FIELD_TEXT_OR_NULL, offsetof(Row, issuer)},
        {"subjectDN", FIELD_TEXT_OR_NULL, offsetof(Row, subject_dn)},
        {"issuerDN", FIELD_TEXT_OR_NULL, offsetof(Row, issuer_dn)},
        {"serial", FIELD_TEXT_OR_NULL, offsetof(Row, serial)},
        {"sha256", FIELD_TEXT_OR_NULL, offsetof(Row, sha256)},
        {"keyAlgorithm", FIELD_TEXT_OR_NULL, offsetof(Row, key_algorithm)},
        {"sans", FIELD_STRV, offsetof(Row, sans)},
        {"usages", FIELD_STRV, offsetof(Row, usages)},
        {"notBefore", FIELD_TIME, offsetof(Row, not_before)},
        {"expiryTime", FIELD_TIME, offsetof(Row, not_after)},
        {"residualSeconds", FIELD_INTEGER, offsetof(Row, residual)},
        {"renewalTime", FIELD_TIME, offsetof(Row, renewal_time)},
        {"status", FIELD_TEXT, offsetof(Row, status)},
        {"dueReason", FIELD_TEXT, offsetof(Row, due_reason)},
        {"reason", FIELD_TEXT_OR_NULL, offsetof(Row, text)},
        {"caName", FIELD_TEXT_OR_NULL, offsetof(Row, ca_name)},
        {"expectedCAName", FIELD_TEXT_OR_NULL, offsetof(Row, expected_ca_name)},
        {"issuedBy", FIELD_TEXT_OR_NULL, offsetof(Row, issued_by)},
        {"pendingSince", FIELD_TIME, offsetof(Row, pending_since)},
        {"externallyManaged", FIELD_BOOLEAN, offsetof(Row, externally_managed)},
        {"watched", FIELD_BOOLEAN, offsetof(Row, watched)},
        {"missing", FIELD_BOOLEAN, offsetof(Row, missing)},
        {"loaded", FIELD_LOADED, offsetof(Row, loaded)},
};

/* A status of an earlier version has not got them. */
static const char *const later_keys[] = {"issuedBy", "pendingSince", NULL};

json_t *loaded_to_json(Loaded loaded)
{
        return loaded == LOADED_UNKNOWN ? json_null() : json_boolean(loaded == LOADED_YES);
}

static json_t *field_to_json(FieldType type, const void *member)
{
        switch (type) {
        case FIELD_TEXT:
        case FIELD_TEXT_OR_NULL:
                return json_escaped(*(char *const *)member);
        case FIELD_STRV:
                return json_strv(*(char **const *)member);
        case FIELD_TIME:
                return json_time(*(const int64_t *)member);
        case FIELD_INTEGER:
                return json_integer(*(const int64_t *)member);
        case FIELD_BOOLEAN:
                return json_boolean(*(const bool *)member);
        case FIELD_LOADED:
                return loaded_to_json(*(const Loaded *)member);
        }
        return NULL;
}

static json_t *row_to_json(const Row *row)
{
        json_t *object = xcheck(json_object());

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                json_object_set_new(object, fields[i].key,
                        field_to_json(fields[i].type, (const char *)row + fields[i].offset));
        return object;
}

json_t *rows_to_json(const Rows *rows)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < rows->n; i++)
                json_array_append_new(array, row_to_json(&rows->rows[i]));
        return array;
}

static int text_from_json(const json_t *value, char **member)
{
        if (!json_is_string(value))
                return -EINVAL;
        *member = xstrdup(json_string_value(value));
        return 0;
}

static int field_from_json(FieldType type, const json_t *value, void *member)
{
        switch (type) {
        case FIELD_TEXT_OR_NULL:
                if (json_is_null(value))
                        return 0;
                return text_from_json(value, member);
        case FIELD_TEXT:
                return text_from_json(value, member);
        case FIELD_STRV:
                return json_get_strv(value, member);
        case FIELD_TIME:
                return json_get_time(value, member);
        case FIELD_INTEGER:
                *(int64_t *)member = json_integer_value(value);
                return json_is_integer(value) ? 0 : -EINVAL;
        case FIELD_BOOLEAN:
                *(bool *)member = json_is_true(value);
                return json_is_boolean(value) ? 0 : -EINVAL;
        case FIELD_LOADED:
                *(Loaded *)member = json_is_true(value)    ? LOADED_YES
                                    : json_is_false(value) ? LOADED_NO
                                                           : LOADED_UNKNOWN;
                return json_is_boolean(value) || json_is_null(value) ? 0 : -EINVAL;
        }
        return -EINVAL;
}

/* The status says how grave it is; one that this version does not know is no status. */
static int severity_from_status(const char *status, int *ret)
{
        for (State state = 0; state < N_STATES; state++)
                if (streq(status, state_name(state))) {
                        *ret = state_severity(state);
                        return 0;
                }
        return -EINVAL;
}

static int row_from_json(const json_t *object, Row *row, Error *reterr)
{
        if (!json_is_object(object))
                return error_set(reterr, -EBADMSG, "it is no object");
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const json_t *value = json_object_get(object, fields[i].key);

                if (!value && strv_contains((char *const *)later_keys, fields[i].key))
                        continue;
                if (!value ||
                        field_from_json(fields[i].type, value, (char *)row + fields[i].offset) < 0)
                        return error_set(
                                reterr, -EBADMSG, "its '%s' is missing or wrong", fields[i].key);
        }
        if (severity_from_status(row->status, &row->severity) < 0)
                return error_set(reterr, -EBADMSG, "its status '%s' is unknown", row->status);
        return 0;
}

int rows_from_json(const json_t *json, Rows **ret, Error *reterr)
{
        autoptr(Rows) rows = xcalloc(1, sizeof(*rows));
        int r;

        if (!json_is_array(json))
                return error_set(reterr, -EBADMSG, "the certificates are no array");
        rows->n = json_array_size(json);
        rows->rows = xcalloc(rows->n, sizeof(Row));
        for (size_t i = 0; i < rows->n; i++) {
                r = row_from_json(json_array_get(json, i), &rows->rows[i], reterr);
                if (r < 0)
                        return error_prefix(reterr, r, "certificate %zu", i + 1);
        }
        *ret = TAKE(rows);
        return 0;
}

/* The first certificate of a file, by the name of its entry: the others are '#2' and '/USER'. */
static bool is_entry(const Row *row)
{
        return !strpbrk(row->name, "#/");
}

static bool is_kubeadm_leaf(const Row *row)
{
        return (streq(row->kind, "certificate") || streq(row->kind, "kubeconfig")) &&
               is_entry(row) && !row->watched && row->expected_ca_name;
}

static bool is_kubeadm_ca(const Row *row)
{
        return streq(row->kind, "ca") && is_entry(row);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp((*(const Row *const *)a)->name, (*(const Row *const *)b)->name);
}

static json_t *kubeadm_certificate(const Row *row)
{
        json_t *object = xcheck(json_object());

        json_object_set_new(object, "name", json_escaped(row->name));
        json_object_set_new(object, "expirationDate", json_time(row->not_after));
        json_object_set_new(object, "residualTime", json_integer(row->residual));
        json_object_set_new(object, "externallyManaged", json_boolean(row->externally_managed));
        json_object_set_new(object, "missing", json_boolean(row->missing));
        if (row->expected_ca_name && !row->missing)
                json_object_set_new(object, "caName", json_escaped(row->expected_ca_name));
        return object;
}

/* kubeadm lists by name. */
static json_t *kubeadm_list(const Rows *rows, bool (*is_listed)(const Row *row))
{
        autofree const Row **sorted = xcalloc(rows->n, sizeof(Row *));
        json_t *array = xcheck(json_array());
        size_t n = 0;

        for (size_t i = 0; i < rows->n; i++)
                if (is_listed(&rows->rows[i]))
                        sorted[n++] = &rows->rows[i];
        qsort(sorted, n, sizeof(*sorted), compare_names);
        for (size_t i = 0; i < n; i++)
                json_array_append_new(array, kubeadm_certificate(sorted[i]));
        return array;
}

json_t *rows_to_kubeadm_json(const Rows *rows)
{
        json_t *info = xcheck(json_object());

        json_object_set_new(info, "kind", json_string("CertificateExpirationInfo"));
        json_object_set_new(info, "apiVersion", json_string("output.kubeadm.k8s.io/v1alpha3"));
        json_object_set_new(info, "certificates", kubeadm_list(rows, is_kubeadm_leaf));
        json_object_set_new(info, "certificateAuthorities", kubeadm_list(rows, is_kubeadm_ca));
        return info;
}
