/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-record.h"

#include "base/json.h"

#include <limits.h>

#define ID_LENGTH_MAX 64
/* Of a target's name in the name of its copy, which must not outgrow NAME_MAX. */
#define COPY_NAME_MAX 200

void txn_record_free(TxnRecord *record)
{
        if (!record)
                return;
        for (size_t i = 0; i < record->n_files; i++) {
                TxnFile *file = &record->files[i];

                free(file->path);
                free(file->directory);
                free(file->name);
                free(file->temporary);
                free(file->copy);
                secret_free(file->content);
        }
        for (size_t i = 0; i < record->n_directories; i++)
                if (record->directories[i].fd >= 0)
                        close(record->directories[i].fd);
        free(record->directories);
        free(record->files);
        free(record->backup);
        free(record->id);
        free(record);
}

bool txn_id_is_valid(const char *id)
{
        size_t length = strlen(id);

        return length > 0 && length <= ID_LENGTH_MAX &&
               strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
                       length;
}

bool txn_path_is_valid(const char *path)
{
        if (path[0] != '/' || strlen(path) >= PATH_MAX)
                return false;
        for (const char *p = path; *p;) {
                size_t length = strcspn(++p, "/");

                if ((length == 1 && p[0] == '.') || (length == 2 && starts_with(p, "..")))
                        return false;
                p += length;
        }
        return true;
}

static bool name_is_valid(const char *name)
{
        return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') && !streq(name, ".") &&
               !streq(name, "..") && !starts_with(name, TXN_TEMPORARY_PREFIX);
}

static int compare_pairs(const void *a, const void *b)
{
        const TxnFile *x = a, *y = b;

        if (x->pair != y->pair)
                return x->pair < y->pair ? -1 : 1;
        return strcmp(x->path, y->path);
}

static int compare_targets(const void *a, const void *b)
{
        const TxnFile *x = *(const TxnFile *const *)a, *y = *(const TxnFile *const *)b;
        int order = strcmp(x->directory, y->directory);

        return order != 0 ? order : strcmp(x->name, y->name);
}

/* Two paths may lead to one file: what counts is where it really lies. */
static const TxnFile *find_duplicate(const TxnRecord *record)
{
        autofree const TxnFile **sorted = xcalloc(record->n_files, sizeof(*sorted));

        for (size_t i = 0; i < record->n_files; i++)
                sorted[i] = &record->files[i];
        qsort(sorted, record->n_files, sizeof(*sorted), compare_targets);
        for (size_t i = 1; i < record->n_files; i++)
                if (compare_targets(&sorted[i - 1], &sorted[i]) == 0)
                        return sorted[i];
        return NULL;
}

static void derive_names(TxnRecord *record)
{
        for (size_t i = 0; i < record->n_files; i++) {
                TxnFile *file = &record->files[i];

                free(file->temporary);
                free(file->copy);
                file->temporary = xasprintf(TXN_TEMPORARY_PREFIX "%s-%zu", record->id, i);
                file->copy = xasprintf("%zu-%.*s", i, COPY_NAME_MAX, file->name);
        }
}

static json_t *file_to_json(const TxnFile *file)
{
        char old_hex[DIGEST_HEX_SIZE], new_hex[DIGEST_HEX_SIZE];

        digest_format(&file->old_digest, old_hex);
        digest_format(&file->new_digest, new_hex);
        return json_pack("{s:s, s:s, s:s, s:I, s:s?, s:s}", "path", file->path, "directory",
                file->directory, "name", file->name, "pair", (json_int_t)file->pair, "old",
                file->existed ? old_hex : NULL, "new", new_hex);
}

int txn_record_text(TxnRecord *record, char **ret, Error *reterr)
{
        autoptr(json_t) files = xcheck(json_array());
        autoptr(json_t) json = NULL;
        autofree char *text = NULL;
        const TxnFile *duplicate;

        qsort(record->files, record->n_files, sizeof(TxnFile), compare_pairs);
        derive_names(record);
        duplicate = find_duplicate(record);
        if (duplicate)
                return error_set(
                        reterr, -EEXIST, "'%s' is in the transaction twice", duplicate->path);
        for (size_t i = 0; i < record->n_files; i++)
                if (json_array_append_new(files, file_to_json(&record->files[i])) < 0)
                        return error_set(reterr, -EILSEQ, "the path '%s' is not UTF-8",
                                record->files[i].path);
        json = json_pack("{s:i, s:s, s:s, s:O}", "schema_version", TXN_RECORD_VERSION, "id",
                record->id, "backup", record->backup, "files", files);
        if (!json)
                return error_set(reterr, -EILSEQ, "the path '%s' is not UTF-8", record->backup);
        text = json_text(json);
        if (strlen(text) > TXN_RECORD_SIZE_MAX)
                return error_set(reterr, -E2BIG, "%zu files are too many for one transaction",
                        record->n_files);
        *ret = TAKE(text);
        return 0;
}

static int parse_file(json_t *json, TxnFile *file, Error *reterr)
{
        const char *path, *directory, *name, *new_hex;
        json_error_t error;
        json_int_t pair;
        json_t *old;

        if (json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s:s, s:s, s:I, s:o, s:s}", "path",
                    &path, "directory", &directory, "name", &name, "pair", &pair, "old", &old,
                    "new", &new_hex) < 0)
                return error_set(reterr, -EBADMSG, "%s", error.text);
        if (!txn_path_is_valid(path) || !txn_path_is_valid(directory) || !name_is_valid(name))
                return error_set(reterr, -EBADMSG, "'%s', '%s' in '%s', is no path of a target",
                        path, name, directory);
        if (pair < 0 || pair > UINT_MAX)
                return error_set(reterr, -EBADMSG, "pair number out of range");
        file->existed = !json_is_null(old);
        if ((file->existed && (!json_is_string(old) || digest_parse(json_string_value(old),
                                                               &file->old_digest) < 0)) ||
                digest_parse(new_hex, &file->new_digest) < 0)
                return error_set(reterr, -EBADMSG, "'%s' has no digest", path);
        file->path = xstrdup(path);
        file->directory = xstrdup(directory);
        file->name = xstrdup(name);
        file->pair = (unsigned)pair;
        file->directory_fd = -1;
        return 0;
}

static int parse_files(const json_t *array, TxnRecord *record, Error *reterr)
{
        size_t n = json_array_size(array);
        int r;

        if (!json_is_array(array) || n > TXN_FILES_MAX)
                return error_set(
                        reterr, -EBADMSG, "'files' is no list of at most %d files", TXN_FILES_MAX);
        record->files = xcalloc(n, sizeof(TxnFile));
        for (size_t i = 0; i < n; i++) {
                r = parse_file(json_array_get(array, i), &record->files[i], reterr);
                if (r < 0)
                        return error_prefix(reterr, r, "file %zu", i);
                record->n_files++;
                if (i > 0 && record->files[i].pair < record->files[i - 1].pair)
                        return error_set(reterr, -EBADMSG, "file %zu: out of order", i);
        }
        return 0;
}

int txn_record_parse(const void *data, size_t size, TxnRecord **ret, Error *reterr)
{
        autoptr(TxnRecord) record = xcalloc(1, sizeof(*record));
        autoptr(json_t) json = NULL;
        const char *id, *backup;
        const TxnFile *duplicate;
        json_error_t error;
        json_t *files;
        int version, r;

        if (size > TXN_RECORD_SIZE_MAX)
                return error_set(reterr, -EBADMSG, "%zu bytes are too long for a record", size);
        if (json_read(data, size, &json, reterr) < 0)
                return -EBADMSG;
        if (json_unpack_ex(json, &error, JSON_STRICT, "{s:i, s:s, s:s, s:o}", "schema_version",
                    &version, "id", &id, "backup", &backup, "files", &files) < 0)
                return error_set(reterr, -EBADMSG, "%s", error.text);
        if (version != TXN_RECORD_VERSION)
                return error_set(reterr, -EBADMSG, "schema_version %d is not known", version);
        if (!txn_id_is_valid(id) || !txn_path_is_valid(backup))
                return error_set(reterr, -EBADMSG, "bad id '%s' or backup '%s'", id, backup);
        record->id = xstrdup(id);
        record->backup = xstrdup(backup);
        r = parse_files(files, record, reterr);
        if (r < 0)
                return r;
        duplicate = find_duplicate(record);
        if (duplicate)
                return error_set(reterr, -EBADMSG, "'%s' is in it twice", duplicate->path);
        derive_names(record);
        *ret = TAKE(record);
        return 0;
}
