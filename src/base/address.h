/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses of hosts as people and programs write them: one has many forms.
 *
 *     if (address_compare("2001:db8::1", "2001:DB8:0::1") == 0) ... it is the same
 *     if (address_is_loopback("127.0.0.1")) ... whoever asks there asks himself
 *
 * No name is ever looked up. Pure. */

#include "base/macro.h"

/* An order, in which all forms of an address are equal, that of IPv4 in IPv6 (::ffff:192.0.2.1),
 * too. Names come after addresses, and are equal whatever their case. */
int address_compare(const char *a, const char *b);

/* 127.0.0.0/8, ::1 and "localhost": of every host another one. */
bool address_is_loopback(const char *address);
