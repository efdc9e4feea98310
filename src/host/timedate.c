/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/timedate.h"

#include "host/bus-internal.h"

int timedate_is_synchronised(Bus *bus, Error *reterr)
{
        return bus_read_flag(bus, "org.freedesktop.timedate1", "/org/freedesktop/timedate1",
                "org.freedesktop.timedate1", "NTPSynchronized", reterr);
}
