/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all parts of a transaction know of it: where its record is, and what did not go well. */
#include "base/txn-internal.h"

char *txn_state_path(const Txn *txn, const char *name)
{
        return xasprintf("%s/%s", txn->state_directory, name);
}

void txn_outcome_done(TxnOutcome *outcome)
{
        for (size_t i = 0; i < outcome->n_conflicts; i++) {
                free(outcome->conflicts[i].path);
                free(outcome->conflicts[i].text);
                free(outcome->conflicts[i].displaced);
        }
        free(outcome->conflicts);
        free(outcome->id);
        *outcome = (TxnOutcome){};
}

void txn_note_fault(Txn *txn, const TxnFile *file, int error, const Error *reason)
{
        txn->faults = xreallocarray(txn->faults, txn->n_faults + 1, sizeof(TxnFault));
        txn->faults[txn->n_faults++] = (TxnFault){
                .path = xstrdup(file->path), .error = error, .text = xstrdup(reason->text)};
}

int txn_record_read(const Txn *txn, const char *name, TxnRecord **ret, Error *reterr)
{
        autofree char *path = txn_state_path(txn, name);
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(txn->root_fd, path, TXN_RECORD_SIZE_MAX, &file, reterr);
        if (r == -EFBIG || r == -EISDIR || r == -EINVAL)
                return -EBADMSG;
        return r < 0 ? r : txn_record_parse(file->data, file->size, ret, reterr);
}
