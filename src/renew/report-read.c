/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report.h"

int report_read_alarms(int root_fd, const Config *config, AlarmList **ret, Error *reterr)
{
        autofree char *directory = xasprintf("%s/public/alarms", config->state_directory);

        return alarm_list(root_fd, directory, ret, reterr);
}
