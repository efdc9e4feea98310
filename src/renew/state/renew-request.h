/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Renewals that somebody has asked for by a file STATE/renew-requested/NAME, which becomes the
 * receipt: its first word is the time of the renewal then.
 *
 *     autofree char *file = renew_request_file_name("apiserver");
 *     r = renew_request_look(root_fd, state_directory, file, &in_place, &request, reterr);
 *     r = renew_request_note(root_fd, state_directory, file, &made, now, reterr);
 *     ...commit...
 *     r = renew_request_answer(root_fd, state_directory, file, now, NULL, reterr);
 *
 * Whoever is killed between commit and receipt has noted which certificate he was about to put in
 * place: once it is there, nobody renews it for that request again. Only files of ours count, where
 * nobody else could write. */

#include "base/digest.h"
#include "base/error.h"

typedef enum RenewRequestState {
        RENEW_REQUEST_NONE,     /* nobody has asked, or there is a receipt */
        RENEW_REQUEST_OPEN,     /* it is to be renewed */
        RENEW_REQUEST_ANSWERED, /* it was renewed, and the receipt is missing */
} RenewRequestState;

typedef struct RenewRequest {
        RenewRequestState state;
        int64_t renewed_at; /* of ANSWERED */
} RenewRequest;

/* "STATE/renew-requested"; the caller frees. */
char *renew_request_directory(const char *state_directory);

/* The name of the file for that certificate. The caller frees. */
char *renew_request_file_name(const char *name);

/* in_place: the certificate that is there now; NULL: none. -EPERM where somebody else could have
 * asked, -EINVAL for what is no regular file. */
int renew_request_look(int root_fd, const char *state_directory, const char *file_name,
        const Digest *in_place, RenewRequest *ret, Error *reterr) MUST_USE;

/* Before the commit: this certificate will be in place because of the request. */
int renew_request_note(int root_fd, const char *state_directory, const char *file_name,
        const Digest *made, int64_t now, Error *reterr) MUST_USE;

/* The receipt. refusal: why it was not renewed and never will be; NULL: it was. */
int renew_request_answer(int root_fd, const char *state_directory, const char *file_name, int64_t t,
        const char *refusal, Error *reterr) MUST_USE;
