/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/command.h"

#include "host/bus-internal.h"
#include "host/clock.h"

#include <ctype.h>
#include <sys/wait.h>

/* Between the polite end of a command that took too long and the other one. */
#define STOP_TIMEOUT 5u /* of COMMAND_SLACK */
/* systemd.exec(5): the program could not be executed. */
#define EXIT_EXEC 203
#define USEC      UINT64_C(1000000)

static char *command_unit(const char *name)
{
        char *unit = xasprintf("kube-renewd-%s.service", name);

        for (char *c = unit; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
                        *c = '_';
        return unit;
}

/* Words as they are: by default "$NAME" in them would be replaced. */
static int append_exec(BusMessage *call, char *const *argv)
{
        int r = sd_bus_message_open_container(call, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append(call, "s", "ExecStartEx");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "a(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", argv[0]);
        if (r >= 0)
                r = sd_bus_message_append_strv(call, (char **)argv);
        if (r >= 0)
                r = sd_bus_message_append(call, "as", 1, "no-env-expand");
        for (unsigned i = 0; i < 4 && r >= 0; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

static int append_environment(BusMessage *call, char *const *environment)
{
        int r = sd_bus_message_open_container(call, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append(call, "s", "Environment");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(call, (char **)environment);
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

/* AddRef keeps the unit until it has been asked how it ended, even if it failed at once. */
static int append_service(BusMessage *call, const Command *command, const char *unit)
{
        autofree char *description = xasprintf("kube-renewd: %s", command->name);
        int r = sd_bus_message_append(call, "ss", unit, "fail");

        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                        description, "Type", "s", "oneshot", "CollectMode", "s",
                        "inactive-or-failed", "AddRef", "b", true, "TimeoutStartUSec", "t",
                        command->timeout * USEC, "TimeoutStopUSec", "t", STOP_TIMEOUT * USEC);
        if (r >= 0)
                r = append_environment(call, command->environment);
        if (r >= 0)
                r = append_exec(call, command->argv);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = sd_bus_message_append(call, "a(sa(sv))", 0);
        return r;
}

static int start(Bus *bus, const Command *command, const char *unit, char **ret_job, Error *reterr)
{
        autoptr(BusMessage) call = NULL;
        int r;

        r = bus_follow_jobs(bus, reterr);
        if (r < 0)
                return r;
        r = bus_new_call(bus, "StartTransientUnit", &call, reterr);
        if (r < 0)
                return r;
        r = append_service(call, command, unit);
        if (r < 0)
                return error_errno(reterr, r, "systemd cannot be told this command");
        return bus_call_for_job(bus, call, ret_job, reterr);
}

/* How it ended, in words; 0 if it succeeded. */
static int judge(Bus *bus, const Command *command, const char *unit, const JobResult *job,
        char **ret_text, Error *reterr)
{
        autofree char *result = NULL;
        int64_t code, status;
        int r;

        r = bus_read_text(bus, unit, SYSTEMD_SERVICE, "Result", &result, reterr);
        if (r >= 0)
                r = bus_read_number(bus, unit, SYSTEMD_SERVICE, "ExecMainCode", 'i', &code, reterr);
        if (r >= 0)
                r = bus_read_number(
                        bus, unit, SYSTEMD_SERVICE, "ExecMainStatus", 'i', &status, reterr);
        if (r < 0)
                return r;
        if (streq(job->text, "done") && streq(result, "success"))
                return 0;
        if (streq(result, "timeout")) {
                *ret_text = xasprintf("took longer than %u seconds", command->timeout);
                return -ETIMEDOUT;
        }
        if (streq(result, "exit-code") && status == EXIT_EXEC)
                *ret_text = xstrdup("could not be executed");
        else if (streq(result, "exit-code"))
                *ret_text = xasprintf("ended with exit status %lld", (long long)status);
        else if (code == CLD_KILLED || code == CLD_DUMPED)
                *ret_text = xasprintf(
                        "was ended by signal SIG%s (%s)", sigabbrev_np((int)status) ?: "?", result);
        else
                *ret_text = xasprintf("failed (job: %s, result: %s)", job->text, result);
        return -EREMOTEIO;
}

static void unref_unit(Bus *bus, const char *unit)
{
        autoptr(BusMessage) call = NULL;

        if (bus_new_call(bus, "UnrefUnit", &call, NULL) >= 0 &&
                sd_bus_message_append(call, "s", unit) >= 0)
                (void)!bus_call(bus, call, NULL, NULL);
}

int command_run(Bus *bus, const Command *command, Error *reterr)
{
        int64_t seconds = (int64_t)command->timeout + COMMAND_SLACK;
        int64_t deadline = clock_monotonic() + seconds * 1000;
        autofree char *unit = command_unit(command->name), *job = NULL, *text = NULL;
        JobResult result;
        int r;

        if (!command->argv || !command->argv[0] || command->argv[0][0] != '/')
                return error_set(reterr, -EINVAL,
                        "command '%s' does not begin with an absolute path", command->name);
        /* 1. systemd starts it, and tells when it has ended. */
        r = start(bus, command, unit, &job, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot start '%s' as '%s'", command->argv[0], unit);
        r = bus_wait_for_job(bus, job, deadline, &result, reterr);
        /* 2. How did it end? Only then may systemd forget it. */
        if (r >= 0)
                r = judge(bus, command, unit, &result, &text, reterr);
        unref_unit(bus, unit);
        if (text)
                return error_set(
                        reterr, r, "'%s' %s; see: journalctl -u %s", command->argv[0], text, unit);
        if (r < 0)
                return error_prefix(reterr, r, "cannot tell how '%s' ended", unit);
        return 0;
}
