/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/publish.h"

#include "base/log.h"
#include "kube/access.h"
#include "kube/secret-object.h"
#include "pki/key.h"
#include "renew/event/events.h"

#include <inttypes.h>

#define PREFIX      "publish-"
#define ASK_TIMEOUT 10 /* seconds, for each question */
#define TRIES       2  /* somebody else may write at the same moment */

char *publish_debt_name(const SecretEntry *entry)
{
        return xasprintf(PREFIX "%s", entry->name);
}

bool publish_debt_is(const Layout *layout, const char *name)
{
        return starts_with(name, PREFIX) && !layout_find_component(layout, name);
}

const SecretEntry *publish_find_debt(const Layout *layout, const char *name)
{
        return starts_with(name, PREFIX) ? layout_find_publication(layout, name + strlen(PREFIX))
                                         : NULL;
}

/* What is on disk, as it is to be in the Secret. */
typedef struct Content {
        FileImage **files;
        Secret *secrets; /* their bytes, the files' */
        SecretValue *values;
        size_t n;
        Digest digest; /* of all of it, and of where it belongs */
} Content;

static void content_free(Content *content)
{
        if (!content)
                return;
        for (size_t i = 0; i < content->n; i++)
                file_image_free(content->files[i]);
        free(content->files);
        free(content->secrets);
        free(content->values);
        free(content);
}

DEFINE_AUTOPTR(Content, content_free)

/* Which state of which files is meant for which Secret: no secret itself. */
static Digest digest_of_content(const SecretEntry *entry, const Content *content)
{
        autofree char *text =
                xasprintf("%s\n%s\n%s\n", entry->kubeconfig, entry->namespace, entry->secret);

        for (size_t i = 0; i < content->n; i++) {
                char hex[DIGEST_HEX_SIZE];
                autofree char *before = text;

                digest_format(&content->files[i]->digest, hex);
                text = xasprintf("%s%s %s\n", before, content->values[i].key, hex);
        }
        return digest_of(text, strlen(text));
}

/* The one of these values that is that file; NULL. */
static const FileImage *find_file(const Content *content, const char *path)
{
        for (size_t i = 0; path && i < content->n; i++)
                if (streq(content->files[i]->path, path))
                        return content->files[i];
        return NULL;
}

static size_t count_parts(const SecretEntry *entry, const CredentialEntry *credential)
{
        size_t n = 0;

        for (size_t i = 0; i < entry->n_parts; i++)
                n += entry->parts[i].credential == credential;
        return n;
}

/* Half a pair, or one that does not fit together, would take every reader down. */
static int check_pair(const SecretEntry *entry, const Content *content,
        const CredentialEntry *credential, Error *reterr)
{
        const size_t n = count_parts(entry, credential);
        const FileImage *certificate = find_file(content, credential->path);
        const FileImage *key_file = find_file(content, credential->key);
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        autoptr(Key) stray = NULL;
        int r = 0;

        if (certificate &&
                key_parse(certificate->data, certificate->size, &stray, NULL) != -ENODATA)
                r = error_set(
                        reterr, -EKEYREJECTED, "it holds a private key beside the certificate");
        if (r >= 0 && n == 2 && !certificate != !key_file)
                r = error_set(reterr, -ENOENT, "one of its files is missing");
        if (r >= 0 && certificate)
                r = cert_list_parse(certificate->data, certificate->size, &list, reterr);
        if (r >= 0 && key_file)
                r = key_parse(key_file->data, key_file->size, &key, reterr);
        if (r >= 0 && list && key && !key_matches(key, list->certs[0]))
                r = error_set(reterr, -EKEYREJECTED, "the key does not belong to the certificate");
        return r < 0 ? error_prefix(reterr, r, "'%s' is not fit to be published", credential->name)
                     : 0;
}

static int check_content(const SecretEntry *entry, const Content *content, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < entry->n_parts; i++)
                if (entry->parts[i].credential && !entry->parts[i].credential->is_kubeconfig)
                        r = check_pair(entry, content, entry->parts[i].credential, reterr);
        return r;
}

static int add_file(int root_fd, const SecretPart *part, Content *content, Error *reterr)
{
        FileImage *file;
        int r = fs_read_file(root_fd, part->path, FS_SIZE_MAX, &file, reterr);

        if (r == -ENOENT && part->is_optional)
                return 0;
        if (r < 0)
                return r;
        r = fs_check_link(root_fd, file, reterr);
        if (r < 0) {
                file_image_free(file);
                return r;
        }
        content->files[content->n] = file;
        content->secrets[content->n] =
                (Secret){.data = (unsigned char *)file->data, .size = file->size};
        content->values[content->n] = (SecretValue){part->key, &content->secrets[content->n]};
        content->n++;
        return 0;
}

static int read_content(
        const PublishInput *input, const SecretEntry *entry, Content **ret, Error *reterr)
{
        autoptr(Content) content = xcalloc(1, sizeof(*content));
        int r = 0;

        content->files = xcalloc(entry->n_parts, sizeof(*content->files));
        content->secrets = xcalloc(entry->n_parts, sizeof(*content->secrets));
        content->values = xcalloc(entry->n_parts, sizeof(*content->values));
        for (size_t i = 0; r >= 0 && i < entry->n_parts; i++)
                r = add_file(input->root_fd, &entry->parts[i], content, reterr);
        if (r >= 0)
                r = check_content(entry, content, reterr);
        if (r < 0)
                return r;
        content->digest = digest_of_content(entry, content);
        *ret = TAKE(content);
        return 0;
}

static char *record_path(const PublishInput *input, const SecretEntry *entry)
{
        return xasprintf("%s/published/%s.json", input->config->state_directory, entry->name);
}

/* What was there when a pass last looked is there, as far as anybody knows. */
static bool is_on_record(
        const PublishInput *input, const SecretEntry *entry, const Content *content)
{
        autofree char *path = record_path(input, entry);
        autoptr(json_t) json = NULL;
        const char *hex;
        Digest digest;

        if (json_read_file(input->root_fd, path, &json, NULL) < 0)
                return false;
        hex = json_string_value(json_object_get(json, "sha256"));
        return hex && digest_parse(hex, &digest) >= 0 && digest_equal(&digest, &content->digest);
}

static int put_on_record(
        const PublishInput *input, const SecretEntry *entry, const Content *content, Error *reterr)
{
        autofree char *path = record_path(input, entry);
        autoptr(json_t) json = NULL;
        char hex[DIGEST_HEX_SIZE];

        if (is_on_record(input, entry, content))
                return 0;
        digest_format(&content->digest, hex);
        json = xcheck(json_pack("{s:s}", "sha256", hex));
        return json_write_private(input->root_fd, path, json, reterr);
}

static SecretWish wish_of(const SecretEntry *entry, const Content *content)
{
        return (SecretWish){.place = {entry->namespace, entry->secret},
                .type = entry->type,
                .values = content->values,
                .n = content->n};
}

/* How many of its keys differ from what is on disk. */
static int ask(
        const PublishInput *input, const SecretEntry *entry, const Content *content, Error *reterr)
{
        const SecretWish wish = wish_of(entry, content);
        autoptr(SecretObject) object = NULL;
        autoptr(Access) access = NULL;
        int r;

        r = access_read(input->root_fd, entry->kubeconfig, ASK_TIMEOUT, &access, reterr);
        if (r >= 0)
                r = secret_object_get(&access->server, &wish.place, &object, reterr);
        if (r == -ENOENT)
                return (int)wish.n;
        return r < 0 ? r : (int)secret_object_differs(object, &wish);
}

/* As it is now; returns how many keys were written. -EEXIST or -ENOENT: somebody was quicker. */
static int write_once(const ApiServer *server, const SecretWish *wish, Error *reterr)
{
        autoptr(SecretObject) object = NULL;
        size_t n;
        int r = secret_object_get(server, &wish->place, &object, reterr);

        if (r == -ENOENT) {
                r = secret_object_create(server, wish, reterr);
                return r < 0 ? r : (int)wish->n;
        }
        if (r < 0)
                return r;
        n = secret_object_differs(object, wish);
        r = n > 0 ? secret_object_patch(server, object, wish, reterr) : 0;
        return r < 0 ? r : (int)n;
}

static int write_secret(
        const PublishInput *input, const SecretEntry *entry, const Content *content, Error *reterr)
{
        const SecretWish wish = wish_of(entry, content);
        autoptr(Access) access = NULL;
        int r;

        r = access_read(input->root_fd, entry->kubeconfig, ASK_TIMEOUT, &access, reterr);
        if (r < 0)
                return r;
        r = -EEXIST;
        for (unsigned i = 0; i < TRIES && (r == -EEXIST || r == -ENOENT); i++)
                r = write_once(&access->server, &wish, reterr);
        return r;
}

static void log_outcome(const SecretEntry *entry, int n, const char *problem)
{
        autofree char *place = secret_place_text(entry);
        const LogField fields[] = {{"SECRET", place}, {"REASON", problem ? problem : "none"}, {}};

        if (problem)
                log_event(LOG_WARNING, EVENT_PUBLISH_FAILED, fields,
                        "%s does not hold the files of this host ([publish %s]): %s.", place,
                        entry->name, problem);
        else if (n > 0)
                log_event(LOG_NOTICE, EVENT_PUBLISHED, fields,
                        "Published %d file%s of this host to %s ([publish %s]).", n,
                        n == 1 ? "" : "s", place, entry->name);
}

static int publish(const PublishInput *input, const SecretEntry *entry, Error *reterr)
{
        autoptr(Content) content = NULL;
        Error error = {};
        int r;

        log_status("Publishing to Secret '%s/%s'", entry->namespace, entry->secret);
        r = read_content(input, entry, &content, &error);
        if (r >= 0 && content->n > 0)
                r = write_secret(input, entry, content, &error);
        log_outcome(entry, r, r < 0 ? error.text : NULL);
        if (r < 0)
                return error_set(reterr, -ECHILD, "%s", error.text);
        return put_on_record(input, entry, content, reterr);
}

int publish_settle(const PublishInput *input, const SecretEntry *entry, Error *reterr)
{
        const char *state_directory = input->config->state_directory;
        autofree char *name = publish_debt_name(entry);
        autoptr(OwedList) list = NULL;
        int r;

        r = owed_read(input->root_fd, state_directory, &list, reterr);
        if (r < 0 || !owed_find(list, name))
                return r;
        r = publish(input, entry, reterr);
        if (r >= 0)
                r = owed_remove(input->root_fd, state_directory, name, reterr);
        return r < 0 ? r : 1;
}

/* Those of its files that are among these. */
static char **shared_paths(const SecretEntry *entry, char *const *paths)
{
        char **shared = NULL;

        for (size_t i = 0; i < entry->n_parts; i++)
                if (strv_contains(paths, entry->parts[i].path))
                        strv_add(&shared, entry->parts[i].path);
        return shared;
}

int publish_enter(const PublishInput *input, char *const *paths, Error *reterr)
{
        const Layout *layout = &input->config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_publications; i++) {
                const SecretEntry *entry = &layout->publications[i];
                autofree char *name = publish_debt_name(entry);
                autostrv shared = shared_paths(entry, paths);

                if (shared)
                        r = owed_enter(input->root_fd, input->config->state_directory,
                                &(Owed){.component = name,
                                        .since = input->now,
                                        .pass_id = (char *)input->pass_id,
                                        .paths = shared,
                                        .reason = (char *)"files were replaced"},
                                reterr);
        }
        return r;
}

/* Why this Secret is owed what is on disk; NULL if it is not. The caller frees. */
static char *why_stale(const PublishInput *input, const SecretEntry *entry)
{
        autoptr(Content) content = NULL;
        Error error = {};
        int r = read_content(input, entry, &content, &error);

        if (r >= 0)
                r = content->n > 0 ? ask(input, entry, content, &error) : 0;
        if (r >= 0)
                return r > 0 ? xstrdup("it differs from what is on disk") : NULL;
        if (content && is_on_record(input, entry, content)) {
                log_debug("[publish %s]: %s; nothing has changed since it was published",
                        entry->name, error.text);
                return NULL;
        }
        return xstrdup("nobody knows whether it holds what is on disk");
}

int publish_enter_stale(const PublishInput *input, Error *reterr)
{
        const Layout *layout = &input->config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_publications; i++) {
                const SecretEntry *entry = &layout->publications[i];
                autofree char *name = publish_debt_name(entry);
                autofree char *reason = entry->n_parts > 0 ? why_stale(input, entry) : NULL;

                if (reason)
                        r = owed_note(input->root_fd, input->config->state_directory,
                                &(Owed){.component = name,
                                        .since = input->now,
                                        .pass_id = (char *)input->pass_id,
                                        .reason = reason},
                                reterr);
        }
        return r;
}
