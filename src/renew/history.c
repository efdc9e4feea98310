/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/history.h"

#include "base/json.h"
#include "base/log.h"

#define SCHEMA_VERSION 1

History *history_new(void)
{
        return xcalloc(1, sizeof(History));
}

void history_free(History *history)
{
        if (!history)
                return;
        for (size_t i = 0; i < history->n_mismatches; i++)
                free(history->mismatches[i].name);
        free(history->mismatches);
        hold_list_free(history->holds);
        free(history);
}

void history_add_mismatch(
        History *history, const char *name, const Digest *certificate, const Digest *key)
{
        history->mismatches = xreallocarray(
                history->mismatches, history->n_mismatches + 1, sizeof(MismatchSighting));
        history->mismatches[history->n_mismatches++] =
                (MismatchSighting){.name = xstrdup(name), .certificate = *certificate, .key = *key};
}

bool history_saw_mismatch(
        const History *history, const char *name, const Digest *certificate, const Digest *key)
{
        for (size_t i = 0; i < history->n_mismatches; i++) {
                const MismatchSighting *seen = &history->mismatches[i];

                if (streq(seen->name, name) && digest_equal(&seen->certificate, certificate) &&
                        digest_equal(&seen->key, key))
                        return true;
        }
        return false;
}

static int get_digest(const json_t *object, const char *key, Digest *ret)
{
        const char *hex = json_string_value(json_object_get(object, key));

        return hex ? digest_parse(hex, ret) : -EBADMSG;
}

/* One sighting that makes no sense spoils nothing but itself. */
static void add_from_json(History *history, const json_t *object)
{
        const char *name = json_string_value(json_object_get(object, "name"));
        Digest certificate, key;

        if (name && get_digest(object, "certificate", &certificate) >= 0 &&
                get_digest(object, "key", &key) >= 0)
                history_add_mismatch(history, name, &certificate, &key);
}

History *history_read(int root_fd, const char *state_directory)
{
        autofree char *path = xasprintf("%s/history.json", state_directory);
        autoptr(History) history = history_new();
        autoptr(json_t) json = NULL;
        const json_t *mismatches;
        Error error = {};

        if (hold_read(root_fd, state_directory, &history->holds, &error) < 0)
                log_debug("no holds: %s", error.text);
        if (json_read_file(root_fd, path, &json, &error) < 0) {
                log_debug("no history: %s", error.text);
                return TAKE(history);
        }
        mismatches = json_object_get(json, "mismatches");
        for (size_t i = 0; i < json_array_size(mismatches); i++)
                add_from_json(history, json_array_get(mismatches, i));
        return TAKE(history);
}

int history_write(int root_fd, const char *state_directory, const History *history, Error *reterr)
{
        autofree char *path = xasprintf("%s/history.json", state_directory);
        json_t *mismatches = xcheck(json_array());
        autoptr(json_t) json =
                json_pack("{s:i, s:o}", "schema_version", SCHEMA_VERSION, "mismatches", mismatches);

        xcheck(json);
        for (size_t i = 0; i < history->n_mismatches; i++) {
                const MismatchSighting *seen = &history->mismatches[i];
                char certificate[DIGEST_HEX_SIZE], key[DIGEST_HEX_SIZE];

                digest_format(&seen->certificate, certificate);
                digest_format(&seen->key, key);
                json_array_append_new(mismatches,
                        xcheck(json_pack("{s:o, s:s, s:s}", "name", json_escaped(seen->name),
                                "certificate", certificate, "key", key)));
        }
        return json_write_file(root_fd, path, json, 0600, reterr);
}
