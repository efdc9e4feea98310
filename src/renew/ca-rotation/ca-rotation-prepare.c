/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-prepare.h"

#include "base/time-util.h"
#include "pki/ca-rotate.h"
#include "renew/inventory/given.h"

#define CA_VALIDITY (10 * YEAR) /* kubeadm's */

/* It may do what the old one does, at once. Takes the key. */
static int check_given(const InventoryCa *old, const CertList *list, Key *key, int64_t now,
        Ca **ret, Error *reterr)
{
        autoptr(Ca) ca = NULL;
        int r;

        if (key_matches(key, old->signer)) {
                key_free(key);
                return error_set(reterr, -EKEYREJECTED,
                        "its key is the one that CA '%s' has already: whoever has that one could "
                        "go on signing",
                        old->entry->id);
        }
        r = ca_new(list, key, &ca, reterr);
        if (r < 0) {
                key_free(key);
                return error_set(reterr, r, "the key does not belong to it");
        }
        r = ca_check(ca, now, reterr);
        if (r < 0)
                return r;
        if (!cert_is_self_signed(ca_signer(ca)))
                return error_set(reterr, -EKEYREJECTED,
                        "it was issued by '%s': only a CA that signs itself can be the root of "
                        "this cluster",
                        ca_signer(ca)->issuer);
        *ret = TAKE(ca);
        return 0;
}

static int take_given(const InventoryCa *old, const PrepareRequest *request, int64_t now, Ca **ret,
        Secret **ret_key, Error *reterr)
{
        autoptr(FileImage) certificate = NULL;
        autoptr(FileImage) key_file = NULL;
        autoptr(CertList) list = NULL;
        autoptr(Secret) pem = NULL;
        Key *key = NULL;
        int r;

        r = given_read(request->certificate, &certificate, reterr);
        if (r >= 0)
                r = given_read(request->key, &key_file, reterr);
        if (r < 0)
                return r;
        r = cert_list_parse(certificate->data, certificate->size, &list, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", request->certificate);
        r = key_parse(key_file->data, key_file->size, &key, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", request->key);
        r = key_to_pem(key, key_format(key), &pem, reterr);
        if (r < 0) {
                key_free(key);
                return r;
        }
        r = check_given(old, list, key, now, ret, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s' cannot be the new CA", request->certificate);
        *ret_key = TAKE(pem);
        return 0;
}

static int make_new(const InventoryCa *old, const PrepareRequest *request, int64_t now, Ca **ret,
        Secret **ret_key, Error *reterr)
{
        KeyKind kind = request->key_kind != KEY_KIND_NONE ? request->key_kind
                                                          : key_kind_of_cert(old->signer);
        int64_t validity = request->validity ? request->validity : CA_VALIDITY;
        autoptr(Cert) cert = NULL;
        autoptr(Key) key = NULL;
        autoptr(Secret) pem = NULL;
        int r;

        if (kind == KEY_KIND_OTHER)
                return error_set(reterr, -ENOTSUP,
                        "the old CA has a kind of key (%s) that is never made; name another with "
                        "--key-algorithm=",
                        old->signer->key_algorithm);
        r = key_generate(kind, &key, reterr);
        if (r >= 0)
                r = key_to_pem(key, key_format_default(kind), &pem, reterr);
        if (r >= 0)
                r = ca_succeed(old->signer, key, now - BACKDATE, now + validity, &cert, reterr);
        if (r < 0)
                return r;
        const CertList bundle = {.certs = &cert, .n = 1};

        r = ca_new(&bundle, key, ret, reterr);
        if (r < 0)
                return r;
        (void)TAKE(key);
        *ret_key = TAKE(pem);
        return 0;
}

static int sign_each_other(
        const InventoryCa *old, const Ca *new_ca, int64_t now, CaRecord *record, Error *reterr)
{
        int r;

        r = ca_cross_sign(new_ca, old->signer, now - BACKDATE, now + OLD_BY_NEW_VALIDITY,
                &record->old_by_new, reterr);
        if (r < 0)
                return r;
        r = ca_cross_sign(
                old->ca, ca_signer(new_ca), now - BACKDATE, INT64_MAX, &record->new_by_old, reterr);
        if (r < 0)
                cert_free(TAKE(record->old_by_new));
        return r;
}

/* An old CA that has ended is trusted by nobody: then there is nothing to be gained. */
static int cross_sign(const InventoryCa *old, const Ca *new_ca, int64_t now,
        const PrepareRequest *request, CaRecord *record, Error *reterr)
{
        Error error = {};

        if (request->no_cross || sign_each_other(old, new_ca, now, record, &error) >= 0 ||
                old->signer->not_after <= now)
                return 0;
        return error_set(reterr, -EPERM,
                "the two CAs cannot sign each other (%s): who knows only one of them would be "
                "refused in the middle; --no-cross goes on all the same",
                error.text);
}

static int copy_cert(const Cert *cert, Cert **ret, Error *reterr)
{
        return cert_parse_der(cert->der, cert->der_size, ret, reterr);
}

int ca_prepare(const InventoryCa *ca, const PrepareRequest *request, int64_t now, CaRecord **ret,
        Secret **ret_key, Error *reterr)
{
        autoptr(CaRecord) record = xcalloc(1, sizeof(*record));
        autoptr(Ca) new_ca = NULL;
        autoptr(Secret) key = NULL;
        int r;

        /* 1. The new one. */
        record->id = xstrdup(ca->entry->id);
        record->is_supplied = request->certificate != NULL;
        r = request->certificate ? take_given(ca, request, now, &new_ca, &key, reterr)
                                 : make_new(ca, request, now, &new_ca, &key, reterr);
        if (r < 0)
                return r;

        /* 2. Both, and the ways from one to the other. */
        r = copy_cert(ca->signer, &record->old_ca, reterr);
        if (r >= 0)
                r = copy_cert(ca_signer(new_ca), &record->new_ca, reterr);
        if (r >= 0)
                r = cross_sign(ca, new_ca, now, request, record, reterr);
        if (r < 0)
                return r;
        record->times[CA_PHASE_PREPARE] = now;
        *ret = TAKE(record);
        *ret_key = TAKE(key);
        return 0;
}

bool prepare_is_asked(const PrepareRequest *request)
{
        return request->certificate || request->key_kind != KEY_KIND_NONE || request->validity ||
               request->no_cross;
}

static int has_given(const CaRecord *record, const char *path, bool *ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        autoptr(CertList) list = NULL;
        int r;

        r = given_read(path, &file, reterr);
        if (r < 0)
                return r;
        r = cert_list_parse(file->data, file->size, &list, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", path);
        *ret = cert_list_contains(list, record->new_ca);
        return 0;
}

int ca_prepare_agrees(const CaRecord *record, const PrepareRequest *request, Error *reterr)
{
        const Cert *ca = record->new_ca;
        bool has_cross = record->old_by_new || record->new_by_old;
        const char *option;
        bool is_given = true;
        int r = 0;

        if (request->certificate)
                r = has_given(record, request->certificate, &is_given, reterr);
        if (r < 0)
                return r;
        option = !is_given ? "--certificate="
                 : request->key_kind != KEY_KIND_NONE && request->key_kind != key_kind_of_cert(ca)
                         ? "--key-algorithm="
                 : request->validity && ca->not_after - record->times[CA_PHASE_PREPARE] !=
                                                request->validity
                         ? "--ca-validity="
                 : request->no_cross && has_cross ? "--no-cross"
                                                  : NULL;
        if (!option)
                return 0;
        return error_set(reterr, -EINVAL,
                "CA '%s' was prepared without this %s: 'kube-renewd rotate-ca --ca=%s "
                "--phase=abort --yes' comes first, and then --phase=prepare",
                record->id, option, record->id);
}
