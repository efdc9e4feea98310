/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A request for a certificate that somebody else signs: key and request, on disk before anybody is
 * asked and until the certificate is in its place, through any number of passes and crashes.
 *
 *     r = pending_read(root_fd, state_directory, "kubelet-server", &pending, reterr);
 *     r = pending_write(root_fd, state_directory, pending, reterr);      before and after each
 * asking r = pending_remove(root_fd, state_directory, "kubelet-server", reterr);
 *
 * STATE/pending/NAME.json, 0600 in a directory 0700: the key is nowhere else until it is in its
 * file. Writers hold the lock of base/txn.h. */

#include "base/digest.h"
#include "base/error.h"
#include "base/secret.h"

typedef struct Pending {
        char *name;            /* of the certificate */
        char *issuer;          /* "csr", "command", "external": issuer_kind_name() */
        Secret *key_pem;       /* of the key that the request is for */
        char *request_pem;     /* PKCS#10, RFC 7468 */
        char *replaces;        /* SHA-256 of the certificate that was in place when it was made,
                                  hexadecimal;
                                  "": none was */
        int64_t created_at;    /* of key and request */
        int64_t asked_at;      /* when it was first handed to the issuer; 0: not yet */
        char *handle;          /* the issuer's: name of an object, cookie of a helper; NULL */
        int64_t not_before;    /* the issuer is not asked again before; 0: whenever a pass comes */
        unsigned refusals;     /* in a row */
        char *text;            /* what the issuer said last, one sentence; NULL */
        char *certificate_pem; /* issued and found right, and not in its place yet; NULL */
} Pending;

void pending_free(Pending *pending);
DEFINE_AUTOPTR(Pending, pending_free)

typedef struct PendingList {
        Pending **pendings; /* by name */
        size_t n;
} PendingList;

void pending_list_free(PendingList *list);
DEFINE_AUTOPTR(PendingList, pending_list_free)

/* -ENOENT if there is none, -EBADMSG if what is there is none. */
int pending_read(int root_fd, const char *state_directory, const char *name, Pending **ret,
        Error *reterr) MUST_USE;

/* Replaces what is there; on disk when it returns. */
int pending_write(
        int root_fd, const char *state_directory, const Pending *pending, Error *reterr) MUST_USE;

/* 0 as well if there is none. */
int pending_remove(
        int root_fd, const char *state_directory, const char *name, Error *reterr) MUST_USE;

/* All of them; what cannot be read is there by its name alone, without key and request. */
int pending_list(
        int root_fd, const char *state_directory, PendingList **ret, Error *reterr) MUST_USE;

/* NULL if there is none of that name. */
const Pending *pending_find(const PendingList *list, const char *name);

/* False if another certificate is in place (its fingerprint; NULL: none) than when it was made:
 * then it has come to its end, or somebody else was faster. */
bool pending_is_open(const Pending *pending, const Digest *in_place);

/* "the certificate in place", for Pending.replaces; the caller frees. */
char *pending_fingerprint(const Digest *in_place);

/* After a refusal the issuer is left alone for 1, 2, 4 … 24 hours. */
void pending_back_off(Pending *pending, int64_t now);
