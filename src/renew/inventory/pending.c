/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/pending.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time-util.h"
#include "renew/config/config.h"

#define SCHEMA_VERSION 1
#define BACK_OFF_LEAST HOUR
#define BACK_OFF_MOST  DAY

void pending_free(Pending *pending)
{
        if (!pending)
                return;
        free(pending->name);
        free(pending->issuer);
        secret_free(pending->key_pem);
        free(pending->request_pem);
        free(pending->replaces);
        free(pending->certificate_pem);
        free(pending->handle);
        free(pending->text);
        free(pending);
}

void pending_list_free(PendingList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++)
                pending_free(list->pendings[i]);
        free(list->pendings);
        free(list);
}

static char *directory_path(const char *state_directory)
{
        return xasprintf("%s/pending", state_directory);
}

/* `file_name` is escaped already. */
static char *file_path(const char *state_directory, const char *file_name)
{
        return xasprintf("%s/pending/%s.json", state_directory, file_name);
}

/* As it is: what an issuer has said is said back to it, newlines and all. */
static json_t *exact(const char *text)
{
        json_t *json = text ? json_string(text) : NULL;

        return json ? json : json_escaped(text);
}

static json_t *to_json(const Pending *pending)
{
        json_t *json = xcheck(json_object());
        const struct {
                const char *key;
                json_t *value;
        } members[] = {
                {"schema_version", json_integer(SCHEMA_VERSION)},
                {"name", json_escaped(pending->name)},
                {"issuer", json_escaped(pending->issuer)},
                {"key", json_stringn((const char *)pending->key_pem->data, pending->key_pem->size)},
                {"request", exact(pending->request_pem)},
                {"replaces", json_escaped(pending->replaces)},
                {"created_at", json_time(pending->created_at)},
                {"asked_at", json_time(pending->asked_at)},
                {"handle", exact(pending->handle)},
                {"not_before", json_time(pending->not_before)},
                {"refusals", json_integer(pending->refusals)},
                {"text", json_escaped(pending->text)},
                {"certificate", exact(pending->certificate_pem)},
        };

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                json_object_set_new(json, members[i].key, xcheck(members[i].value));
        return json;
}

/* A copy of a member that is a string, NULL if it is not. */
static char *get_text(const json_t *json, const char *key)
{
        return xstrdup(json_string_value(json_object_get(json, key)));
}

static int from_json(const json_t *json, Pending *pending)
{
        const json_t *key = json_object_get(json, "key");
        const struct {
                const char *key;
                int64_t *member;
        } times[] = {
                {"created_at", &pending->created_at},
                {"asked_at", &pending->asked_at},
                {"not_before", &pending->not_before},
        };

        pending->name = get_text(json, "name");
        pending->issuer = get_text(json, "issuer");
        pending->request_pem = get_text(json, "request");
        pending->replaces = get_text(json, "replaces");
        pending->handle = get_text(json, "handle");
        pending->text = get_text(json, "text");
        pending->certificate_pem = get_text(json, "certificate");
        if (json_is_string(key))
                pending->key_pem = secret_new(json_string_value(key), json_string_length(key));
        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                if (json_get_time(json_object_get(json, times[i].key), times[i].member) < 0)
                        return -EBADMSG;
        pending->refusals = (unsigned)json_integer_value(json_object_get(json, "refusals"));
        return pending->name && pending->issuer && pending->request_pem && pending->key_pem &&
                               pending->replaces
                       ? 0
                       : -EBADMSG;
}

/* Of an issuer that there is, and of the certificate that the file is called after. */
static bool is_sound(const Pending *pending, const char *file_name)
{
        autofree char *own = escape_file_name(pending->name);

        for (IssuerKind kind = 0; kind < N_ISSUER_KINDS; kind++)
                if (streq(pending->issuer, issuer_kind_name(kind)))
                        return streq(own, file_name);
        return false;
}

static int read_file(int root_fd, const char *state_directory, const char *file_name, Pending **ret,
        Error *reterr)
{
        autofree char *path = file_path(state_directory, file_name);
        autoptr(Pending) pending = xcalloc(1, sizeof(*pending));
        autoptr(json_t) json = NULL;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        if (from_json(json, pending) < 0 || !is_sound(pending, file_name))
                return error_set(reterr, -EBADMSG, "'%s' is no pending request", path);
        *ret = TAKE(pending);
        return 0;
}

int pending_read(
        int root_fd, const char *state_directory, const char *name, Pending **ret, Error *reterr)
{
        autofree char *file_name = escape_file_name(name);

        return read_file(root_fd, state_directory, file_name, ret, reterr);
}

int pending_write(int root_fd, const char *state_directory, const Pending *pending, Error *reterr)
{
        autofree char *file_name = escape_file_name(pending->name);
        autofree char *path = file_path(state_directory, file_name);
        autoptr(json_t) json = to_json(pending);

        return json_write_private(root_fd, path, json, reterr);
}

int pending_remove(int root_fd, const char *state_directory, const char *name, Error *reterr)
{
        autofree char *file_name = escape_file_name(name);
        autofree char *path = file_path(state_directory, file_name);

        return fs_remove_file(root_fd, path, reterr);
}

/* Whatever cannot be read was written because somebody is to be asked. */
static Pending *read_or_name(int root_fd, const char *state_directory, const char *file_name)
{
        Pending *pending = NULL;
        Error error = {};

        if (read_file(root_fd, state_directory, file_name, &pending, &error) >= 0)
                return pending;
        log_debug("%s", error.text);
        pending = xcalloc(1, sizeof(*pending));
        pending->name = xstrdup(file_name);
        pending->text = xstrdup(error.text);
        return pending;
}

int pending_list(int root_fd, const char *state_directory, PendingList **ret, Error *reterr)
{
        autofree char *directory = directory_path(state_directory);
        autoptr(PendingList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = json_list(root_fd, directory, &names, reterr);
        if (r < 0)
                return r;
        list->pendings = xcalloc(strv_length(names), sizeof(Pending *));
        for (char **name = names; name && *name; name++)
                list->pendings[list->n++] = read_or_name(root_fd, state_directory, *name);
        *ret = TAKE(list);
        return 0;
}

const Pending *pending_find(const PendingList *list, const char *name)
{
        autofree char *escaped = escape_text(name);

        for (size_t i = 0; list && i < list->n; i++)
                if (streq(list->pendings[i]->name, escaped))
                        return list->pendings[i];
        return NULL;
}

char *pending_fingerprint(const Digest *in_place)
{
        char hex[DIGEST_HEX_SIZE] = "";

        if (in_place)
                digest_format(in_place, hex);
        return xstrdup(hex);
}

bool pending_is_open(const Pending *pending, const Digest *in_place)
{
        autofree char *fingerprint = pending_fingerprint(in_place);

        return pending->replaces && streq(pending->replaces, fingerprint);
}

void pending_back_off(Pending *pending, int64_t now)
{
        int64_t span = BACK_OFF_LEAST;

        for (unsigned i = 0; i < pending->refusals && span < BACK_OFF_MOST; i++)
                span *= 2;
        pending->refusals++;
        pending->not_before = now + (span < BACK_OFF_MOST ? span : BACK_OFF_MOST);
}
