/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "configured.h"
#include "renew/report/notify.h"
#include "renew/report/status.h"
#include "scratch.h"

#include <assert.h>

#define STATE "/state"
#define AT    ((int64_t)1780272000) /* 2026-06-01 */

static const char config_text[] = "[agent]\nStateDirectory=" STATE "\n"
                                  "[hooks]\nOnAlarm=/bin/true\n";

/* What earlier passes have told, any of which may hold the input. */
static const char *const files[] = {STATE "/notified.json", STATE "/public/status.json",
        STATE "/public/alarms/renewal-failed@host.json",
        STATE "/public/alarms/expiring@apiserver.json"};

static int tell(void *userdata, const HookContext *context, Error *reterr)
{
        size_t *n = userdata;

        assert(context->alarm->type && context->alarm->resource && context->alarm_state);
        (*n)++;
        return 0;
}

static void check_alarms(const ReportInput *input)
{
        autoptr(AlarmList) list = NULL;
        bool is_raised = false;

        assert(report_read_alarms(input->root_fd, input->config, &list, NULL) == 0);
        for (size_t i = 0; i < list->n; i++)
                is_raised |= streq(list->alarms[i].type, "renewal-failed") &&
                             streq(list->alarms[i].resource, "host");
        assert(is_raised);
}

/* It is whole. */
static void check_status(const ReportInput *input)
{
        autoptr(FileImage) file = NULL;
        autoptr(Status) status = NULL;
        Error error = {};

        assert(fs_read_file(
                       input->root_fd, STATE "/public/status.json", FS_SIZE_MAX, &file, NULL) == 0);
        if (status_parse(file->data, file->size, &status, &error) < 0) {
                fprintf(stderr, "%s\n%s\n", error.text, file->data);
                abort();
        }
        assert(status->last_run == AT && status->exit_status == 1);
}

/* What somebody else has written is read or is not; what a pass that has failed says of itself is
 * whole all the same, and is told once. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static Config *config;
        const Scratch *scratch = scratch_get();
        Error error = {};
        size_t n_told = 0, n_again = 0;

        if (setenv("SYSTEMD_LOG_LEVEL", "emerg", 1) < 0)
                abort();
        config = config ? config : config_of(LEAST_LAYOUT, config_text);
        if (size == 0)
                return 0;
        const ReportInput input = {.root_fd = scratch->root_fd,
                .pass_id = "p",
                .now = AT,
                .config = config,
                .failure = "a test",
                .exit_status = 1};

        if (fs_remove_tree(scratch->root_fd, STATE, NULL) < 0)
                abort();
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (data[0] & 1U << i)
                        scratch_write(scratch, files[i], data + 1, size - 1);
        assert(report_incident(&input, &error) == 0);
        check_alarms(&input);
        assert(report_status(&input, &error) == 0);
        check_status(&input);
        assert(notify_run(&input, tell, &n_told, &error) == 0);
        assert(notify_run(&input, tell, &n_again, &error) == 0 && n_again == 0);
        return 0;
}
