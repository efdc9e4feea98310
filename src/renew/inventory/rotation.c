/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/rotation.h"

#include "base/json.h"

#include <fcntl.h>
#include <limits.h>
#include <time.h>

#define CURRENT "-current.pem"

static bool ends_with(const char *s, const char *suffix)
{
        size_t length = strlen(s), n = strlen(suffix);

        return length > n && streq(s + length - n, suffix);
}

bool rotation_is_stored(const Item *item)
{
        return item_is_leaf(item) && item->entry->watch && !item->embedded && item->path &&
               item->key_path && streq(item->path, item->key_path) &&
               ends_with(item->path, CURRENT);
}

bool rotation_is_kept(const Item *item)
{
        return item->kind == ITEM_KUBECONFIG && rotation_is_stored(item);
}

const Item *rotation_find(const Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_items; i++)
                if (rotation_is_kept(&inventory->items[i]))
                        return &inventory->items[i];
        return NULL;
}

/* All names of one rotation; but for `path` and `target` they are names in the directory fd. */
typedef struct Place {
        int fd;
        char *path;       /* of the link */
        const char *link; /* "kubelet-client-current.pem", the end of it */
        char *file;       /* "kubelet-client-2027-11-11-23-26-00.pem" */
        char *target;     /* its path, as the kubelet writes it into the link */
        char *staged;     /* its name while fs_write_file() writes it */
        char *new_link;   /* the link's name before it takes the place of the old one */
        char *replaced;   /* what was in the link's place and no link */
} Place;

static void place_done(Place *place)
{
        if (place->fd >= 0)
                close(place->fd);
        free(place->path);
        free(place->file);
        free(place->target);
        free(place->staged);
        free(place->new_link);
        free(place->replaced);
}

/* The directory of the link itself, not of what it leads to. */
static int place_open(int root_fd, const char *link, const char *file, Place *ret, Error *reterr)
{
        const char *name = fs_basename(link);
        autofree char *directory = xstrndup(link, (size_t)(name - link));
        size_t stem = strlen(file) - strlen(".pem");

        *ret = (Place){
                .path = xstrdup(link),
                .file = xstrdup(file),
                .target = xasprintf("%s%s", directory, file),
                .staged = xasprintf(".%s.new", file),
                .new_link = xasprintf(".%s.new", name),
                .replaced = xasprintf("%.*s-replaced.pem", (int)stem, file),
        };
        ret->link = fs_basename(ret->path);
        ret->fd = fs_open(root_fd, directory, O_RDONLY | O_DIRECTORY, 0, reterr);
        return ret->fd < 0 ? ret->fd : 0;
}

static char *record_path(const char *state_directory)
{
        return xasprintf("%s/kubelet-rotation.json", state_directory);
}

static int record_write(const Rotation *rotation, const char *file, Error *reterr)
{
        autofree char *path = record_path(rotation->state_directory);
        autoptr(json_t) json = xcheck(json_pack("{s:i, s:o, s:o}", "schema_version", 1, "link",
                json_escaped(rotation->link), "file", json_escaped(file)));

        return json_write_file(rotation->root_fd, path, json, 0600, reterr);
}

static int record_remove(int root_fd, const char *state_directory, Error *reterr)
{
        autofree char *path = record_path(state_directory);

        return fs_remove_file(root_fd, path, reterr);
}

/* As file_name() makes it, at whatever time: never the link, nor a file of another name. */
static bool is_file_of(const char *link, const char *file)
{
        static const char form[] = "-dddd-dd-dd-dd-dd-dd.pem";
        const char *name = fs_basename(link);
        size_t stem = strlen(name) - strlen(CURRENT);

        if (strlen(file) != stem + strlen(form) || strncmp(file, name, stem) != 0)
                return false;
        for (size_t i = 0; form[i]; i++) {
                char c = file[stem + i];

                if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
                        return false;
        }
        return true;
}

/* Only names that rotation_swap() gives are ever removed. */
static int record_read(
        int root_fd, const char *state_directory, char **ret_link, char **ret_file, Error *reterr)
{
        autofree char *path = record_path(state_directory);
        autoptr(json_t) json = NULL;
        const char *link, *file;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        link = json_string_value(json_object_get(json, "link"));
        file = json_string_value(json_object_get(json, "file"));
        if (!link || !file || *link != '/' || !ends_with(link, CURRENT) || !is_file_of(link, file))
                return error_set(reterr, -EBADMSG, "'%s' is no record of a rotation", path);
        *ret_link = xstrdup(link);
        *ret_file = xstrdup(file);
        return 0;
}

static bool leads_to(const Place *place, const char *target)
{
        char text[PATH_MAX];
        ssize_t n = readlinkat(place->fd, place->link, text, sizeof(text));

        return n >= 0 && (size_t)n == strlen(target) && memcmp(text, target, (size_t)n) == 0;
}

static int remove_name(const Place *place, const char *name, Error *reterr)
{
        if (unlinkat(place->fd, name, 0) < 0 && errno != ENOENT)
                return error_errno(
                        reterr, -errno, "cannot remove '%s' beside '%s'", name, place->path);
        return 0;
}

static int sync_directory(const Place *place, Error *reterr)
{
        if (fsync(place->fd) < 0)
                return error_errno(
                        reterr, -errno, "cannot sync the directory of '%s'", place->path);
        return 0;
}

static bool is_same_file(const Place *place, const char *a, const char *b)
{
        struct stat x, y;

        return fstatat(place->fd, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
               fstatat(place->fd, b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_dev == y.st_dev &&
               x.st_ino == y.st_ino;
}

/* As it was before, whatever had been done. */
static int undo(const Place *place, Error *reterr)
{
        int r;

        r = remove_name(place, place->new_link, reterr);
        if (r >= 0)
                r = remove_name(place, place->staged, reterr);
        if (r >= 0)
                r = remove_name(place, place->file, reterr);
        if (r >= 0 && is_same_file(place, place->replaced, place->link))
                r = remove_name(place, place->replaced, reterr);
        return r < 0 ? r : sync_directory(place, reterr);
}

/* A second name for what is no link, so that nothing is lost with its first one. */
static int keep_replaced(const Place *place, Error *reterr)
{
        struct stat st;

        if (fstatat(place->fd, place->link, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT
                               ? 0
                               : error_errno(reterr, -errno, "cannot look at '%s'", place->path);
        if (S_ISLNK(st.st_mode))
                return 0;
        if (!S_ISREG(st.st_mode))
                return error_set(reterr, -EINVAL, "'%s' is neither a link nor a file", place->path);
        if (linkat(place->fd, place->link, place->fd, place->replaced, 0) < 0)
                return error_errno(
                        reterr, -errno, "cannot keep '%s' as '%s'", place->path, place->replaced);
        return 0;
}

static int put(const Rotation *rotation, const Place *place, Error *reterr)
{
        int r;

        /* 1. The old file, where it would go with its name, and the new one, whose last step is to
         * sync the directory: both are on the disk before the name leads elsewhere. */
        r = keep_replaced(place, reterr);
        if (r >= 0)
                r = fs_write_file(rotation->root_fd, place->target, rotation->content->data,
                        rotation->content->size, 0600, reterr);
        if (r < 0)
                return r;

        /* 2. A link to it, in one step. */
        if (symlinkat(place->target, place->fd, place->new_link) < 0)
                return error_errno(reterr, -errno, "cannot create '%s' beside '%s'",
                        place->new_link, place->path);
        if (renameat(place->fd, place->new_link, place->fd, place->link) < 0)
                return error_errno(reterr, -errno, "cannot replace '%s'", place->path);
        return sync_directory(place, reterr);
}

/* "kubelet-client-2027-11-11-23-26-00.pem" for "…/kubelet-client-current.pem" */
static char *file_name(const char *link, int64_t now)
{
        const char *name = fs_basename(link);
        size_t stem = strlen(name) - strlen(CURRENT);
        time_t t = (time_t)now;
        char date[32];
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", &tm);
        return xasprintf("%.*s-%s.pem", (int)stem, name, date);
}

static int swap(const Rotation *rotation, const Place *place, Error *reterr)
{
        int r;

        if (faccessat(place->fd, place->file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return error_set(reterr, -EEXIST, "'%s' is there already", place->target);
        r = record_write(rotation, place->file, reterr);
        if (r < 0)
                return r;
        r = put(rotation, place, reterr);
        /* What cannot be undone now is undone or finished by whoever finds the record. */
        if (r < 0 && (leads_to(place, place->target) || undo(place, NULL) < 0))
                return r;
        if (r < 0) {
                (void)!record_remove(rotation->root_fd, rotation->state_directory, NULL);
                return r;
        }
        return record_remove(rotation->root_fd, rotation->state_directory, reterr);
}

int rotation_swap(const Rotation *rotation, Error *reterr)
{
        autofree char *file = file_name(rotation->link, rotation->now);
        Place place;
        int r;

        r = place_open(rotation->root_fd, rotation->link, file, &place, reterr);
        if (r >= 0)
                r = swap(rotation, &place, reterr);
        place_done(&place);
        return r;
}

static int recover(int root_fd, const char *link, const char *file, char **ret_note, Error *reterr)
{
        Place place;
        int r;

        r = place_open(root_fd, link, file, &place, reterr);
        if (r < 0) {
                place_done(&place);
                return r == -ENOENT ? 0 : r; /* the directory has gone, and everything in it */
        }
        if (leads_to(&place, place.target)) {
                /* Who was killed may not have come to see it onto the disk. */
                r = sync_directory(&place, reterr);
                *ret_note = xasprintf("'%s' leads to '%s'", link, file);
        } else {
                r = undo(&place, reterr);
                *ret_note = xasprintf("'%s' is as it was, '%s' is removed", link, file);
        }
        place_done(&place);
        return r;
}

int rotation_recover(int root_fd, const char *state_directory, char **ret_note, Error *reterr)
{
        autofree char *link = NULL, *file = NULL, *note = NULL;
        int r;

        *ret_note = NULL;
        r = record_read(root_fd, state_directory, &link, &file, reterr);
        if (!link || !file)
                return r == -ENOENT ? 0 : r;
        r = recover(root_fd, link, file, &note, reterr);
        if (r >= 0)
                r = record_remove(root_fd, state_directory, reterr);
        if (r >= 0)
                *ret_note = TAKE(note);
        return r;
}
