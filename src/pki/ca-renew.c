/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-native.h"

#include "base/time-util.h"
#include "pki/der.h"

#define EXTENSIONS_MAX 64

/* What a successor may carry on as it stands, because it speaks of the holder or of the CA's
 * services and not of keys or dates. The two key identifiers are made anew. */
static const char *const understood[] = {
        OID_SUBJECT_KEY_ID,
        OID_KEY_USAGE,
        OID_SUBJECT_ALT_NAME,
        OID_BASIC_CONSTRAINTS,
        OID_AUTHORITY_KEY_ID,
        OID_EXT_KEY_USAGE,
        "2.5.29.31",              /* CRL distribution points */
        "2.5.29.32",              /* certificate policies */
        "1.3.6.1.5.5.7.1.1",      /* authority information access */
        "2.16.840.1.113730.1.1",  /* Netscape certificate type */
        "2.16.840.1.113730.1.13", /* Netscape comment */
        NULL,
};

/* Name constraints (RFC 5280 4.2.1.10) are for CAs only. */
static bool is_understood(const Cert *old, const char *oid)
{
        return strv_contains((char *const *)understood, oid) ||
               (old->is_ca && streq(oid, OID_NAME_CONSTRAINTS));
}

static int check_extensions(const Cert *old, Error *reterr)
{
        for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
                unsigned critical;
                char oid[128];
                size_t size = sizeof(oid);
                int g = gnutls_x509_crt_get_extension_info(
                        cert_native(old), i, oid, &size, &critical);

                if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && i > 0)
                        return 0;
                if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                        return error_set(reterr, -EOPNOTSUPP,
                                "it has no extensions (as version 1 has none), so nothing says "
                                "what it is for");
                if (g < 0)
                        return pki_error(reterr, -EOPNOTSUPP, g, "cannot read its extensions");
                if (!is_understood(old, oid))
                        return error_set(reterr, -EOPNOTSUPP,
                                "its extension %s is not understood here, and would be lost or "
                                "wrong",
                                oid);
        }
        return error_set(reterr, -EOPNOTSUPP, "it has more than %d extensions", EXTENSIONS_MAX);
}

/* Unique identifiers (RFC 5280 4.1.2.8) tell holders of one name apart; nobody uses them. */
static bool has_unique_identifiers(const Cert *cert)
{
        Der rest = {cert->der, cert->der_size};
        DerElement whole, signed_part, field;

        if (!der_next(&rest, &whole) || !der_next(&whole.content, &signed_part))
                return false;
        while (der_next(&signed_part.content, &field))
                if (field.tag == 0x81 || field.tag == 0x82)
                        return true;
        return false;
}

int ca_check_understood(const Cert *old, Error *reterr)
{
        int r;

        if (has_unique_identifiers(old))
                return error_set(
                        reterr, -EOPNOTSUPP, "it has unique identifiers, which nobody can renew");
        r = check_extensions(old, reterr);
        cert_close(old);
        return r;
}

/* More time at its end; or at its beginning, where a clock that was ahead has dated the old one; or
 * another issuer; or all there is. */
static bool gains_time(const Ca *ca, const Cert *old, const LeafTerms *terms)
{
        return terms->is_repair || terms->not_after > old->not_after ||
               !cert_is_issued_by(old, ca->signer) ||
               terms->not_before + BACKDATE < old->not_before;
}

static int check_gain(const Ca *ca, const Cert *old, const LeafTerms *terms, Error *reterr)
{
        char fresh_end[TIME_TEXT_SIZE], ca_end[TIME_TEXT_SIZE];
        bool ca_ends = terms->not_after >= ca->signer->not_after;

        if (gains_time(ca, old, terms))
                return 0;
        time_format(terms->not_after, fresh_end);
        if (!ca_ends)
                return error_set(reterr, -EKEYEXPIRED,
                        "a new certificate would end at %s, not later than the old one", fresh_end);
        return error_set(reterr, -EKEYEXPIRED,
                "a new certificate would end at %s, not later than the old one: CA '%s' ends at %s",
                fresh_end, ca->signer->subject, time_format(ca->signer->not_after, ca_end));
}

static int draft_successor(
        gnutls_x509_crt_t draft, const Ca *ca, const LeafTerms *terms, Error *reterr)
{
        int r;

        r = draft_set_serial_and_dates(draft, terms->not_before, terms->not_after, reterr);
        if (r >= 0 && draft_has_extension(draft, OID_SUBJECT_KEY_ID))
                r = draft_set_subject_key_id(draft, reterr);
        if (r >= 0)
                r = draft_set_authority_key_id(draft, cert_native(ca->signer), reterr);
        if (r >= 0)
                r = draft_add_sans(draft, terms->extra_sans, reterr);
        return r;
}

static int check_successor(const Ca *ca, const Cert *old, const Cert *fresh, const Key *key,
        const LeafTerms *terms, Error *reterr)
{
        int r;

        r = ca_check_signed(ca, fresh, key, terms, old->usage, reterr);
        if (r < 0)
                return r;
        r = draft_check_sans(fresh, terms->extra_sans, reterr);
        return r < 0 ? r : cert_compare_identity(old, fresh, reterr);
}

int ca_check_renewal(const Ca *ca, const Cert *old, const LeafTerms *terms, Error *reterr)
{
        int r;

        if (old->is_ca)
                return error_set(reterr, -EOPNOTSUPP, "'%s' is a CA, not a leaf", old->subject);
        r = ca_check_understood(old, reterr);
        if (r >= 0)
                r = ca_check_terms(ca, terms, reterr);
        return r < 0 ? r : check_gain(ca, old, terms, reterr);
}

int ca_renew(const Ca *ca, const Cert *old, const Key *key, const LeafTerms *terms, Cert **ret,
        Error *reterr)
{
        autoptr(Cert) fresh = NULL;
        autocrt draft = NULL;
        int r;

        /* 1. Refuse what nobody here understands, and what would not be worth it. */
        r = ca_check_renewal(ca, old, terms, reterr);
        if (r < 0)
                return r;

        /* 2. The old certificate with a new serial number, key and dates, and what is added. */
        r = draft_open(old, key, terms->not_before, terms->not_after, &draft, reterr);
        if (r >= 0)
                r = draft_successor(draft, ca, terms, reterr);
        if (r < 0)
                return r;

        /* 3. Sign, and prove of the DER that it says what the old one said. */
        r = draft_sign(draft, cert_native(ca->signer), ca->key, &fresh, reterr);
        if (r >= 0)
                r = check_successor(ca, old, fresh, key, terms, reterr);
        cert_close(old);
        if (r < 0)
                return r;
        cert_close(fresh);
        *ret = TAKE(fresh);
        return 0;
}
