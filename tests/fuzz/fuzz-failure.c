/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "host/alarm.h"
#include "scratch.h"

#include <assert.h>

/* The program of OnFailure= itself, which says nothing here. */
__attribute__((format(printf, 2, 3))) static int hush(FILE *stream, const char *format, ...)
{
        return 0;
}

int failure_main(int argc, char *argv[]);

#define main         failure_main
#define fprintf(...) hush(__VA_ARGS__)
#include "failure/kube-renewd-failure.c"
#undef fprintf
#undef main

#define ALARM_PATH "/state/public/alarms/" ALARM_FILE
#define PROM_PATH  "/state/public/" METRICS_FILE

static void set(const char *name, const char *value)
{
        if (setenv(name, value, 1) < 0)
                abort();
}

static void set_directory(const char *name, const char *directory)
{
        autofree char *path = xasprintf("%s%s", scratch_get()->path, directory);

        set(name, path);
}

/* It needs no systemctl: what systemd says leaves nothing open. */
static void start(void)
{
        set_directory("STATE_DIRECTORY", "/state");
        set_directory("RUNTIME_DIRECTORY", "/runtime");
        set("MONITOR_SERVICE_RESULT", "signal");
        set("MONITOR_EXIT_CODE", "killed");
        set("MONITOR_EXIT_STATUS", "KILL");
        set("MONITOR_INVOCATION_ID", "0123456789abcdef0123456789abcdef");
        unsetenv("JOURNAL_STREAM");
}

/* What was there stays; the alarm is in a line of its own. */
static void check_metrics(const FileImage *prom, const unsigned char *old, size_t size)
{
        static const char sample[] = "\nkube_renewd_alarm{type=\"renewal-failed\",";

        assert(prom->size >= size && memcmp(prom->data, old, size) == 0);
        assert(prom->data[prom->size - 1] == '\n' || prom->size == size);
        assert(prom->size == size || memmem(prom->data, prom->size, sample, strlen(sample)));
}

/* An alarm file that is there, and behind a line "====" the metrics, whatever they hold: the alarm
 * afterwards is one that the program reads, and to the metrics nothing is done but to add to them.
 */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static const char border[] = "====\n";
        const unsigned char *end = memmem(data, size, border, strlen(border));
        size_t n = end ? (size_t)(end - data) : size, skip = end ? strlen(border) : 0;
        const Scratch *scratch = scratch_get();
        char *argv[] = {(char *)"kube-renewd-failure", (char *)"kube-renewd.service", NULL};
        autoptr(FileImage) file = NULL;
        autoptr(FileImage) prom = NULL;
        Alarm alarm = {};
        Error error = {};

        start();
        scratch_write(scratch, ALARM_PATH, data, n);
        scratch_write(scratch, PROM_PATH, data + n + skip, size - n - skip);
        assert(failure_main(2, argv) == 0);
        assert(fs_read_file(scratch->root_fd, ALARM_PATH, ALARM_SIZE, &file, NULL) == 0);
        if (alarm_parse(file->data, file->size, &alarm, &error) < 0) {
                fprintf(stderr, "%s\n%s", error.text, file->data);
                abort();
        }
        assert(streq(alarm.type, "renewal-failed") && alarm.count > 0);
        alarm_done(&alarm);
        assert(fs_read_file(scratch->root_fd, PROM_PATH, FS_SIZE_MAX, &prom, NULL) == 0);
        check_metrics(prom, data + n + skip, size - n - skip);
        return 0;
}
