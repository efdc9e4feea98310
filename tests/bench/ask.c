/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks a URL over and over, each time on a connection of its own, until it is told to stop.
 *
 *     ask URL MILLISECONDS
 *
 * A line for each request: when it was made (milliseconds of the monotonic clock) and the HTTP
 * status of the answer, 0 for none within a second. The server's certificate is not verified. */

#include "base/log.h"
#include "kube/http.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t is_over;

static void stop(int signal)
{
        is_over = 1;
}

static int64_t milliseconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long ask(const char *url)
{
        const HttpRequest request = {.url = url, .insecure = true, .timeout = 1};
        autoptr(HttpAnswer) answer = NULL;

        return http_call(&request, &answer, NULL) < 0 ? 0 : answer->status;
}

int main(int argc, char **argv)
{
        int64_t next, interval;

        if (argc != 3 || (interval = atoi(argv[2])) <= 0) {
                fprintf(stderr, "usage: ask URL MILLISECONDS\n");
                return 2;
        }
        signal(SIGTERM, stop);
        for (next = milliseconds(); !is_over; next += interval) {
                int64_t begin = milliseconds(), left;

                printf("%lld %ld\n", (long long)begin, ask(argv[1]));
                left = next + interval - milliseconds();
                if (left > 0)
                        usleep((useconds_t)left * 1000);
                else
                        next = milliseconds() - interval; /* it hung; what was missed is missed */
        }
        return 0;
}
