/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd-timedated(8) knows of the clock of this host, for who may not ask the kernel.
 *
 *     r = timedate_is_synchronised(bus, reterr); */

#include "host/bus.h"

/* 1 if somebody keeps the clock right, 0 if nobody does (NTPSynchronized, which is the kernel's own
 * word), or if that is not known in a container. Errors as sd_bus_get_property(3): many a host has
 * no timedated. */
int timedate_is_synchronised(Bus *bus, Error *reterr) MUST_USE;
