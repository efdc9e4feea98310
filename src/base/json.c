/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/time-util.h"

#include <malloc.h>

static void wipe_and_free(void *block)
{
        if (block)
                explicit_bzero(block, malloc_usable_size(block));
        free(block);
}

void json_wipe(void)
{
        json_set_alloc_funcs(malloc, wipe_and_free);
}

json_t *json_escaped(const char *text)
{
        autofree char *escaped = escape_text(text);

        return xcheck(escaped ? json_string(escaped) : json_null());
}

json_t *json_strv(char *const *strv)
{
        json_t *array = xcheck(json_array());

        for (; strv && *strv; strv++)
                json_array_append_new(array, json_escaped(*strv));
        return array;
}

int json_get_strv(const json_t *array, char ***ret)
{
        autostrv strv = NULL;

        if (!json_is_array(array))
                return -EINVAL;
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *s = json_string_value(json_array_get(array, i));

                if (!s)
                        return -EINVAL;
                strv_add(&strv, s);
        }
        *ret = TAKE(strv);
        return 0;
}

json_t *json_time(int64_t t)
{
        char text[TIME_TEXT_SIZE];

        return xcheck(t == 0 ? json_null() : json_string(time_format(t, text)));
}

int json_get_time(const json_t *value, int64_t *ret)
{
        if (json_is_string(value))
                return time_parse(json_string_value(value), ret);
        if (!json_is_null(value))
                return -EINVAL;
        *ret = 0;
        return 0;
}

char *json_text(const json_t *json)
{
        autofree char *text =
                xcheck(json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_ENCODE_ANY));
        char *line = xasprintf("%s\n", text);

        explicit_bzero(text, strlen(text));
        return line;
}

int json_read(const void *data, size_t size, json_t **ret, Error *reterr)
{
        json_error_t error;
        json_t *json;

        if (size > JSON_FILE_SIZE_MAX)
                return error_set(reterr, -EFBIG, "JSON of %zu bytes is too long", size);
        json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
        if (!json)
                return error_set(reterr, -EBADMSG, "no JSON: line %d, column %d: %s", error.line,
                        error.column, error.text);
        *ret = json;
        return 0;
}

int json_read_file(int root_fd, const char *path, json_t **ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(root_fd, path, JSON_FILE_SIZE_MAX, &file, reterr);
        if (r < 0)
                return r;
        r = json_read(file->data, file->size, ret, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot read '%s'", path);
        return 0;
}

int json_write_file(int root_fd, const char *path, const json_t *json, unsigned mode, Error *reterr)
{
        autofree char *text = json_text(json);

        return fs_write_file(root_fd, path, text, strlen(text), mode, reterr);
}

int json_write_private(int root_fd, const char *path, const json_t *json, Error *reterr)
{
        autofree char *directory = xstrndup(path, (size_t)(fs_basename(path) - path));
        int r;

        r = fs_make_directories(root_fd, directory, 0700, reterr);
        return r < 0 ? r : json_write_file(root_fd, path, json, 0600, reterr);
}

int json_list(int root_fd, const char *directory, char ***ret_names, Error *reterr)
{
        static const char suffix[] = ".json";
        const size_t length = strlen(suffix);
        autostrv files = NULL;
        char **names = NULL;
        int r;

        r = fs_list(root_fd, directory, &files, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        for (char **file = files; file && *file; file++) {
                size_t n = strlen(*file);

                if (**file != '.' && n > length && streq(*file + n - length, suffix))
                        strv_take(&names, xstrndup(*file, n - length));
        }
        *ret_names = names;
        return 0;
}
