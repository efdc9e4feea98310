/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failure/run.h"

#include "failure/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UNFINISHED "75" /* kube-renewd(8) "EXIT STATUS" */

/* systemd.exec(5) "Process Exit Codes": what systemd itself could not do for the program. */
#define SYSTEMD_EXIT_FIRST 200
#define SYSTEMD_EXIT_LAST  255

#define MARK           "reported"
#define MARK_IS_RECENT 300 /* OnFailure= acts within seconds of the end of a run */

/* A word that may stand in JSON, a journal field and a terminal as it is. */
static void copy_word(char word[WORD_SIZE], const char *text)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789.:@_-";

        snprintf(word, WORD_SIZE, "%s", text ? text : "");
        for (char *p = word; *p; p++)
                if (!strchr(plain, *p))
                        *p = '?';
}

static bool is(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

/* A unit that is refused another start by its limit keeps the result of its last run, and whether
 * OnFailure= comes before each restart, too, depends on the version of systemd. But a unit that
 * waits for its restart is not in this state, and one that somebody has stopped has not begun to
 * restart since its process ended. */
static bool is_refused_another_try(const char *unit)
{
        char command[3 * WORD_SIZE], line[2 * WORD_SIZE];
        long long began = 0, ended = 0;
        bool is_failed = false;
        FILE *answer;

        snprintf(command, sizeof(command),
                "systemctl show -p SubState,InactiveExitTimestampMonotonic,"
                "ExecMainExitTimestampMonotonic -- '%s' 2>/dev/null",
                unit);
        answer = popen(command, "r");
        if (!answer)
                return false;
        while (fgets(line, sizeof(line), answer)) {
                is_failed |= is(line, "SubState=failed\n");
                (void)!sscanf(line, "InactiveExitTimestampMonotonic=%lld", &began);
                (void)!sscanf(line, "ExecMainExitTimestampMonotonic=%lld", &ended);
        }
        return pclose(answer) == 0 && is_failed && ended > 0 && began > ended;
}

/* The one status that is tried again; "" where systemd says nothing. */
static bool is_unfinished(const Run *run)
{
        return is(run->result, "") || (is(run->result, "exit-code") && is(run->status, UNFINISHED));
}

Run run_from_environment(const char *unit)
{
        Run run = {};

        copy_word(run.unit, unit);
        copy_word(run.result, getenv("MONITOR_SERVICE_RESULT"));
        copy_word(run.code, getenv("MONITOR_EXIT_CODE"));
        copy_word(run.status, getenv("MONITOR_EXIT_STATUS"));
        copy_word(run.invocation, getenv("MONITOR_INVOCATION_ID"));
        run.gave_up = is(run.result, "start-limit-hit") ||
                      (is_unfinished(&run) && is_refused_another_try(run.unit));
        return run;
}

/* systemd does not say which run it was, so that only the age of the mark speaks for it. */
static bool is_recent(const char *state_directory)
{
        time_t now = time(NULL);
        char path[PATH_MAX];
        struct stat st;

        file_path(path, state_directory, MARK);
        return stat(path, &st) == 0 && st.st_mtime <= now && now - st.st_mtime <= MARK_IS_RECENT;
}

bool run_has_reported(const Run *run, const char *state_directory)
{
        char mark[WORD_SIZE];

        /* No run will begin, which only we can say; or none began, and the mark is of the one
         * before. */
        if (run->gave_up || is(run->result, "success"))
                return false;
        if (is(run->result, ""))
                return is_recent(state_directory);
        if (file_read(state_directory, MARK, mark, sizeof(mark)) < 0)
                return false;
        mark[strcspn(mark, "\n")] = 0;
        return !is(run->invocation, "") && is(mark, run->invocation);
}

/* Results that say all there is to say. */
static const char *result_text(const char *result)
{
        static const struct {
                const char *result, *text;
        } table[] = {
                {"", "failed; this systemd does not say how, its journal does"},
                {"success", "was not started: a unit that it needs failed or came too late"},
                {"timeout", "took too long and was ended before it could report"},
                {"oom-kill", "was killed for lack of memory before it could report"},
        };

        for (size_t i = 0; i < COUNT(table); i++)
                if (is(result, table[i].result))
                        return table[i].text;
        return NULL;
}

/* Exit statuses of a program that has not begun. */
static const char *start_text(int status)
{
        static const struct {
                int status;
                const char *text;
        } table[] = {
                {127, ": a library is missing, or there is no memory for it"},
                {203, "/EXEC: the program is missing or cannot be executed"},
                {205, "/LIMITS: its resource limits"},
                {219, "/CGROUP: its control group"},
                {226, "/NAMESPACE: the sandbox"},
                {228, "/SECCOMP: its system call filter"},
                {238, "/STATE_DIRECTORY: its state directory"},
        };

        for (size_t i = 0; i < COUNT(table); i++)
                if (status == table[i].status)
                        return table[i].text;
        return status >= SYSTEMD_EXIT_FIRST && status <= SYSTEMD_EXIT_LAST ? ", see systemd.exec(5)"
                                                                           : NULL;
}

void run_reason(const Run *run, char reason[REASON_SIZE])
{
        static const char gave_up[] = "is still unfinished after its last try, and is not tried "
                                      "again before its timer starts it";
        const char *text = run->gave_up ? gave_up : result_text(run->result);
        const char *start = is(run->code, "exited") ? start_text(atoi(run->status)) : NULL;

        if (text)
                snprintf(reason, REASON_SIZE, "%s %s", run->unit, text);
        else if (is(run->code, ""))
                snprintf(reason, REASON_SIZE, "%s could not be started (%s)", run->unit,
                        run->result);
        else if (start)
                snprintf(reason, REASON_SIZE, "%s could not be started (exit status %s%s)",
                        run->unit, run->status, start);
        else if (is(run->code, "exited"))
                snprintf(reason, REASON_SIZE,
                        "%s ended with status %s and could not write its report", run->unit,
                        run->status);
        else
                snprintf(reason, REASON_SIZE, "%s was killed by signal %s before it could report",
                        run->unit, run->status);
}

void run_repair(const Run *run, char repair[REPAIR_SIZE])
{
        if (run->gave_up)
                snprintf(repair, REPAIR_SIZE,
                        "Read 'kube-renewd alarms' and 'journalctl -u %s', remove the cause, then "
                        "run 'systemctl start %s'.",
                        run->unit, run->unit);
        else
                snprintf(repair, REPAIR_SIZE,
                        "Read 'journalctl -u %s', remove the cause, then start kube-renewd.service "
                        "or run 'kube-renewd run'.",
                        run->unit);
}

int run_permit_start(const Run *run)
{
        char command[2 * WORD_SIZE];

        snprintf(command, sizeof(command), "systemctl reset-failed -- '%s'", run->unit);
        return system(command) == 0 ? 0 : -EIO;
}
