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

#include "base/time-util.h"
#include "renew/inventory/inventory.h"
#include "renew/state/ca-rotation-record.h"

/* As long as it lasts, whoever has the old key has one that the new CA vouches for, and nothing
 * that we do takes it back: no longer than it takes to change a CA without haste. */
#define OLD_BY_NEW_VALIDITY (30 * DAY)

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

/* Half of that time is over, and more of it can be had: who has a leaf of the old CA is accepted by
 * those who know only the new one until it ends. */
bool ca_cross_is_due(const CaRecord *record, int64_t now);

/* Signs the old CA again, for as long, with the key of the new one in this file. -ENOKEY if that is
 * another one; as reading files, key_parse() and ca_cross_sign(). */
int ca_cross_again(
        int root_fd, const char *path, CaRecord *record, int64_t now, Error *reterr) MUST_USE;
