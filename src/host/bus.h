/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to systemd: the system bus of the host.
 *
 *     autoptr(Bus) bus = NULL;
 *     r = bus_open(root_fd, &bus, reterr);
 *
 * What is said on it is host/unit.h and host/command.h. Below another root than "/" it is the
 * socket ROOT/run/dbus/system_bus_socket, so a tree never reaches the systemd of the host. */

#include "base/error.h"

typedef struct Bus Bus;

void bus_free(Bus *bus);
DEFINE_AUTOPTR(Bus, bus_free)

/* -ENOENT or -ECONNREFUSED if nobody is there, -ETIMEDOUT if nobody answers within seconds. */
int bus_open(int root_fd, Bus **ret, Error *reterr) MUST_USE;
