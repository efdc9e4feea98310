/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The record of a transaction: what a later start must know to finish or undo it.
 *
 *     r = txn_record_parse(data, size, &record, reterr);
 *     r = txn_record_text(record, &text, reterr);
 *
 * Private to base/txn. A record is written once, complete, before the first file is staged; its
 * phase is the name of its file, so its content never changes. It names no temporary file: those
 * names follow from the id, so that a damaged or hostile record cannot make us unlink anything that
 * is not ours. */

#include "base/digest.h"
#include "base/error.h"
#include "base/secret.h"

#include <sys/types.h>

#define TXN_RECORD_SIZE_MAX  ((size_t)8 << 20)
#define TXN_FILES_MAX        32768
#define TXN_TEMPORARY_PREFIX ".kube-renewd-"
#define TXN_RECORD_VERSION   1

typedef struct TxnFile {
        /* In the record. */
        char *path;      /* as the caller said, for reports */
        char *directory; /* where it really lies: below the root, links resolved */
        char *name;      /* in that directory */
        unsigned pair;
        bool existed; /* false: old_digest means nothing */
        Digest old_digest, new_digest;

        /* They follow from the id and the place in the list. */
        char *temporary; /* in the same directory */
        char *copy;      /* of the old content, in the backup */

        /* In memory only. */
        Secret *content; /* what to write; NULL in a record that was read */
        mode_t mode;     /* of a file that did not exist */
        dev_t device;    /* of one that did: which file it was */
        ino_t inode;
        bool owned; /* a file that did not exist gets an owner: */
        uid_t uid;
        gid_t gid;
        int directory_fd; /* borrowed from the record's list; -1 if the directory is gone */
        int swap_error; /* negative errno if it cannot be swapped, so that its pair stays behind */
} TxnFile;

typedef struct TxnDirectory {
        const char *path;
        int fd;
} TxnDirectory;

typedef struct TxnRecord {
        char *id;
        char *backup;
        TxnFile *files; /* ascending by pair, so that members of one are neighbours */
        size_t n_files;
        TxnDirectory *directories; /* in memory only: each real directory once */
        size_t n_directories;
} TxnRecord;

void txn_record_free(TxnRecord *record);
DEFINE_AUTOPTR(TxnRecord, txn_record_free)

/* -EBADMSG with a reason for everything that txn_record_text() would not have written. */
int txn_record_parse(const void *data, size_t size, TxnRecord **ret, Error *reterr) MUST_USE;

/* Orders the files by pair, and names what follows from the id. -EEXIST if a file is in it twice,
 * -EILSEQ for a path that is not UTF-8, -E2BIG beyond TXN_RECORD_SIZE_MAX. */
int txn_record_text(TxnRecord *record, char **ret, Error *reterr) MUST_USE;

/* [A-Za-z0-9-]{1,64} */
bool txn_id_is_valid(const char *id);

/* Absolute, no "." and no ".." in it, not longer than PATH_MAX. */
bool txn_path_is_valid(const char *path);
