/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/command.h"

#include "host/bus-internal.h"
#include "host/clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Between the polite end of a command that took too long and the other one. */
#define STOP_TIMEOUT 5u /* of COMMAND_SLACK */
/* systemd.exec(5): the program could not be executed. */
#define EXIT_EXEC 203
#define USEC      UINT64_C(1000000)
/* More than may be printed, so that it shows; and whole pages wherever we run. */
#define SHEET_SIZE (2 * COMMAND_OUTPUT_MAX)

/* How a command has ended. */
typedef struct Ending {
        bool is_exit; /* by itself, with this status */
        int status;
        int error;  /* of command_run(): 0 for status 0, otherwise why in words: */
        char *text; /* to be freed */
} Ending;

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

/* systemd takes two outputs of one kind for one, whatever descriptor there is: so they differ. */
static int append_output(BusMessage *call, int output_fd)
{
        return output_fd < 0
                       ? 0
                       : sd_bus_message_append(call, "(sv)(sv)(sv)", "StandardOutputFileDescriptor",
                                 "h", output_fd, "StandardOutput", "s", "null", "StandardError",
                                 "s", "journal");
}

/* AddRef keeps the unit until it has been asked how it ended, even if it failed at once. */
static int append_service(BusMessage *call, const Command *command, const char *unit, int output_fd)
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
                r = append_output(call, output_fd);
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

static int start(Bus *bus, const Command *command, const char *unit, int output_fd, char **ret_job,
        Error *reterr)
{
        autoptr(BusMessage) call = NULL;
        int r;

        r = bus_follow_jobs(bus, reterr);
        if (r < 0)
                return r;
        r = bus_new_call(bus, "StartTransientUnit", &call, reterr);
        if (r < 0)
                return r;
        r = append_service(call, command, unit, output_fd);
        if (r < 0)
                return error_errno(reterr, r, "systemd cannot be told this command");
        return bus_call_for_job(bus, call, ret_job, reterr);
}

/* What did not end by itself, or could not begin. */
static char *failure_text(const char *result, const JobResult *job, int64_t code, int status)
{
        if (streq(result, "exit-code"))
                return xstrdup("could not be executed");
        if (code == CLD_KILLED || code == CLD_DUMPED)
                return xasprintf(
                        "was ended by signal SIG%s (%s)", sigabbrev_np(status) ?: "?", result);
        return xasprintf("failed (job: %s, result: %s)", job->text, result);
}

static int judge(Bus *bus, const Command *command, const char *unit, const JobResult *job,
        Ending *ret, Error *reterr)
{
        autofree char *result = NULL;
        int64_t code, number;
        int status, r;

        r = bus_read_text(bus, unit, SYSTEMD_SERVICE, "Result", &result, reterr);
        if (r >= 0)
                r = bus_read_number(bus, unit, SYSTEMD_SERVICE, "ExecMainCode", 'i', &code, reterr);
        if (r >= 0)
                r = bus_read_number(
                        bus, unit, SYSTEMD_SERVICE, "ExecMainStatus", 'i', &number, reterr);
        if (r < 0)
                return r;
        status = (int)number;
        if (streq(job->text, "done") && streq(result, "success"))
                *ret = (Ending){.is_exit = true};
        else if (streq(result, "timeout"))
                *ret = (Ending){.error = -ETIMEDOUT,
                        .text = xasprintf("took longer than %u seconds", command->timeout)};
        else if (streq(result, "exit-code") && status != EXIT_EXEC)
                *ret = (Ending){.is_exit = true,
                        .status = status,
                        .error = -EREMOTEIO,
                        .text = xasprintf("ended with exit status %d", status)};
        else
                *ret = (Ending){
                        .error = -EREMOTEIO, .text = failure_text(result, job, code, status)};
        return 0;
}

static void unref_unit(Bus *bus, const char *unit)
{
        autoptr(BusMessage) call = NULL;

        if (bus_new_call(bus, "UnrefUnit", &call, NULL) >= 0 &&
                sd_bus_message_append(call, "s", unit) >= 0)
                (void)!bus_call(bus, call, NULL, NULL);
}

static int run(Bus *bus, const Command *command, int output_fd, Ending *ret, Error *reterr)
{
        int64_t seconds = (int64_t)command->timeout + COMMAND_SLACK;
        int64_t deadline = clock_monotonic() + seconds * 1000;
        autofree char *unit = command_unit(command->name), *job = NULL;
        JobResult result;
        int r;

        /* 1. systemd starts it, and tells when it has ended. */
        r = start(bus, command, unit, output_fd, &job, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot start '%s' as '%s'", command->argv[0], unit);
        r = bus_wait_for_job(bus, job, deadline, &result, reterr);
        /* 2. How did it end? Only then may systemd forget it. */
        if (r >= 0)
                r = judge(bus, command, unit, &result, ret, reterr);
        unref_unit(bus, unit);
        return r < 0 ? error_prefix(reterr, r, "cannot tell how '%s' ended", unit) : 0;
}

static int check_argv(const Command *command, Error *reterr)
{
        return command->argv && command->argv[0] && command->argv[0][0] == '/'
                       ? 0
                       : error_set(reterr, -EINVAL,
                                 "command '%s' does not begin with an absolute path",
                                 command->name);
}

/* Takes its text. */
static int ending_error(const Command *command, Ending *ending, Error *reterr)
{
        autofree char *unit = command_unit(command->name), *text = TAKE(ending->text);

        return error_set(reterr, ending->error, "'%s' %s; see: journalctl -u %s", command->argv[0],
                text, unit);
}

int command_run(Bus *bus, const Command *command, Error *reterr)
{
        Ending ending = {};
        int r;

        r = check_argv(command, reterr);
        if (r >= 0)
                r = run(bus, command, -1, &ending, reterr);
        if (r < 0)
                return r;
        return ending.error ? ending_error(command, &ending, reterr) : 0;
}

/* A file in memory that is as large as it will ever be, and full of NULs: however much is printed,
 * no more memory goes, and where the NULs begin the text has ended. */
static int make_sheet(Error *reterr)
{
        autofd int fd = memfd_create("kube-renewd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0 || ftruncate(fd, SHEET_SIZE) < 0 ||
                fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return error_errno(reterr, -errno, "cannot make a file in memory");
        return TAKE(fd);
}

static int read_sheet(int fd, char **ret, Error *reterr)
{
        autofree char *text = xmalloc(SHEET_SIZE + 1);
        size_t length;

        text[SHEET_SIZE] = '\0';
        if (pread(fd, text, SHEET_SIZE, 0) != (ssize_t)SHEET_SIZE)
                return error_set(reterr, -EIO, "what it has printed cannot be read");
        length = strlen(text);
        if (length > COMMAND_OUTPUT_MAX)
                return error_set(reterr, -EFBIG, "it has printed more than %zu KiB",
                        COMMAND_OUTPUT_MAX >> 10);
        for (size_t i = length; i < SHEET_SIZE; i++)
                if (text[i])
                        return error_set(reterr, -EBADMSG, "it has printed what is no text");
        *ret = xstrdup(text);
        return 0;
}

int command_ask(Bus *bus, const Command *command, CommandAnswer *ret, Error *reterr)
{
        autofd int sheet_fd = -1;
        autofree char *output = NULL;
        Ending ending = {};
        int r;

        r = check_argv(command, reterr);
        if (r >= 0)
                r = sheet_fd = make_sheet(reterr);
        if (r >= 0)
                r = run(bus, command, sheet_fd, &ending, reterr);
        if (r < 0)
                return r;
        if (!ending.is_exit)
                return ending_error(command, &ending, reterr);
        free(ending.text);
        r = read_sheet(sheet_fd, &output, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", command->argv[0]);
        *ret = (CommandAnswer){.status = ending.status, .output = TAKE(output)};
        return 0;
}
