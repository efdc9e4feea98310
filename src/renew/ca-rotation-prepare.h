/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes the successor of a CA, in memory: key, certificate, and each of the two signed by the
 * other. The old one by the new one for thirty days only, and with `no_cross` not at all: as long
 * as that lasts, whoever has the old key can sign what the new CA vouches for.
 *
 *     r = ca_prepare(ca, &request, now, &record, &key_pem, reterr);
 *
 * The successor is made here, or given by the operator; then it must be what we would have made: a
 * CA that signs itself, may sign now, and has the key that is given with it, which is not the old
 * one. */

#include "renew/ca-rotation-record.h"
#include "renew/inventory.h"

typedef struct PrepareRequest {
        const char *certificate, *key; /* the operator's files, as he sees them; NULL: make one */
        KeyKind key_kind;              /* KEY_KIND_NONE: as the old one's */
        int64_t validity;              /* seconds; 0: ten years */
        bool no_cross;                 /* neither signs the other */
} PrepareRequest;

/* Anything at all was asked for. */
bool prepare_is_asked(const PrepareRequest *request);

/* 0 if this is what was asked for; -EINVAL if the one that was prepared is another one; as reading
 * files. */
int ca_prepare_agrees(
        const CaRecord *record, const PrepareRequest *request, Error *reterr) MUST_USE;

/* -EKEYREJECTED or -EKEYEXPIRED for a CA that is refused, -ENOKEY if the key is not its own, -EPERM
 * if there can be no cross certificates, without no_cross; as reading files. */
int ca_prepare(const InventoryCa *ca, const PrepareRequest *request, int64_t now, CaRecord **ret,
        Secret **ret_key, Error *reterr) MUST_USE;
