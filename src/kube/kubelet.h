/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kubelet of this host: what its files say about it, and whether it is healthy.
 *
 *     r = kubelet_setting(root_fd, "--healthz-port", "healthzPort", &text, &source, reterr);
 *     r = kubelet_ask_health(root_fd, reterr);
 *
 * Only what kubeadm writes: a kubelet that was started in another way has its defaults. Source:
 * k8s.io/kubelet config/v1beta1 KubeletConfiguration. */

#include "base/error.h"

/* A flag in /var/lib/kubelet/kubeadm-flags.env, which counts more, or a key of
 * /var/lib/kubelet/config.yaml, in mappings if it has dots. *ret is NULL if neither says anything,
 * otherwise the caller's; *ret_source is the file that has it. Errors as reading files and as
 * yaml_get_text(). */
int kubelet_setting(int root_fd, const char *flag, const char *key, char **ret,
        const char **ret_source, Error *reterr) MUST_USE;

/* Asks /healthz of it, at 127.0.0.1:10248 if its files do not say otherwise. -EOPNOTSUPP if it does
 * not listen for that; otherwise as health_ask(), and as kubelet_setting(). */
int kubelet_ask_health(int root_fd, Error *reterr) MUST_USE;
