/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What host/unit.h and host/command.h offer, one call each, for tests/system/unit.sh:
 *
 *     unit-tool look UNIT                              prints "ACTIVITY SUB PID STARTED"
 *     unit-tool restart UNIT SECONDS
 *     unit-tool synchronised -                         prints what the kernel and timedated say
 *     unit-tool run NAME SECONDS [NAME=VALUE]... -- PROGRAM [ARGUMENT]...
 *     unit-tool ask NAME SECONDS [NAME=VALUE]... -- PROGRAM [ARGUMENT]...      prints "STATUS
 * OUTPUT"
 *
 * A failure is one line, "ERRNO: sentence". ROOT in the environment is another root. */

#include "base/fs.h"
#include "host/clock.h"
#include "host/command.h"
#include "host/timedate.h"
#include "host/unit.h"

static int look(Bus *bus, char **argv, Error *reterr)
{
        UnitState state;
        int r = unit_look(bus, argv[0], &state, reterr);

        if (r >= 0)
                printf("%s %s %lld %lld\n", unit_activity_name(state.activity), state.sub,
                        (long long)state.main_pid, (long long)state.started_at);
        return r;
}

static int synchronised(Bus *bus, Error *reterr)
{
        int r = timedate_is_synchronised(bus, reterr);

        if (r >= 0)
                printf("%d %d\n", clock_is_synchronised(), r);
        return r;
}

static int ask(Bus *bus, const Command *command, Error *reterr)
{
        CommandAnswer answer = {};
        int r = command_ask(bus, command, &answer, reterr);

        if (r >= 0)
                printf("%d %s\n", answer.status, answer.output);
        free(answer.output);
        return r;
}

static int run(Bus *bus, bool asks, char **argv, Error *reterr)
{
        Command command = {.name = argv[0], .timeout = (unsigned)atoi(argv[1])};
        autostrv environment = NULL;

        for (argv += 2; *argv && !streq(*argv, "--"); argv++)
                strv_add(&environment, *argv);
        command.environment = environment;
        command.argv = *argv ? argv + 1 : argv;
        return asks ? ask(bus, &command, reterr) : command_run(bus, &command, reterr);
}

int main(int argc, char **argv)
{
        autofd int root_fd = fs_open_root(getenv("ROOT") ?: "/", NULL);
        autoptr(Bus) bus = NULL;
        Error error = {};
        int r;

        if (argc < 3 || (!streq(argv[1], "look") && !streq(argv[1], "synchronised") && argc < 4))
                return 2;
        r = bus_open(root_fd, &bus, &error);
        if (r >= 0 && streq(argv[1], "look"))
                r = look(bus, argv + 2, &error);
        else if (r >= 0 && streq(argv[1], "synchronised"))
                r = synchronised(bus, &error);
        else if (r >= 0 && streq(argv[1], "restart"))
                r = unit_restart(bus, argv[2], (unsigned)atoi(argv[3]), &error);
        else if (r >= 0)
                r = run(bus, streq(argv[1], "ask"), argv + 2, &error);
        if (r < 0)
                printf("%s: %s\n", strerrorname_np(-r), error.text);
        return r < 0 ? 1 : 0;
}
