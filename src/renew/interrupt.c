/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/interrupt.h"

#include <signal.h>

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

void interrupt_hold(void)
{
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&set, signals[i]);
        sigprocmask(SIG_BLOCK, &set, NULL);
}

bool interrupt_is_pending(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigpending(&set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (sigismember(&set, signals[i]))
                        return true;
        return false;
}
