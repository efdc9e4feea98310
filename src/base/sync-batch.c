/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sync-batch.h"

void sync_batch_flush(SyncBatch *batch)
{
        for (size_t i = 0; i < batch->n; i++) {
                if (fsync(batch->files[i].fd) < 0)
                        batch->fail(batch->userdata, batch->files[i].number, -errno);
                close(batch->files[i].fd);
        }
        batch->n = 0;
}

void sync_batch_add(SyncBatch *batch, int fd, size_t number)
{
        batch->files[batch->n].fd = fd;
        batch->files[batch->n++].number = number;
        if (batch->n == SYNC_BATCH_MAX)
                sync_batch_flush(batch);
}
