/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs-internal.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

static bool has_capability(unsigned capability)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};

        return syscall(SYS_capget, &header, sets) == 0 &&
               (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability));
}

/* A file of somebody else can be replaced by us, but not given back to him; and once it is his, its
 * mode is not ours to set. */
static bool may_keep_access(const struct statx *stx)
{
        bool is_own = stx->stx_uid == geteuid();
        bool is_ours = stx->stx_gid == getegid() || group_member(stx->stx_gid);

        return (is_own || has_capability(CAP_FOWNER)) &&
               ((is_own && is_ours) || has_capability(CAP_CHOWN));
}

/* chattr +i and +a forbid the swap, whoever we are. */
static int test_attributes(const struct statx *stx, const char *what, Error *reterr)
{
        static const struct {
                uint64_t attribute;
                const char *name;
                char letter;
        } table[] = {
                {STATX_ATTR_IMMUTABLE, "immutable", 'i'},
                {STATX_ATTR_APPEND, "append-only", 'a'},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (stx->stx_attributes & table[i].attribute)
                        return error_set(reterr, -EPERM, "'%s' is %s, 'chattr -%c' would allow it",
                                what, table[i].name, table[i].letter);
        return 0;
}

static int test_directory(int directory_fd, const char *directory, Error *reterr)
{
        struct statx stx;
        int r;

        if (statx(directory_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0)
                return error_errno(reterr, -errno, "cannot stat '%s'", directory);
        r = test_attributes(&stx, directory, reterr);
        if (r < 0 || faccessat(directory_fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
                return r;
        if (errno == EROFS)
                return error_set(reterr, -EROFS, "'%s' is read-only here", directory);
        return error_errno(reterr, -errno, "directory '%s' cannot be written", directory);
}

static int test_target(
        int directory_fd, const char *name, const char *path, const char *directory, Error *reterr)
{
        struct statx stx;

        if (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) < 0)
                return errno == ENOENT ? 0 : error_errno(reterr, -errno, "cannot stat '%s'", path);
        if (S_ISDIR(stx.stx_mode))
                return error_set(reterr, -EISDIR, "'%s' is a directory", path);
        if (!S_ISREG(stx.stx_mode))
                return error_set(reterr, -EINVAL, "'%s' is not a regular file", path);
        if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return error_set(reterr, -EPERM,
                        "'%s' is mounted by itself and cannot be replaced, mount its directory "
                        "('ReadWritePaths=%s' instead of the file)",
                        path, directory);
        if (!may_keep_access(&stx))
                return error_set(reterr, -EPERM,
                        "'%s' belongs to user %u and group %u, 'CapabilityBoundingSet=CAP_CHOWN "
                        "CAP_FOWNER CAP_DAC_OVERRIDE' in the unit would allow its replacement",
                        path, stx.stx_uid, stx.stx_gid);
        return test_attributes(&stx, path, reterr);
}

int fs_test_writable(int root_fd, const char *path, Error *reterr)
{
        autofree char *name = NULL, *directory = NULL;
        int r;

        autofd int directory_fd = fs_open_parent(root_fd, path, &name, reterr);
        if (directory_fd < 0)
                return directory_fd;
        /* The sandbox counts in real directories, not in links to them. */
        r = fs_path_of(root_fd, directory_fd, &directory, reterr);
        if (r < 0)
                return r;
        r = test_directory(directory_fd, directory, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot replace '%s'", path);
        return test_target(directory_fd, name, path, directory, reterr);
}
