/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation-phase.h"

#include "pki/ca.h"

/* What each phase looks like on disk. */
static const struct {
        bool has_old, has_new, new_signs;
} looks[N_CA_PHASES] = {
        [CA_PHASE_PREPARE] = {true, false, false},
        [CA_PHASE_TRUST_BOTH] = {true, true, false},
        [CA_PHASE_REISSUE] = {true, true, true},
        [CA_PHASE_TRUST_NEW] = {false, true, true},
};

static int refuse_look(const CaRecord *record, const InventoryCa *ca, Error *reterr)
{
        const Cert *signer = ca->ca ? ca_signer(ca->ca) : NULL;
        bool has_old = cert_list_contains(ca->bundle, record->old_ca);
        bool has_new = cert_list_contains(ca->bundle, record->new_ca);
        const char *key = !signer                              ? "of none of its certificates"
                          : cert_equal(signer, record->old_ca) ? "of the old one"
                          : cert_equal(signer, record->new_ca) ? "of the new one"
                                                               : "of another one";

        return error_set(reterr, -EBADMSG,
                "'%s' holds %s, and its key is that %s: somebody has changed them in the middle of "
                "the rotation",
                ca->entry->certificate,
                has_old && has_new ? "both CAs"
                : has_old          ? "the old CA"
                : has_new          ? "the new CA"
                                   : "neither of the two CAs",
                key);
}

int ca_phase_derive(const CaRecord *record, const InventoryCa *ca, CaPhase *ret, Error *reterr)
{
        const Cert *signer = ca->ca ? ca_signer(ca->ca) : NULL;

        if (!ca->bundle)
                return error_set(reterr, ca->error, "%s", ca->problem);
        for (CaPhase phase = CA_PHASE_PREPARE; signer && phase < N_CA_PHASES; phase++)
                if (looks[phase].has_old == cert_list_contains(ca->bundle, record->old_ca) &&
                        looks[phase].has_new == cert_list_contains(ca->bundle, record->new_ca) &&
                        cert_equal(signer, ca_phase_signer(record, phase))) {
                        *ret = phase;
                        return 0;
                }
        return refuse_look(record, ca, reterr);
}

int ca_rotation_refuse(const InventoryCa *ca, Error *reterr)
{
        const char *path = ca->entry->certificate;

        /* 1. It is here, with its key. */
        if (ca->error == -ENOENT)
                return error_set(reterr, -ENOENT,
                        "'%s' is missing: there is nothing to rotate; 'kube-renewd init' makes the "
                        "CAs of a host that has none",
                        path);
        if (ca->error < 0)
                return error_set(reterr, ca->error, "%s", ca->problem);
        if (ca_has_token(ca->entry))
                return error_set(reterr, -EOPNOTSUPP,
                        "the key of CA '%s' is in a token ('%s'), where rotate-ca makes none: "
                        "'CA KEYS IN A TOKEN' of kube-renewd-operations(7) says how such a CA is "
                        "changed",
                        ca->entry->id, ca->entry->key);
        if (ca->key_error == -ENOENT)
                return error_set(reterr, -ENOKEY,
                        "the key of CA '%s' is not on this host (%s): it is rotated where its key "
                        "is",
                        ca->entry->id, ca->key_problem);
        if (ca->key_error < 0)
                return error_set(reterr, ca->key_error, "%s", ca->key_problem);

        /* 2. It is nobody else's: what we sign in its place would be trusted less, or more. */
        if (!cert_is_self_signed(ca->bundle->certs[0]))
                return error_set(reterr, -EKEYREJECTED,
                        "the first certificate in '%s' was issued by another CA ('%s'), which is "
                        "the one to ask for a new one",
                        path, ca->bundle->certs[0]->issuer);
        if (!ca->signer->is_ca || !cert_is_self_signed(ca->signer))
                return error_set(reterr, -EKEYREJECTED,
                        "the certificate in '%s' that its key belongs to is %s", path,
                        ca->signer->is_ca ? "signed by another CA" : "no CA");
        return 0;
}

const Cert *ca_phase_signer(const CaRecord *record, CaPhase phase)
{
        return looks[phase].new_signs ? record->new_ca : record->old_ca;
}

size_t ca_phase_roots(const CaRecord *record, CaPhase phase, const Cert *ret[CA_ROOTS_MAX])
{
        const Cert *signer = ca_phase_signer(record, phase);
        size_t n = 0;

        ret[n++] = signer;
        if (looks[phase].has_old && looks[phase].has_new)
                ret[n++] = signer == record->old_ca ? record->new_ca : record->old_ca;
        return n;
}

const Cert *ca_phase_cross(const CaRecord *record, CaPhase phase)
{
        switch (phase) {
        case CA_PHASE_TRUST_BOTH:
                return record->old_by_new;
        case CA_PHASE_REISSUE:
                return record->new_by_old;
        default:
                return NULL;
        }
}
