/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GnuTLS as the files of this room use it: clean-up words for its handles, the end of its error
 * codes, and its clock. Never included outside src/pki.
 *
 *     pki_init();
 *     autodatum text = {};
 *     g = gnutls_x509_crt_get_dn3(crt, &text, 0);
 *     if (g < 0)
 *             return pki_error(reterr, -EBADMSG, g, "cannot read the subject");
 *
 * GnuTLS codes are kept in variables called g, errno values in r: they overlap. */

#include "base/error.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>

#define OID_SUBJECT_KEY_ID    "2.5.29.14"
#define OID_KEY_USAGE         "2.5.29.15"
#define OID_SUBJECT_ALT_NAME  "2.5.29.17"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_NAME_CONSTRAINTS  "2.5.29.30"
#define OID_AUTHORITY_KEY_ID  "2.5.29.35"
#define OID_EXT_KEY_USAGE     "2.5.29.37"

/* Once per process, before anything that could load the PKCS#11 modules of the host; thread-safe.
 */
void pki_init(void);

/* Writes "what: GnuTLS's words" and returns r. Out of memory ends the process. */
int pki_error(Error *reterr, int r, int g, const char *what);

/* From now on this thread's GnuTLS verifies as of that time; 0: as of the wall clock. */
void pki_set_verify_time(int64_t at);

/* Data that GnuTLS allocated; wiped because it may be a key. */
static inline void datum_done(gnutls_datum_t *datum)
{
        if (!datum->data)
                return;
        explicit_bzero(datum->data, datum->size);
        gnutls_free(datum->data);
}

#define DEFINE_HANDLE_DONE(name, type, deinit)                                                     \
        static inline void name(type *handle)                                                      \
        {                                                                                          \
                if (*handle)                                                                       \
                        deinit(*handle);                                                           \
        }

DEFINE_HANDLE_DONE(crt_done, gnutls_x509_crt_t, gnutls_x509_crt_deinit)
DEFINE_HANDLE_DONE(pubkey_done, gnutls_pubkey_t, gnutls_pubkey_deinit)
DEFINE_HANDLE_DONE(crq_done, gnutls_x509_crq_t, gnutls_x509_crq_deinit)

#define autodatum  __attribute__((cleanup(datum_done))) gnutls_datum_t
#define autocrt    __attribute__((cleanup(crt_done))) gnutls_x509_crt_t
#define autocrq    __attribute__((cleanup(crq_done))) gnutls_x509_crq_t
#define autopubkey __attribute__((cleanup(pubkey_done))) gnutls_pubkey_t
