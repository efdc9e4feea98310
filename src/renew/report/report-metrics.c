/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/metrics.h"
#include "renew/report/report.h"

int report_metrics(const ReportInput *input, Error *reterr)
{
        const char *state = input->config->state_directory;
        autofree char *source = xasprintf("%s/public/status.json", state);
        autofree char *target = xasprintf("%s/public/kube-renewd.prom", state);
        autoptr(FileImage) file = NULL;
        autoptr(Status) status = NULL;
        autofd int lock_fd = report_lock(input, reterr);
        int r;

        if (lock_fd < 0)
                return lock_fd;
        r = fs_read_file(input->root_fd, source, JSON_FILE_SIZE_MAX, &file, reterr);
        if (r < 0)
                return r;
        r = status_parse(file->data, file->size, &status, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot make metrics of '%s'", source);
        autofree char *text = metrics_of_status(status);
        return fs_write_file(input->root_fd, target, text, strlen(text), 0644, reterr);
}
