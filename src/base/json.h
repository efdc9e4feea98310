/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON by jansson, the way this program writes it: sorted keys, two spaces, a final newline.
 *
 *     autoptr(json_t) object = json_pack("{s:s, s:o}", "type", "expiring", "text",
 * json_escaped(t)); r = json_write_file(root_fd, "/var/lib/kube-renewd/public/status.json", object,
 * 0644, reterr);
 *
 * Reading refuses duplicate keys and anything over JSON_FILE_SIZE_MAX. */

#include "base/error.h"

#include <jansson.h>

#define JSON_FILE_SIZE_MAX ((size_t)16 << 20)

static inline void json_done(json_t *json)
{
        json_decref(json);
}

DEFINE_AUTOPTR(json_t, json_done)

/* From now on whatever is parsed or made of JSON is wiped when it is freed: before there is a
 * secret in it. */
void json_wipe(void);

/* A string value of text from outside, which need not be UTF-8 (jansson would return NULL):
 * escape_text(). null for NULL. */
json_t *json_escaped(const char *text);

/* An array of such strings; an empty one for NULL. */
json_t *json_strv(char *const *strv);

/* The reverse: -EINVAL if it is no array of strings. An empty array is NULL, an empty strv. */
int json_get_strv(const json_t *array, char ***ret) MUST_USE;

/* RFC 3339; null for 0, "there is none". */
json_t *json_time(int64_t t);

/* The reverse: null is 0, -EINVAL for what is no time. */
int json_get_time(const json_t *value, int64_t *ret) MUST_USE;

/* Text for a file, a terminal or a server; the caller frees, and wipes a secret. */
char *json_text(const json_t *json);

/* Parses size bytes; -EBADMSG with line and column in the error, -EFBIG. */
int json_read(const void *data, size_t size, json_t **ret, Error *reterr) MUST_USE;

/* Reads and parses a file below root_fd; -ENOENT if there is none. */
int json_read_file(int root_fd, const char *path, json_t **ret, Error *reterr) MUST_USE;

/* The names, without ".json", of the JSON files in a directory, sorted; a missing one is empty.
 * Files that are being written (a leading dot) are passed over. */
int json_list(int root_fd, const char *directory, char ***ret_names, Error *reterr) MUST_USE;

/* Replaces a file as one: temporary name, fsync, rename, fsync of the directory (fs_write_file). */
int json_write_file(
        int root_fd, const char *path, const json_t *json, unsigned mode, Error *reterr) MUST_USE;

/* The same for its owner alone, in a directory that is made, for its owner alone, if it is missing.
 */
int json_write_private(int root_fd, const char *path, const json_t *json, Error *reterr) MUST_USE;
