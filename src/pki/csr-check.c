/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/csr-native.h"

#include "base/time-util.h"
#include "pki/san.h"

#define ATTRIBUTES_MAX 64

/* The strings that are text as they stand: UTF8String, PrintableString, T61String, IA5String. One
 * value may come in any of them. */
static const unsigned char plain_strings[] = {0x0c, 0x13, 0x14, 0x16};

typedef struct Attribute {
        Der type, value;
        bool is_plain;
} Attribute;

typedef struct Subject {
        Attribute attributes[ATTRIBUTES_MAX];
        size_t n;
} Subject;

static bool add_attribute(Subject *subject, Der content)
{
        DerElement type, value;
        bool is_plain;

        if (subject->n == ATTRIBUTES_MAX || !der_next(&content, &type) ||
                !der_next(&content, &value))
                return false;
        is_plain = memchr(plain_strings, value.tag, sizeof(plain_strings)) != NULL;
        subject->attributes[subject->n++] =
                (Attribute){type.whole, is_plain ? value.content : value.whole, is_plain};
        return true;
}

/* Name of RFC 5280 4.1.2.4: sets of attributes. */
static bool read_subject(Der name, Subject *ret)
{
        DerElement sequence, set, attribute;

        ret->n = 0;
        if (!der_next(&name, &sequence))
                return false;
        while (der_next(&sequence.content, &set))
                while (der_next(&set.content, &attribute))
                        if (!add_attribute(ret, attribute.content))
                                return false;
        return true;
}

static size_t count_attribute(const Subject *subject, const Attribute *attribute)
{
        size_t n = 0;

        for (size_t i = 0; i < subject->n; i++) {
                const Attribute *other = &subject->attributes[i];

                n += other->is_plain == attribute->is_plain &&
                     der_equal(other->type, attribute->type) &&
                     der_equal(other->value, attribute->value);
        }
        return n;
}

/* Each attribute as often here as there: one may be given twice. */
static bool attributes_equal(const Subject *a, const Subject *b)
{
        for (size_t i = 0; i < a->n; i++)
                if (count_attribute(a, &a->attributes[i]) != count_attribute(b, &a->attributes[i]))
                        return false;
        return a->n == b->n;
}

static bool subject_equal(const Cert *a, const Cert *b)
{
        Subject subject_a, subject_b;

        return read_subject(cert_field(a, CERT_FIELD_SUBJECT), &subject_a) &&
               read_subject(cert_field(b, CERT_FIELD_SUBJECT), &subject_b) &&
               attributes_equal(&subject_a, &subject_b);
}

/* The first name that stands in `these` and not in `those`; NULL if there is none. */
static char *find_other_san(const SanSet *these, const SanSet *those)
{
        for (size_t i = 0; i < these->n; i++)
                if (!san_set_contains(those, &these->names[i]))
                        return san_text(&these->names[i]);
        return NULL;
}

static int compare_sans(const Cert *wanted, const Cert *cert, Error *reterr)
{
        autofree char *lacking = NULL, *besides = NULL;
        const SanSet *asked = wanted->san_set, *given = cert->san_set;

        lacking = find_other_san(asked, given);
        if (lacking)
                return error_set(reterr, -EKEYREJECTED, "it lacks the SAN '%s'", lacking);
        besides = find_other_san(given, asked);
        if (besides)
                return error_set(reterr, -EKEYREJECTED,
                        "it has the SAN '%s', which was not asked for", besides);
        return 0;
}

static const char *find_other(char *const *these, char *const *those)
{
        for (; these && *these; these++)
                if (!strv_contains(those, *these))
                        return *these;
        return NULL;
}

static int compare_usages(const Cert *wanted, const Cert *cert, Error *reterr)
{
        const char *other = find_other(wanted->usages, cert->usages);

        if (other)
                return error_set(reterr, -EKEYREJECTED, "it is not for '%s'", other);
        other = find_other(cert->usages, wanted->usages);
        if (other)
                return error_set(
                        reterr, -EKEYREJECTED, "it is for '%s', which was not asked for", other);
        return 0;
}

int csr_compare(const Cert *wanted, const Cert *cert, Error *reterr)
{
        int r;

        if (!cert_same_key(wanted, cert))
                return error_set(reterr, -EKEYREJECTED, "it is for another key");
        if (!subject_equal(wanted, cert))
                return error_set(reterr, -EKEYREJECTED, "its subject is '%s', asked for was '%s'",
                        cert->subject, wanted->subject);
        r = compare_sans(wanted, cert, reterr);
        return r < 0 ? r : compare_usages(wanted, cert, reterr);
}

/* What a leaf must never be given, and what it cannot do without. */
static int check_powers(const Csr *csr, const Cert *cert, Error *reterr)
{
        unsigned usage = cert_key_usage(cert);

        if (cert->is_ca)
                return error_set(reterr, -EKEYREJECTED, "it is a CA");
        if (usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN))
                return error_set(reterr, -EKEYREJECTED,
                        "its key usage allows it to sign certificates or revocation lists");
        if (usage != 0 && !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE) &&
                (cert_key_usage(csr->wanted) & GNUTLS_KEY_DIGITAL_SIGNATURE))
                return error_set(
                        reterr, -EKEYREJECTED, "its key usage does not allow digital signatures");
        return 0;
}

static int check_dates(const Cert *cert, int64_t now, Error *reterr)
{
        char time[TIME_TEXT_SIZE];

        if (now < cert->not_before)
                return error_set(reterr, -EKEYREJECTED, "it is not valid before %s",
                        time_format(cert->not_before, time));
        if (now > cert->not_after)
                return error_set(reterr, -EKEYEXPIRED, "it has expired at %s",
                        time_format(cert->not_after, time));
        return 0;
}

int csr_check_answer(const Csr *csr, const CertList *answer, const CertList *chain_to, int64_t now,
        Error *reterr)
{
        const Cert *cert;
        int r;

        if (answer->n == 0)
                return error_set(reterr, -EKEYREJECTED, "there is no certificate in it");
        cert = answer->certs[0];
        r = csr_compare(csr->wanted, cert, reterr);
        if (r >= 0)
                r = check_powers(csr, cert, reterr);
        if (r >= 0)
                r = check_dates(cert, now, reterr);
        if (r < 0 || !chain_to)
                return r;
        return cert_verify(cert, answer, chain_to, now, csr->wanted->usage, reterr);
}
