/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/last-good.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/json.h"

#define SCHEMA_VERSION 1

void last_good_done(LastGood *pair)
{
        secret_free(pair->certificate);
        secret_free(pair->key);
        *pair = (LastGood){};
}

char *last_good_path(const char *state_directory, const char *name)
{
        autofree char *file_name = escape_file_name(name);

        return xasprintf("%s/last-good/%s.json", state_directory, file_name);
}

static Secret *get_bytes(const json_t *json, const char *key)
{
        const json_t *value = json_object_get(json, key);

        return json_is_string(value)
                       ? secret_new(json_string_value(value), json_string_length(value))
                       : NULL;
}

int last_good_read(
        int root_fd, const char *state_directory, const char *name, LastGood *ret, Error *reterr)
{
        autofree char *path = last_good_path(state_directory, name);
        autoptr(json_t) json = NULL;
        LastGood pair;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        pair = (LastGood){get_bytes(json, "certificate"), get_bytes(json, "key")};
        if (!pair.certificate || !pair.key) {
                last_good_done(&pair);
                return error_set(reterr, -EBADMSG, "'%s' is no pair", path);
        }
        *ret = pair;
        return 0;
}

static bool is_same(const Secret *a, const Secret *b)
{
        return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static bool is_there(
        int root_fd, const char *state_directory, const char *name, const LastGood *pair)
{
        LastGood known;
        bool same;

        if (last_good_read(root_fd, state_directory, name, &known, NULL) < 0)
                return false;
        same = is_same(known.certificate, pair->certificate) && is_same(known.key, pair->key);
        last_good_done(&known);
        return same;
}

int last_good_write(int root_fd, const char *state_directory, const char *name,
        const LastGood *pair, Error *reterr)
{
        autofree char *path = last_good_path(state_directory, name);
        autoptr(json_t) json = NULL;

        if (is_there(root_fd, state_directory, name, pair))
                return 0;
        json = json_pack("{s:i, s:s%, s:s%}", "schema_version", SCHEMA_VERSION, "certificate",
                (const char *)pair->certificate->data, pair->certificate->size, "key",
                (const char *)pair->key->data, pair->key->size);
        if (!json)
                return error_set(reterr, -EILSEQ, "the files of '%s' are no text", name);
        return json_write_private(root_fd, path, json, reterr);
}
