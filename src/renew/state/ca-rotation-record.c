/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/ca-rotation-record.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/json.h"

#define SCHEMA_VERSION 1

static const char *const phase_names[N_CA_PHASES] = {
        [CA_PHASE_NONE] = "none",
        [CA_PHASE_PREPARE] = "prepare",
        [CA_PHASE_TRUST_BOTH] = "trust-both",
        [CA_PHASE_REISSUE] = "reissue",
        [CA_PHASE_TRUST_NEW] = "trust-new",
};

const char *ca_phase_name(CaPhase phase)
{
        return phase_names[phase];
}

CaPhase ca_phase_parse(const char *name)
{
        CaPhase phase = CA_PHASE_NONE;

        while (phase < N_CA_PHASES && !streq(phase_names[phase], name))
                phase++;
        return phase;
}

static void edit_done(CaManifestEdit *edit)
{
        free(edit->manifest);
        free(edit->container);
        free(edit->flag);
        free(edit->value);
        free(edit->signer_value);
        free(edit->signer);
}

void ca_record_free(CaRecord *record)
{
        if (!record)
                return;
        for (size_t i = 0; i < record->n_edits; i++)
                edit_done(&record->edits[i]);
        free(record->edits);
        cert_free(record->old_ca);
        cert_free(record->new_ca);
        cert_free(record->old_by_new);
        cert_free(record->new_by_old);
        free(record->id);
        free(record);
}

char *ca_record_directory(const char *state_directory)
{
        return xasprintf("%s/ca-rotation", state_directory);
}

bool ca_record_is_file(const char *state_directory, const char *path)
{
        autofree char *directory = ca_record_directory(state_directory);

        return starts_with(path, directory) && path[strlen(directory)] == '/';
}

static char *file_path(const char *state_directory, const char *id, const char *suffix)
{
        autofree char *directory = ca_record_directory(state_directory);
        autofree char *name = escape_file_name(id);

        return xasprintf("%s/%s%s", directory, name, suffix);
}

char *ca_record_path(const char *state_directory, const char *id)
{
        return file_path(state_directory, id, ".json");
}

char *ca_record_key_path(const char *state_directory, const char *id)
{
        return file_path(state_directory, id, ".key");
}

/* The strings of an edit, as JSON and the struct have them. */
static const struct {
        const char *name;
        size_t offset;
} edit_members[] = {
        {"manifest", offsetof(CaManifestEdit, manifest)},
        {"container", offsetof(CaManifestEdit, container)},
        {"flag", offsetof(CaManifestEdit, flag)},
        {"value", offsetof(CaManifestEdit, value)},
        {"signer_value", offsetof(CaManifestEdit, signer_value)},
        {"signer", offsetof(CaManifestEdit, signer)},
};

static char **edit_member(CaManifestEdit *edit, size_t i)
{
        return (char **)((char *)edit + edit_members[i].offset);
}

static int edit_from_json(const json_t *json, CaManifestEdit *ret)
{
        CaManifestEdit edit = {};

        for (size_t i = 0; i < ELEMENTSOF(edit_members); i++) {
                const char *text = json_string_value(json_object_get(json, edit_members[i].name));

                if (!text) {
                        edit_done(&edit);
                        return -EBADMSG;
                }
                *edit_member(&edit, i) = xstrdup(text);
        }
        *ret = edit;
        return 0;
}

static int edits_from_json(const json_t *array, CaRecord *record)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                CaManifestEdit edit;

                if (edit_from_json(json_array_get(array, i), &edit) < 0)
                        return -EBADMSG;
                ca_record_add_edit(record, &edit);
        }
        return json_is_array(array) ? 0 : -EBADMSG;
}

/* Exactly one certificate, which has the fingerprint that is noted beside it; null where it may be
 * absent. */
static int cert_from_json(const json_t *json, bool is_optional, Cert **ret)
{
        const char *pem = json_string_value(json_object_get(json, "pem"));
        const char *hex = json_string_value(json_object_get(json, "sha256"));
        autoptr(CertList) list = NULL;
        Digest digest;

        if (is_optional && json_is_null(json))
                return 0;
        if (!pem || !hex || digest_parse(hex, &digest) < 0 ||
                cert_list_parse(pem, strlen(pem), &list, NULL) < 0 || list->n != 1 ||
                !digest_equal(&list->certs[0]->sha256, &digest))
                return -EBADMSG;
        *ret = TAKE(list->certs[0]);
        list->n = 0;
        return 0;
}

static int times_from_json(const json_t *json, CaRecord *record)
{
        for (CaPhase phase = 0; phase < N_CA_PHASES; phase++)
                if (json_get_time(
                            json_object_get(json, phase_names[phase]), &record->times[phase]) < 0)
                        return -EBADMSG;
        return 0;
}

static int record_from_json(const json_t *json, CaRecord *record)
{
        if (json_integer_value(json_object_get(json, "schema_version")) != SCHEMA_VERSION ||
                cert_from_json(json_object_get(json, "old"), false, &record->old_ca) < 0 ||
                cert_from_json(json_object_get(json, "new"), false, &record->new_ca) < 0 ||
                cert_from_json(json_object_get(json, "old_by_new"), true, &record->old_by_new) <
                        0 ||
                cert_from_json(json_object_get(json, "new_by_old"), true, &record->new_by_old) <
                        0 ||
                times_from_json(json_object_get(json, "times"), record) < 0)
                return -EBADMSG;
        record->is_supplied = json_is_true(json_object_get(json, "supplied"));
        record->is_aborting = json_is_true(json_object_get(json, "aborting"));
        return edits_from_json(json_object_get(json, "edits"), record);
}

int ca_record_read(
        int root_fd, const char *state_directory, const char *id, CaRecord **ret, Error *reterr)
{
        autofree char *path = ca_record_path(state_directory, id);
        autoptr(CaRecord) record = xcalloc(1, sizeof(*record));
        autoptr(json_t) json = NULL;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r < 0)
                return r;
        record->id = xstrdup(id);
        r = record_from_json(json, record);
        if (r < 0)
                return error_set(reterr, r, "'%s' is no record of a CA rotation", path);
        *ret = TAKE(record);
        return 0;
}

static json_t *cert_to_json(const Cert *cert)
{
        autofree char *pem = cert ? cert_to_pem(cert) : NULL;
        char hex[DIGEST_HEX_SIZE];

        if (!cert)
                return json_null();
        digest_format(&cert->sha256, hex);
        return xcheck(json_pack("{s:s, s:s}", "pem", pem, "sha256", hex));
}

static json_t *times_to_json(const CaRecord *record)
{
        json_t *json = xcheck(json_object());

        for (CaPhase phase = 0; phase < N_CA_PHASES; phase++)
                json_object_set_new(json, phase_names[phase], json_time(record->times[phase]));
        return json;
}

static json_t *edits_to_json(const CaRecord *record)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < record->n_edits; i++) {
                json_t *json = xcheck(json_object());

                for (size_t k = 0; k < ELEMENTSOF(edit_members); k++)
                        json_object_set_new(json, edit_members[k].name,
                                xcheck(json_string(*edit_member(&record->edits[i], k))));
                json_array_append_new(array, json);
        }
        return array;
}

char *ca_record_text(const CaRecord *record)
{
        autoptr(json_t) json = xcheck(json_pack(
                "{s:i, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "schema_version",
                SCHEMA_VERSION, "ca", json_escaped(record->id), "supplied", record->is_supplied,
                "aborting", record->is_aborting, "old", cert_to_json(record->old_ca), "new",
                cert_to_json(record->new_ca), "old_by_new", cert_to_json(record->old_by_new),
                "new_by_old", cert_to_json(record->new_by_old), "times", times_to_json(record),
                "edits", edits_to_json(record)));

        return json_text(json);
}

CaPhase ca_record_latest(const CaRecord *record)
{
        CaPhase latest = CA_PHASE_NONE;

        for (CaPhase phase = CA_PHASE_PREPARE; phase < N_CA_PHASES; phase++)
                if (record->times[phase] > 0)
                        latest = phase;
        return latest;
}

int64_t ca_record_since(const CaRecord *record)
{
        int64_t since = 0;

        for (CaPhase phase = 0; phase < N_CA_PHASES; phase++)
                if (record->times[phase] > since)
                        since = record->times[phase];
        return since;
}

const CaManifestEdit *ca_record_find_edit(
        const CaRecord *record, const char *manifest, const char *container, const char *flag)
{
        for (size_t i = 0; i < record->n_edits; i++) {
                const CaManifestEdit *edit = &record->edits[i];

                if (streq(edit->manifest, manifest) && streq(edit->container, container) &&
                        streq(edit->flag, flag))
                        return edit;
        }
        return NULL;
}

void ca_record_add_edit(CaRecord *record, const CaManifestEdit *edit)
{
        record->edits = xreallocarray(record->edits, record->n_edits + 1, sizeof(CaManifestEdit));
        record->edits[record->n_edits++] = *edit;
}

int ca_record_remove(int root_fd, const char *state_directory, const char *id, Error *reterr)
{
        autofree char *path = ca_record_path(state_directory, id);
        autofree char *key_path = ca_record_key_path(state_directory, id);
        int r;

        r = fs_remove_file(root_fd, key_path, reterr);
        return r < 0 ? r : fs_remove_file(root_fd, path, reterr);
}
