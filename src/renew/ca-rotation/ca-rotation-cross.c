/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/time-util.h"
#include "pki/ca-rotate.h"
#include "renew/ca-rotation/ca-rotation-prepare.h"

/* So much of its life is left to go through the next phase on every host. */
#define RENEWED_BEFORE (OLD_BY_NEW_VALIDITY / 2)

bool ca_cross_is_due(const CaRecord *record, int64_t now)
{
        const Cert *cross = record->old_by_new;

        return cross && cross->not_after < now + RENEWED_BEFORE &&
               cross->not_after < record->old_ca->not_after &&
               cross->not_after < record->new_ca->not_after;
}

static int read_key(int root_fd, const char *path, Key **ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(root_fd, path, FS_SIZE_MAX, &file, reterr);
        if (r >= 0)
                r = key_parse(file->data, file->size, ret, reterr);
        return r < 0 ? error_prefix(reterr, r, "the key of the new CA") : 0;
}

int ca_cross_again(int root_fd, const char *path, CaRecord *record, int64_t now, Error *reterr)
{
        const CertList list = {.certs = &record->new_ca, .n = 1};
        autoptr(Ca) new_ca = NULL;
        autoptr(Cert) cross = NULL;
        autoptr(Key) key = NULL;
        int r;

        r = read_key(root_fd, path, &key, reterr);
        if (r >= 0)
                r = ca_new(&list, key, &new_ca, reterr);
        if (r < 0)
                return r;
        (void)TAKE(key);
        r = ca_cross_sign(
                new_ca, record->old_ca, now - BACKDATE, now + OLD_BY_NEW_VALIDITY, &cross, reterr);
        if (r < 0)
                return r;
        cert_free(record->old_by_new);
        record->old_by_new = TAKE(cross);
        return 0;
}
