/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Started by systemd when a service of ours has failed (OnFailure=). A run that was killed, or
 * could not even start, cannot raise an alarm; this does it in its place, and the next run that
 * comes to its end clears it as one of its own.
 *
 * It must work where the program did not: it needs libc alone, no memory but its own, no sandbox
 * and no configuration. So it says again, in a few lines, what an alarm is (host/alarm.h,
 * renew/event/alarm-types.h); tests/unit/test-failure.c holds the two together. */

#include "failure/file.h"
#include "failure/run.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATE_DIRECTORY   "/var/lib/kube-renewd"
#define RUNTIME_DIRECTORY "/run/kube-renewd" /* where the other cannot be written */
#define JOURNAL_SOCKET    "/run/systemd/journal/socket"

#define ALARM_FILE       "renewal-failed@host.json"
#define ALARM_SIZE       8192
#define METRICS_FILE     "kube-renewd.prom"
#define METRICS_SIZE_MAX ((size_t)8 << 20)
#define TIME_SIZE        32
#define TIME_FORM        "\"%Y-%m-%dT%H:%M:%SZ\"" /* RFC 3339 in UTC, and in quotes */

#define ALARM_TEXT "Kubernetes certificates renewal failed."
/* What there is to say of it. */
typedef struct Fault {
        const char *unit;
        char reason[REASON_SIZE], repair[REPAIR_SIZE];
} Fault;

/* What an alarm that is there already hands on. */
typedef struct History {
        char created[TIME_SIZE], changed[TIME_SIZE];
        long long count;
} History;

/* Journal fields are lines, and no text here has more than one (the journal's native protocol). */
static int send_to_journal(const Fault *fault)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
        char entry[4096];
        int fd, n;

        /* For `journalctl -u` of the unit that this is about. MESSAGE_ID: renew/event/events.h. */
        n = snprintf(entry, sizeof(entry),
                "MESSAGE=Alarm renewal-failed of 'host' (major): " ALARM_TEXT " Reason: %s.\n"
                "MESSAGE_ID=89c36d50e6934274b5b0a3fd46e617e8\n"
                "PRIORITY=3\n"
                "SYSLOG_IDENTIFIER=kube-renewd\n"
                "OBJECT_SYSTEMD_UNIT=%s\n"
                "ALARM_TYPE=renewal-failed\n"
                "ALARM_RESOURCE=host\n"
                "ALARM_ID=250.003\n"
                "SEVERITY=major\n"
                "REASON=%s\n"
                "REPAIR_ACTION=%s\n",
                fault->reason, fault->unit, fault->reason, fault->repair);
        if (n < 0 || (size_t)n >= sizeof(entry))
                return -EMSGSIZE;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        n = sendto(fd, entry, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
                    sizeof(address)) < 0
                    ? -errno
                    : 0;
        close(fd);
        return n;
}

/* Only what systemd connected to the journal speaks its protocol: a test wants to read it. */
static void tell(const Fault *fault)
{
        if (!getenv("JOURNAL_STREAM") || send_to_journal(fault) < 0)
                fprintf(stderr,
                        "<3>Alarm renewal-failed of 'host' (major): " ALARM_TEXT " Reason: %s.\n",
                        fault->reason);
}

static void complain(const char *directory, const char *name, int r)
{
        fprintf(stderr, "<3>Cannot write '%s/%s': %s.\n", directory, name, strerror(-r));
}

/* The line `  "KEY": VALUE` of a file as base/json.h writes it, without its comma; "" if there is
 * none, or if it does not fit. */
static void find_value(const char *json, const char *key, char *value, size_t size)
{
        char start[64];
        const char *p;
        size_t length;

        *value = 0;
        snprintf(start, sizeof(start), "\n  \"%s\": ", key);
        p = strstr(json, start);
        if (!p)
                return;
        p += strlen(start);
        length = strcspn(p, "\n");
        if (length > 0 && p[length - 1] == ',')
                length--;
        if (length < size)
                snprintf(value, size, "%.*s", (int)length, p);
}

/* The one form in which the program writes a time, of a moment that there is: what it could not
 * read is not handed on. */
static bool is_time(const char *value)
{
        char again[TIME_SIZE];
        struct tm tm = {0};
        time_t t;

        if (!strptime(value, TIME_FORM, &tm))
                return false;
        t = timegm(&tm);
        return t >= 0 && gmtime_r(&t, &tm) && strftime(again, TIME_SIZE, TIME_FORM, &tm) > 0 &&
               strcmp(again, value) == 0;
}

/* time_created stays and count grows; time_changed stays where the alarm says what it said before.
 * False if there is none that can be read. */
static bool read_history(const char *directory, History *history)
{
        char json[ALARM_SIZE], value[ALARM_SIZE];
        History old = *history;

        if (file_read(directory, ALARM_FILE, json, sizeof(json)) < 0)
                return false;
        find_value(json, "time_created", old.created, sizeof(old.created));
        find_value(json, "time_changed", old.changed, sizeof(old.changed));
        find_value(json, "count", value, sizeof(value));
        old.count = strtoll(value, NULL, 10);
        if (!is_time(old.created) || !is_time(old.changed) || old.count < 1)
                return false;
        old.count += old.count < LLONG_MAX ? 1 : 0;
        find_value(json, "text", value, sizeof(value));
        if (strcmp(value, "\"" ALARM_TEXT "\"") != 0 ||
                !strstr(json, "\n  \"severity\": \"major\""))
                memcpy(old.changed, history->changed, sizeof(old.changed));
        *history = old;
        return true;
}

static int write_alarm(const char *directory, const Fault *fault, const History *history)
{
        char json[ALARM_SIZE];
        int n, r;

        n = snprintf(json, sizeof(json),
                "{\n"
                "  \"alarm_id\": \"250.003\",\n"
                "  \"count\": %lld,\n"
                "  \"event_type\": \"operational-violation\",\n"
                "  \"pass_id\": \"\",\n"
                "  \"probable_cause\": \"unspecified-reason\",\n"
                "  \"reason\": \"%s\",\n"
                "  \"repair_action\": \"%s\",\n"
                "  \"resource\": \"host\",\n"
                "  \"schema_version\": 1,\n"
                "  \"service_affecting\": false,\n"
                "  \"severity\": \"major\",\n"
                "  \"text\": \"" ALARM_TEXT "\",\n"
                "  \"time_changed\": %s,\n"
                "  \"time_created\": %s,\n"
                "  \"type\": \"renewal-failed\"\n"
                "}\n",
                history->count, fault->reason, fault->repair, history->changed, history->created);
        if (n < 0 || (size_t)n >= sizeof(json))
                return -EMSGSIZE;
        r = file_make_directory(directory);
        if (r == 0)
                r = file_write(directory, ALARM_FILE, json, (size_t)n);
        if (r < 0)
                complain(directory, ALARM_FILE, r);
        return r;
}

/* In the state directory; where that cannot be written, where the program looks too
 * (renew/state/reported.h). */
static int raise_alarm(
        const char *public, const char *directory, const char *fallback, const Fault *fault)
{
        History history = {.count = 1};
        time_t now = time(NULL);
        struct tm tm;
        char path[PATH_MAX];

        if (!gmtime_r(&now, &tm) || strftime(history.created, TIME_SIZE, TIME_FORM, &tm) == 0)
                return -EINVAL;
        memcpy(history.changed, history.created, TIME_SIZE);

        /* What lies in the fallback is the younger one. */
        if (!read_history(fallback, &history))
                (void)!read_history(directory, &history);
        if (write_alarm(directory, fault, &history) < 0) {
                (void)!file_make_directory(fallback);
                file_close_as(public, fallback);
                return write_alarm(fallback, fault, &history);
        }
        file_path(path, fallback, ALARM_FILE);
        (void)!unlink(path);
        return 0;
}

/* One more sample of the last family of the file, as renew/report/metrics.h writes it. */
static void add_sample(const char *directory)
{
        static const char family[] = "# HELP kube_renewd_alarm 1 for each active alarm.\n"
                                     "# TYPE kube_renewd_alarm gauge\n";
        static const char start[] = "kube_renewd_alarm{type=\"renewal-failed\",resource=\"host\",";
        static const char rest[] = "severity=\"major\",alarm_id=\"250.003\",shelved=\"false\"} 1\n";
        static char text[METRICS_SIZE_MAX + 1 + sizeof(family) + sizeof(start) + sizeof(rest)];
        size_t size;
        ssize_t n;
        int end, r;

        n = file_read(directory, METRICS_FILE, text, METRICS_SIZE_MAX);
        if (n < 0 && n != -ENOENT) {
                fprintf(stderr, "<4>Cannot read '%s/%s': %s, ignoring\n", directory, METRICS_FILE,
                        strerror((int)-n));
                return;
        }
        size = n < 0 ? 0 : (size_t)n;
        text[size] = 0;
        if (strstr(text, start))
                return;
        end = snprintf(text + size, sizeof(text) - size, "%s%s%s%s",
                size > 0 && text[size - 1] != '\n' ? "\n" : "",
                strstr(text, "# TYPE kube_renewd_alarm ") ? "" : family, start, rest);
        r = file_write(directory, METRICS_FILE, text, size + (size_t)end);
        if (r < 0)
                complain(directory, METRICS_FILE, r);
}

/* What systemd sets, too, for a unit with StateDirectory= or RuntimeDirectory=. */
static const char *directory_from(const char *variable, const char *standard)
{
        const char *directory = getenv(variable);

        return directory && *directory == '/' ? directory : standard;
}

int main(int argc, char *argv[])
{
        const char *state = directory_from("STATE_DIRECTORY", STATE_DIRECTORY);
        const char *runtime = directory_from("RUNTIME_DIRECTORY", RUNTIME_DIRECTORY);
        char public[PATH_MAX], alarms[PATH_MAX], fallback[PATH_MAX];
        Fault fault;
        Run run;
        int r;

        if (argc != 2) {
                fprintf(stderr, "usage: kube-renewd-failure UNIT (by OnFailure= of UNIT)\n");
                return 2;
        }

        /* 1. What systemd knows about the run. One that has reported has its own alarms. */
        run = run_from_environment(argv[1]);
        if (run_has_reported(&run, state))
                return EXIT_SUCCESS;

        /* 2. The journal first: it needs no disk. */
        fault.unit = run.unit;
        run_reason(&run, fault.reason);
        run_repair(&run, fault.repair);
        tell(&fault);

        /* 3. The alarm, for everybody who looks at alarm files. */
        file_path(public, state, "public");
        file_path(alarms, state, "public/alarms");
        file_path(fallback, runtime, "alarms");
        r = raise_alarm(public, alarms, fallback, &fault);

        /* 4. And for who looks at metrics. */
        add_sample(public);

        /* 5. It says that the timer will start it: so it must not be refused then. */
        if (r == 0 && run.gave_up)
                r = run_permit_start(&run);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
