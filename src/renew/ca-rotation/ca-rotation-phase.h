/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a CA stands on its way to another one, seen on disk and not in what somebody believed to
 * have done; and what may come next. Pure: no file, no clock, no log.
 *
 *     r = ca_phase_derive(record, ca, &phase, reterr);
 *     r = ca_rotation_refuse(ca, reterr);                  may a rotation of it begin?
 *     roots = ca_phase_roots(record, phase, list);         whom a trusted-CA file names then
 *
 * Old and new are known by their fingerprints: they may have the same name. */

#include "renew/inventory/inventory.h"
#include "renew/state/ca-rotation-record.h"

/* Old CA alone, its key: prepare. Both, the old one's key: trust-both, or prepare if the record
 * does not say that this phase was made: the new one was trusted here before. Both, the new one's
 * key: reissue. New one alone, its key: trust-new. -EBADMSG for everything else, with what was
 * found. */
int ca_phase_derive(
        const CaRecord *record, const InventoryCa *ca, CaPhase *ret, Error *reterr) MUST_USE;

/* Somebody has given the host a third CA in the place of both, or taken the new one back: nothing
 * that a phase has made is left in the CA's own files, and its record is of no use. */
bool ca_phase_is_lost(const CaRecord *record, const InventoryCa *ca);

/* What has been done to it from outside and is in its way, with what to do; NULL: nothing. The
 * caller frees. */
char *ca_phase_fault(const CaRecord *record, const Inventory *inventory, const InventoryCa *ca);

/* 0 if this CA can be changed here: it signs itself, and stands first in its file. -ENOENT if there
 * is none (init makes one), -ENOKEY if its key is elsewhere, -EKEYREJECTED if another CA has issued
 * it or it is no CA, and as reading it. */
int ca_rotation_refuse(const InventoryCa *ca, Error *reterr) MUST_USE;

#define CA_ROOTS_MAX 2

/* The CAs of the pair that are trusted in a phase, the one that signs first; returns how many. */
size_t ca_phase_roots(const CaRecord *record, CaPhase phase, const Cert *ret[CA_ROOTS_MAX]);

/* The one that signs in a phase. */
const Cert *ca_phase_signer(const CaRecord *record, CaPhase phase);

/* The certificate that goes behind each leaf in a phase, so that who trusts only the other CA can
 * verify it; NULL: none. */
const Cert *ca_phase_cross(const CaRecord *record, CaPhase phase);
