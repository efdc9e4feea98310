/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-native.h"

static int draft_old(gnutls_x509_crt_t draft, const LeafTerms *terms, Error *reterr)
{
        int r;

        r = draft_set_serial_and_dates(draft, terms->not_before, terms->not_after, reterr);
        if (r >= 0 && draft_has_extension(draft, OID_SUBJECT_KEY_ID))
                r = draft_set_subject_key_id(draft, reterr);
        if (r >= 0 && draft_has_extension(draft, OID_AUTHORITY_KEY_ID))
                r = draft_set_authority_key_id(draft, draft, reterr);
        if (r >= 0)
                r = draft_add_sans(draft, terms->extra_sans, reterr);
        return r;
}

int draft_self_sign(const Key *key, const Cert *old, const LeafIdentity *identity,
        const LeafTerms *terms, Cert **ret, Error *reterr)
{
        autocrt draft = NULL;
        int r;

        if (old) {
                r = draft_open(old, key, terms->not_before, terms->not_after, &draft, reterr);
                if (r >= 0)
                        r = draft_old(draft, terms, reterr);
        } else {
                r = draft_new(&draft, reterr);
                if (r >= 0)
                        r = draft_leaf(draft, NULL, identity, key, terms, reterr);
        }
        return r < 0 ? r : draft_sign(draft, draft, key, ret, reterr);
}

static int check_signed(
        const Cert *old, const Cert *fresh, const Key *key, const LeafTerms *terms, Error *reterr)
{
        int r;

        if (!key_matches(key, fresh) || !cert_is_self_signed(fresh))
                return error_set(reterr, -EKEYREJECTED, "the new certificate is not for its key");
        if (fresh->not_before != terms->not_before || fresh->not_after != terms->not_after)
                return error_set(reterr, -EKEYREJECTED, "the new certificate has other dates");
        r = draft_check_sans(fresh, terms->extra_sans, reterr);
        return r < 0 || !old ? r : cert_compare_identity(old, fresh, reterr);
}

int cert_self_sign(const Key *key, const Cert *old, const LeafIdentity *identity,
        const LeafTerms *terms, Cert **ret, Error *reterr)
{
        autoptr(Cert) fresh = NULL;
        int r = 0;

        /* 1. Refuse what would lose something, or be trusted to sign others. */
        if (terms->not_before >= terms->not_after)
                return error_set(reterr, -EINVAL, "the new certificate would end before it begins");
        if (old && old->is_ca)
                return error_set(reterr, -EOPNOTSUPP, "'%s' is a CA, not a leaf", old->subject);
        if (old && !*old->subject)
                return error_set(reterr, -EOPNOTSUPP, "an issuer has a name, and this has none");
        if (old)
                r = ca_check_understood(old, reterr);

        /* 2. Sign, and prove of the DER that it says what was to be said. */
        if (r >= 0)
                r = draft_self_sign(key, old, identity, terms, &fresh, reterr);
        if (r >= 0)
                r = check_signed(old, fresh, key, terms, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(fresh);
        return 0;
}
