/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CA keys in tokens (Key=pkcs11:…): opened by who is about to sign, with the PIN of the service's
 * credentials.
 *
 *     r = token_open_ca(root_fd, config, ca, reterr);
 *     r = ca_renew(ca->ca, ...);
 *
 * Nobody else needs them: what only reads loads no module and looks for no PIN. */

#include "renew/inventory/inventory.h"

/* 0 for a CA whose key is open, or not in a token. Tried once for each CA: what has failed fails in
 * the same words again. The errors of ca_open(). */
int token_open_ca(int root_fd, const Config *config, const InventoryCa *ca, Error *reterr) MUST_USE;
