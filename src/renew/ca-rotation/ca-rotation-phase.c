/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-phase.h"

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

/* Who gave us a CA that was trusted here before has not been through the phase that looks like
 * that: nobody else has been told. */
static bool was_made(const CaRecord *record, CaPhase phase)
{
        return phase != CA_PHASE_TRUST_BOTH || record->times[phase] > 0;
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
                        *ret = was_made(record, phase) ? phase : CA_PHASE_PREPARE;
                        return 0;
                }
        return refuse_look(record, ca, reterr);
}

bool ca_phase_is_lost(const CaRecord *record, const InventoryCa *ca)
{
        CaPhase phase;
        const Cert *signer = ca->ca ? ca_signer(ca->ca) : NULL;

        return ca->bundle && ca_phase_derive(record, ca, &phase, NULL) < 0 &&
               !cert_list_contains(ca->bundle, record->new_ca) &&
               !(signer && cert_equal(signer, record->new_ca));
}

/* A manifest that was written anew, as by an upgrade, names the file again that holds two. */
static const CaManifestEdit *find_undone(const CaRecord *record, const Inventory *inventory)
{
        for (size_t i = 0; i < record->n_edits; i++) {
                const CaManifestEdit *edit = &record->edits[i];

                for (size_t k = 0; k < inventory->n_components; k++) {
                        const InventoryComponent *component = &inventory->components[k];
                        const char *value;

                        if (!component->manifest ||
                                !streq(component->entry->manifest, edit->manifest))
                                continue;
                        value = manifest_flag(component->manifest, edit->container, edit->flag);
                        if (value && streq(value, edit->value))
                                return edit;
                }
        }
        return NULL;
}

char *ca_phase_fault(const CaRecord *record, const Inventory *inventory, const InventoryCa *ca)
{
        const CaManifestEdit *undone = find_undone(record, inventory);
        CaPhase phase;
        Error error = {};

        if (!ca->bundle || ca_phase_derive(record, ca, &phase, &error) < 0)
                return xasprintf("%s; 'kube-renewd rotate-ca --ca=%s --phase=abort --yes' gives it "
                                 "up where nothing of the new CA is left",
                        ca->bundle ? error.text : ca->problem, record->id);
        if (!undone || !cert_list_contains(ca->bundle, record->old_ca) ||
                !cert_list_contains(ca->bundle, record->new_ca))
                return NULL;
        return xasprintf("%s in '%s' takes one certificate and names '%s' again, which holds two: "
                         "'kube-renewd rotate-ca --ca=%s --phase=%s --yes' mends that",
                undone->flag, undone->manifest, undone->value, record->id,
                record->is_aborting ? "abort" : ca_phase_name(phase));
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
