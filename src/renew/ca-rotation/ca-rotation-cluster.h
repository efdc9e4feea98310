/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of a checklist that only the cluster can answer: who, outside of this host's files,
 * trusts the CA that is to go and not the one that stays.
 *
 *     cluster_check(&input, checklist);
 *
 * Asked through the API server of this host, with an administrator's kubeconfig of this host, and
 * only between trust-both and trust-new: before, nobody can know the new CA. Reads, and changes
 * nothing; never reads a Secret. What does not answer is UNKNOWN.
 *
 * Sources: kube-root-ca.crt, extension-apiserver-authentication: k8s.io/kubernetes
 * pkg/controller/certificates/rootcacertpublisher, pkg/controlplane/controller/
 * clusterauthenticationtrust; cluster-info: kubeadm bootstraptoken/clusterinfo; caBundle:
 * admissionregistration.k8s.io/v1, apiextensions.k8s.io/v1, apiregistration.k8s.io/v1. */

#include "renew/ca-rotation/ca-rotation-checklist.h"

void cluster_check(const ChecklistInput *input, Checklist *checklist);
