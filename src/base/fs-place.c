/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs-internal.h"

#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#define ACL_ENTRIES_MAX 512

/* A file or directory on the way, and to whom the whole tree belongs. */
typedef struct Place {
        const char *path;
        uid_t host_uid;
        gid_t host_gid;
        struct stat st;
        FsHands hands;
        bool is_last;
} Place;

/* Whom an ACL names besides owner and group. Its mask is what the mode shows as the group's. */
static bool acl_lets_others_write(int fd)
{
        struct {
                struct posix_acl_xattr_header header;
                struct posix_acl_xattr_entry entries[ACL_ENTRIES_MAX];
        } acl;
        autofree char *magic = xasprintf("/proc/self/fd/%d", fd); /* fd is O_PATH */
        ssize_t size = getxattr(magic, "system.posix_acl_access", &acl, sizeof(acl));
        size_t n = size > (ssize_t)sizeof(acl.header)
                           ? ((size_t)size - sizeof(acl.header)) / sizeof(acl.entries[0])
                           : 0;

        for (size_t i = 0; i < n; i++)
                if ((acl.entries[i].e_tag == ACL_USER || acl.entries[i].e_tag == ACL_GROUP) &&
                        (acl.entries[i].e_perm & ACL_WRITE))
                        return true;
        return false;
}

static bool is_ours(const Place *place)
{
        return place->st.st_uid == 0 || place->st.st_uid == geteuid() ||
               place->st.st_uid == place->host_uid;
}

/* Many a user has a group of his own, which may write all that is his. */
static bool others_may_write(const Place *place, int fd)
{
        gid_t group = place->st.st_gid;
        bool group_is_ours = group == 0 || group == getegid() || group == place->host_gid;

        if (place->st.st_mode & S_IWOTH)
                return true;
        return is_ours(place) && (place->st.st_mode & S_IWGRP) &&
               (!group_is_ours || acl_lets_others_write(fd));
}

static int check_one(int root_fd, Place *place, Error *reterr)
{
        autofd int fd = fs_open(root_fd, place->path, O_PATH, 0, reterr);

        if (fd < 0)
                return fd;
        if (fstat(fd, &place->st) < 0)
                return error_errno(reterr, -errno, "cannot stat '%s'", place->path);
        if (place->hands == FS_OUR_HANDS && !is_ours(place))
                return error_set(
                        reterr, -EPERM, "'%s' belongs to user %u", place->path, place->st.st_uid);
        /* In a sticky directory others may write, but not move what is ours. */
        if (!place->is_last && (place->st.st_mode & S_ISVTX))
                return 0;
        return others_may_write(place, fd)
                       ? error_set(reterr, -EPERM, "'%s' can be written by others", place->path)
                       : 0;
}

static int check_way(int root_fd, const char *path, FsHands hands, Error *reterr)
{
        Place place = {.path = "/", .hands = hands, .is_last = !path[strspn(path, "/")]};
        struct stat root;
        int r;

        if (fstat(root_fd, &root) < 0)
                return error_errno(reterr, -errno, "cannot stat the root directory");
        place.host_uid = root.st_uid;
        place.host_gid = root.st_gid;
        r = check_one(root_fd, &place, reterr);
        for (const char *end = path + strspn(path, "/"); r >= 0 && *end;) {
                end += strcspn(end, "/");
                autofree char *prefix = xstrndup(path, (size_t)(end - path));

                end += strspn(end, "/");
                place.path = prefix;
                place.is_last = !*end;
                r = check_one(root_fd, &place, reterr);
        }
        return r;
}

/* Where it really is, if links lead there; NULL if none do. */
static char *real_place(int root_fd, const char *path)
{
        autofree char *real = NULL;
        autofd int fd = fs_open(root_fd, path, O_PATH, 0, NULL);

        if (fd < 0 || fs_path_of(root_fd, fd, &real, NULL) < 0 || streq(real, path))
                return NULL;
        return TAKE(real);
}

int fs_check_place(int root_fd, const char *path, FsHands hands, Error *reterr)
{
        autofree char *real = real_place(root_fd, path);
        Error error = {};
        int r;

        r = check_way(root_fd, path, hands, &error);
        if (r != -EPERM && real)
                r = check_way(root_fd, real, hands, &error);
        /* Anything else will be found out by whoever uses it. */
        return r == -EPERM ? error_set(reterr, r, "%s", error.text) : 0;
}

int fs_check_link(int root_fd, const FileImage *image, Error *reterr)
{
        autofree char *real = NULL;
        struct stat st;
        Error error = {};

        if (fs_check_place(root_fd, image->path, FS_OUR_HANDS, &error) >= 0)
                return 0;
        autofd int fd = fs_open(root_fd, image->path, O_PATH, 0, NULL);
        if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == image->st.st_dev &&
                st.st_ino == image->st.st_ino && fs_path_of(root_fd, fd, &real, NULL) >= 0 &&
                streq(real, image->path))
                return 0;
        return error_set(reterr, -EPERM, "%s, and '%s' is a link", error.text, image->path);
}
