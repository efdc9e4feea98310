/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the signers of Kubernetes itself sign, known before they are asked: what they would not is
 * one clear error here, and there a request that has failed for a reason in somebody's log.
 *
 *     r = csr_signer_check("kubernetes.io/kubelet-serving", csr, reterr);
 *     usages = csr_signer_usages("kubernetes.io/kubelet-serving", csr);
 *
 * Of any other signer nothing is known: it is asked for what the request says. Source:
 * k8s.io/kubernetes pkg/apis/certificates/helpers.go, and the admission plugin
 * CertificateSubjectRestriction. */

#include "pki/csr.h"

/* -EINVAL names the rule that the request breaks. */
int csr_signer_check(const char *signer, const Csr *csr, Error *reterr) MUST_USE;

/* What spec.usages has to be; the caller frees. NULL if there is none. "key encipherment" is asked
 * for with a key of RSA only; but for a kubelet's certificate servers before 1.27 insist on it
 * whatever its key is, and later ones take it. */
char **csr_signer_usages(const char *signer, const Csr *csr);
