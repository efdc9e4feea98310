/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Turns issued certificates into the files that they live in: PEM files, pairs, scalars of
 * kubeconfigs.
 *
 *     issuance_compose(issuance, config);       fills issuance->changes
 *
 * Intermediates of a leaf file stay, a kubeconfig changes in the scalars that were due and nowhere
 * else, several users of one kubeconfig are one change. Every file is read back in memory before it
 * counts: what would not be read as the new certificate with its key makes its results FAILED.
 * Writes nothing. */

#include "renew/issue.h"

void issuance_compose(Issuance *issuance, const Config *config);
