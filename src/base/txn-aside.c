/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-internal.h"

#include <fcntl.h>

/* Records of one kind that are kept aside. */
#define ASIDE_MAX 1000

#define BAD      "transaction.bad-"      /* says nothing to us; for people */
#define LEFTOVER "transaction.leftover-" /* its files are settled, but for what could not go */

/* Renames a record to the first name of its kind that is free. */
static int set_aside(
        const Txn *txn, const char *name, const char *kind, char **ret_name, Error *reterr)
{
        for (unsigned i = 1; i <= ASIDE_MAX; i++) {
                autofree char *aside = xasprintf("%s%u", kind, i);

                if (faccessat(txn->state_fd, aside, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        continue;
                if (renameat(txn->state_fd, name, txn->state_fd, aside) < 0 ||
                        fsync(txn->state_fd) < 0)
                        return error_errno(reterr, -errno, "cannot set aside '%s/%s'",
                                txn->state_directory, name);
                *ret_name = TAKE(aside);
                return 0;
        }
        return error_set(reterr, -EBADMSG, "cannot set aside '%s/%s', there are %d already",
                txn->state_directory, name, ASIDE_MAX);
}

int txn_set_aside_bad(const Txn *txn, const char *name, Error *reterr)
{
        autofree char *aside = NULL;
        int r = set_aside(txn, name, BAD, &aside, reterr);

        if (r < 0)
                return error_prefix(reterr, r, "unreadable record of a transaction");
        return error_prefix(reterr, -EBADMSG,
                "unreadable record of a transaction, kept as '%s/%s', nothing was touched",
                txn->state_directory, aside);
}

int txn_set_aside_leftover(const Txn *txn, const char *name, Error *reterr)
{
        autofree char *aside = NULL;

        return set_aside(txn, name, LEFTOVER, &aside, reterr);
}

/* What cannot go now goes another time. */
static void remove_leftover(const Txn *txn, const char *name)
{
        autofree char *path = txn_state_path(txn, name);
        autoptr(TxnRecord) record = NULL;

        if (txn_record_read(txn, name, &record, NULL) >= 0 &&
                txn_open_directories(txn->root_fd, record, NULL) >= 0 &&
                txn_remove_temporaries(record))
                (void)!fs_remove_file(txn->root_fd, path, NULL);
}

void txn_remove_leftovers(const Txn *txn)
{
        autostrv names = NULL;

        (void)!fs_list(txn->root_fd, txn->state_directory, &names, NULL);
        for (char **name = names; name && *name; name++)
                if (starts_with(*name, LEFTOVER))
                        remove_leftover(txn, *name);
}
