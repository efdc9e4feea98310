/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-native.h"

#include "base/escape.h"
#include "pki/san.h"

#define LEAF_KEY_USAGE (GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT)
#define CA_KEY_USAGE   (LEAF_KEY_USAGE | GNUTLS_KEY_KEY_CERT_SIGN)

/* Control characters and what is no UTF-8 would be a name that nobody can write down again. */
static int set_attribute(gnutls_x509_crt_t draft, const char *oid, const char *value, Error *reterr)
{
        autofree char *escaped = escape_text(value);
        int g = GNUTLS_E_INVALID_UTF8_STRING;

        if (*value && streq(escaped, value))
                g = gnutls_x509_crt_set_dn_by_oid(draft, oid, 0, value, (unsigned)strlen(value));
        return g < 0 ? error_set(reterr, -EINVAL, "'%s' cannot stand in a subject", value) : 0;
}

/* Organizations before the common name, as Go orders them. */
static int set_subject(
        gnutls_x509_crt_t draft, const char *common_name, char *const *organizations, Error *reterr)
{
        int r = 0;

        for (; organizations && *organizations && r >= 0; organizations++)
                r = set_attribute(draft, GNUTLS_OID_X520_ORGANIZATION_NAME, *organizations, reterr);
        if (r >= 0)
                r = set_attribute(draft, GNUTLS_OID_X520_COMMON_NAME, common_name, reterr);
        return r;
}

/* Critical, in GnuTLS always; basic constraints too. */
static int set_key_usage(gnutls_x509_crt_t draft, unsigned usage, Error *reterr)
{
        int g = gnutls_x509_crt_set_key_usage(draft, usage);

        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write the key usage") : 0;
}

static int set_basic_constraints(gnutls_x509_crt_t draft, bool is_ca, Error *reterr)
{
        int g = gnutls_x509_crt_set_basic_constraints(draft, is_ca, -1);

        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write the basic constraints") : 0;
}

static int set_purposes(gnutls_x509_crt_t draft, unsigned usage, Error *reterr)
{
        int g = 0;

        if (usage & CERT_USAGE_SERVER)
                g = gnutls_x509_crt_set_key_purpose_oid(draft, GNUTLS_KP_TLS_WWW_SERVER, 0);
        if (g >= 0 && usage & CERT_USAGE_CLIENT)
                g = gnutls_x509_crt_set_key_purpose_oid(draft, GNUTLS_KP_TLS_WWW_CLIENT, 0);
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write the extended key usage") : 0;
}

int draft_new(gnutls_x509_crt_t *ret, Error *reterr)
{
        int g;

        pki_init();
        g = gnutls_x509_crt_init(ret);
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot hold a certificate") : 0;
}

/* The extensions in the order in which Go writes them. */
int draft_leaf(gnutls_x509_crt_t draft, gnutls_x509_crt_t issuer, const LeafIdentity *identity,
        const Key *key, const LeafTerms *terms, Error *reterr)
{
        int r;

        r = draft_set_basics(draft, key, terms->not_before, terms->not_after, reterr);
        if (r >= 0)
                r = set_subject(draft, identity->common_name, identity->organizations, reterr);
        if (r >= 0)
                r = set_key_usage(draft, LEAF_KEY_USAGE, reterr);
        if (r >= 0)
                r = set_purposes(draft, identity->usage, reterr);
        if (r >= 0)
                r = set_basic_constraints(draft, false, reterr);
        if (r >= 0 && issuer)
                r = draft_set_authority_key_id(draft, issuer, reterr);
        if (r >= 0)
                r = draft_add_sans(draft, identity->sans, reterr);
        if (r >= 0)
                r = draft_add_sans(draft, terms->extra_sans, reterr);
        return r;
}

int leaf_subject(const LeafIdentity *identity, char **ret, Error *reterr)
{
        autodatum name = {};
        autocrt draft = NULL;
        int r, g;

        r = draft_new(&draft, reterr);
        if (r >= 0)
                r = set_subject(draft, identity->common_name, identity->organizations, reterr);
        if (r < 0)
                return r;
        g = gnutls_x509_crt_get_dn3(draft, &name, 0);
        if (g < 0)
                return pki_error(reterr, -EINVAL, g, "cannot write the subject");
        *ret = text_of_bytes(name.data, name.size);
        return 0;
}

int ca_issue(const Ca *ca, const LeafIdentity *identity, const Key *key, const LeafTerms *terms,
        Cert **ret, Error *reterr)
{
        autoptr(Cert) fresh = NULL;
        autocrt draft = NULL;
        int r;

        r = ca_check_terms(ca, terms, reterr);
        if (r >= 0)
                r = draft_new(&draft, reterr);
        if (r >= 0)
                r = draft_leaf(draft, cert_native(ca->signer), identity, key, terms, reterr);
        if (r >= 0)
                r = draft_sign(draft, cert_native(ca->signer), ca->key, &fresh, reterr);
        if (r >= 0)
                r = ca_check_signed(ca, fresh, key, terms, identity->usage, reterr);
        if (r < 0)
                return r;
        cert_close(fresh);
        *ret = TAKE(fresh);
        return 0;
}

/* The CN as SAN, where it can be one. */
static int draft_ca(gnutls_x509_crt_t draft, const char *common_name, const Key *key,
        int64_t not_before, int64_t not_after, Error *reterr)
{
        autofree char *san = NULL, *normal = NULL;
        int r;

        r = draft_set_basics(draft, key, not_before, not_after, reterr);
        if (r >= 0)
                r = set_subject(draft, common_name, NULL, reterr);
        if (r >= 0)
                r = set_key_usage(draft, CA_KEY_USAGE, reterr);
        if (r >= 0)
                r = set_basic_constraints(draft, true, reterr);
        if (r >= 0)
                r = draft_set_subject_key_id(draft, reterr);
        if (r < 0)
                return r;
        san = xasprintf("DNS:%s", common_name);
        if (san_normalize(san, &normal, NULL) < 0)
                return 0;
        return draft_add_sans(draft, (char *const[]){normal, NULL}, reterr);
}

int ca_create(const char *common_name, const Key *key, int64_t not_before, int64_t not_after,
        Cert **ret, Error *reterr)
{
        autoptr(Cert) fresh = NULL;
        autocrt draft = NULL;
        CertList roots = {&fresh, 1};
        int r;

        if (not_before >= not_after)
                return error_set(
                        reterr, -EINVAL, "CA '%s' would end before it begins", common_name);
        r = draft_new(&draft, reterr);
        if (r >= 0)
                r = draft_ca(draft, common_name, key, not_before, not_after, reterr);
        if (r >= 0)
                r = draft_sign(draft, draft, key, &fresh, reterr);
        if (r >= 0 && (!key_matches(key, fresh) || !cert_is_issued_by(fresh, fresh)))
                r = error_set(reterr, -EKEYREJECTED, "the new CA is not for its key");
        if (r >= 0)
                r = cert_verify(fresh, NULL, &roots, not_before, 0, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(fresh);
        return 0;
}
