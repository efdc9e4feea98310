/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/park.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/json.h"

#include <fcntl.h>

#define SUFFIX ".kube-renewd"

static char *record_path(const char *state_directory, const char *manifest)
{
        autofree char *name = escape_file_name(manifest);

        return xasprintf("%s/parked/%s.json", state_directory, name);
}

/* Both names of one manifest, in the directory that really holds it. */
typedef struct Place {
        int fd;
        char *name, *parked;
} Place;

static void place_done(Place *place)
{
        if (place->fd >= 0)
                close(place->fd);
        free(place->name);
        free(place->parked);
}

static int place_open(int root_fd, const char *manifest, Place *place, Error *reterr)
{
        *place = (Place){};
        place->fd = fs_open_parent(root_fd, manifest, &place->name, reterr);
        if (place->fd < 0)
                return place->fd;
        place->parked = xasprintf(".%s" SUFFIX, place->name);
        return 0;
}

static int move(const Place *place, const char *from, const char *to, Error *reterr)
{
        if (renameat2(place->fd, from, place->fd, to, RENAME_NOREPLACE) < 0)
                return error_errno(reterr, -errno, "cannot rename '%s' to '%s'", from, to);
        return 0;
}

static int record_write(
        int root_fd, const char *state_directory, const char *manifest, Error *reterr)
{
        autofree char *path = record_path(state_directory, manifest);
        autoptr(json_t) json = xcheck(
                json_pack("{s:i, s:o}", "schema_version", 1, "manifest", json_escaped(manifest)));

        return json_write_private(root_fd, path, json, reterr);
}

static int record_remove(
        int root_fd, const char *state_directory, const char *manifest, Error *reterr)
{
        autofree char *path = record_path(state_directory, manifest);

        return fs_remove_file(root_fd, path, reterr);
}

int park_out(int root_fd, const char *state_directory, const char *manifest, Error *reterr)
{
        Place place;
        int r;

        r = place_open(root_fd, manifest, &place, reterr);
        if (r >= 0)
                r = record_write(root_fd, state_directory, manifest, reterr);
        if (r >= 0) {
                r = move(&place, place.name, place.parked, reterr);
                if (r < 0)
                        (void)!record_remove(root_fd, state_directory, manifest, NULL);
        }
        place_done(&place);
        return r < 0 ? error_prefix(reterr, r, "cannot move '%s' out", manifest) : 0;
}

static bool is_there(const Place *place, const char *name)
{
        return faccessat(place->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_same(int root_fd, const char *manifest, const Place *place)
{
        autofree char *parked = xasprintf(
                "%.*s%s", (int)(strlen(manifest) - strlen(place->name)), manifest, place->parked);
        autoptr(FileImage) theirs = NULL;
        autoptr(FileImage) ours = NULL;

        return fs_read_file(root_fd, manifest, FS_SIZE_MAX, &theirs, NULL) >= 0 &&
               fs_read_file(root_fd, parked, FS_SIZE_MAX, &ours, NULL) >= 0 &&
               digest_equal(&theirs->digest, &ours->digest);
}

/* Somebody was quicker; who wants our manifest finds it under its dot-name. */
static int give_way(int root_fd, const char *manifest, const Place *place, Error *reterr)
{
        if (!is_same(root_fd, manifest, place))
                return error_set(reterr, -EEXIST,
                        "'%s' was written by somebody else while ours was moved out; ours is '%s' "
                        "beside it",
                        manifest, place->parked);
        if (unlinkat(place->fd, place->parked, 0) < 0)
                return error_errno(reterr, -errno, "cannot remove '%s'", place->parked);
        return 0;
}

static int put_back(int root_fd, const char *manifest, Error *reterr)
{
        Place place;
        int r;

        r = place_open(root_fd, manifest, &place, reterr);
        if (r < 0) {
                place_done(&place);
                return r;
        }
        if (!is_there(&place, place.parked))
                r = is_there(&place, place.name)
                            ? 0
                            : error_set(
                                      reterr, -ENOENT, "'%s' is gone, under either name", manifest);
        else if (is_there(&place, place.name))
                r = give_way(root_fd, manifest, &place, reterr);
        else
                r = move(&place, place.parked, place.name, reterr);
        /* On disk for good before the record goes, whoever has put it there. */
        if (r >= 0 && fsync(place.fd) < 0)
                r = error_errno(reterr, -errno, "cannot sync the directory of '%s'", manifest);
        place_done(&place);
        return r;
}

int park_back(int root_fd, const char *state_directory, const char *manifest, Error *reterr)
{
        int r = put_back(root_fd, manifest, reterr), w;

        /* What cannot be moved now is tried again by whoever finds the record. */
        if (r < 0 && r != -EEXIST && r != -ENOENT)
                return r;
        w = record_remove(root_fd, state_directory, manifest, r < 0 ? NULL : reterr);
        return r < 0 ? r : w;
}

static int recover_one(
        int root_fd, const char *state_directory, const char *record, char ***notes, Error *reterr)
{
        autofree char *path = xasprintf("%s/parked/%s.json", state_directory, record);
        autoptr(json_t) json = NULL;
        const char *manifest;
        Error error = {};
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        manifest = json_string_value(json_object_get(json, "manifest"));
        if (!manifest || *manifest != '/')
                return error_set(reterr, -EBADMSG, "'%s' is no record of a manifest", path);
        r = park_back(root_fd, state_directory, manifest, &error);
        if (r == -EEXIST || r == -ENOENT)
                strv_add(notes, error.text);
        else if (r < 0)
                return error_set(reterr, r, "%s", error.text);
        else
                strv_take(notes, xasprintf("'%s' had been moved out and is back", manifest));
        return 0;
}

int park_recover(int root_fd, const char *state_directory, char ***ret_notes, Error *reterr)
{
        autofree char *directory = xasprintf("%s/parked", state_directory);
        autostrv names = NULL;
        char **notes = NULL;
        int r;

        /* What is wrong with one must not keep another one down. */
        r = json_list(root_fd, directory, &names, reterr);
        for (char **name = names; name && *name; name++) {
                int one =
                        recover_one(root_fd, state_directory, *name, &notes, r < 0 ? NULL : reterr);

                r = r < 0 ? r : one;
        }
        *ret_notes = notes;
        return r;
}
