/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hosts and ports as flags and probes of a manifest have them; for this room only.
 *
 *     host = address_host("[::]", 4);    "127.0.0.1"
 *     port = address_port("6443");
 *
 * Looks up no name. */

#include "base/macro.h"

/* A host to connect to: brackets are taken off, and what means all addresses ("", "0.0.0.0", "::")
 * is 127.0.0.1 (Go listens on both families then). NULL if it can be neither a name nor an address,
 * as with a variable in it. The caller frees. */
char *address_host(const char *text, size_t length);

/* 0 if it is no port. */
uint16_t address_port(const char *text);
