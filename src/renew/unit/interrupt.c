/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/interrupt.h"

#include <signal.h>

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

/* Begins on a line of its own where one is being rewritten (base/log.h). */
static void announce(int number)
{
        static const char text[] = "\nkube-renewd: interrupted before any file was replaced\n";
        size_t skipped = isatty(STDERR_FILENO) ? 0 : 1;

        (void)!write(STDERR_FILENO, text + skipped, sizeof(text) - 1 - skipped);
        raise(number);
}

void interrupt_announce(void)
{
        const struct sigaction action = {.sa_handler = announce, .sa_flags = (int)SA_RESETHAND};

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                struct sigaction old;

                if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
                        sigaction(signals[i], &action, NULL);
        }
}

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
