/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes the PKI and the kubeconfigs of a layout where there are none: `init`.
 *
 *     r = init_control_plane(root_fd, config, &options, now, &paths, reterr);
 *
 * One transaction: all files or none. Refuses if any of them exists; never overwrites. Identities
 * come from the layout, with the specifiers of [host]; entries whose identity is not known (the
 * kubelet's own) are not made, nor CAs that a host may lack (Optional=yes). */

#include "renew/config/config.h"

typedef struct InitOptions {
        const char *node_name, *advertise_address, *service_address,
                *dns_domain;       /* NULL: from [host] */
        int64_t validity;          /* of leaves; 0: Validity= */
        int64_t ca_validity;       /* 0: ten years */
        const char *key_algorithm; /* key_kind_name(); NULL: KeyAlgorithm=, else RSA-2048 */
        const char *pass_id;
} InitOptions;

/* ret_paths: what was made, in order. -EEXIST names the file that is there, -EINVAL an option that
 * is wrong, -ENOKEY a specifier without value, -EBUSY lock held. */
int init_control_plane(int root_fd, const Config *config, const InitOptions *options, int64_t now,
        char ***ret_paths, Error *reterr) MUST_USE;
