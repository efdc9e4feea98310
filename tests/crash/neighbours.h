/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The neighbours of a healthy control plane in a scratch directory: the kubelet, and the ports of
 * the static pods as kubeadm lays them out. Every request is answered with 200; who serves TLS does
 * so with the pair of files that is there at the handshake, or the last one that was good.
 *
 *     Neighbours neighbours;
 *     neighbours_start(&neighbours, root);
 *     text = neighbours_translate(&neighbours, manifest, size, &size);    ports that were free
 *     neighbours_stop(&neighbours); */

#include "base/macro.h"

#include <sys/types.h>

#define NEIGHBOURS_N 7

typedef struct Neighbours {
        pid_t pid; /* all of them are one process */
        uint16_t ports[NEIGHBOURS_N];
} Neighbours;

/* Ends the test where it cannot. */
void neighbours_start(Neighbours *neighbours, const char *root);
void neighbours_stop(Neighbours *neighbours);

/* A manifest with the ports of these neighbours, all of them on 127.0.0.1. The caller frees. */
char *neighbours_translate(
        const Neighbours *neighbours, const char *text, size_t size, size_t *ret_size);

/* Where the kubelet says that it is well. */
uint16_t neighbours_kubelet(const Neighbours *neighbours);
