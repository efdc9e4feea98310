/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/txn-record.h"

#include <assert.h>

/* A record that is accepted is one that could have been written: writing and reading it again gives
 * the same, and every path and name in it is safe to use. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(TxnRecord) record = NULL;
        autoptr(TxnRecord) again = NULL;
        autofree char *text = NULL, *text_again = NULL;
        Error error = {};

        if (txn_record_parse(data, size, &record, &error) < 0) {
                assert(!record && error.text[0]);
                return 0;
        }
        assert(txn_id_is_valid(record->id) && txn_path_is_valid(record->backup));
        for (size_t i = 0; i < record->n_files; i++) {
                const TxnFile *file = &record->files[i];

                assert(txn_path_is_valid(file->path) && txn_path_is_valid(file->directory));
                assert(!strchr(file->name, '/') && !strchr(file->temporary, '/'));
                assert(!strchr(file->copy, '/') && !streq(file->name, ".."));
        }
        assert(txn_record_text(record, &text, NULL) >= 0);
        assert(txn_record_parse(text, strlen(text), &again, NULL) >= 0);
        assert(txn_record_text(again, &text_again, NULL) >= 0);
        assert(streq(text, text_again));
        return 0;
}
