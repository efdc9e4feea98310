/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An ACL that gives somebody else more than the mode says, as setxattr(2) takes it.
 *
 *     Acl acl = acl_for_somebody(ACL_READ | ACL_WRITE);
 *     setxattr(path, ACL_NAME, &acl, sizeof(acl), 0) */

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#define ACL_NAME "system.posix_acl_access"

typedef struct Acl {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
} Acl;

/* user::rw-, user:12345:PERMISSIONS, group::r--, mask::rw-, other::--- */
static inline Acl acl_for_somebody(unsigned short permissions)
{
        return (Acl){
                .header = {POSIX_ACL_XATTR_VERSION},
                .entries =
                        {
                                {ACL_USER_OBJ, ACL_READ | ACL_WRITE, ACL_UNDEFINED_ID},
                                {ACL_USER, permissions, 12345},
                                {ACL_GROUP_OBJ, ACL_READ, ACL_UNDEFINED_ID},
                                {ACL_MASK, ACL_READ | ACL_WRITE, ACL_UNDEFINED_ID},
                                {ACL_OTHER, 0, ACL_UNDEFINED_ID},
                        },
        };
}
