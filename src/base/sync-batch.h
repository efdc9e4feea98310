/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* New files that are written one after the other and then made durable together: the file system's
 * journal is committed once for many of them, and not once for each.
 *
 *     SyncBatch batch = {.fail = note_failure, .userdata = record};
 *     for (i = 0; i < n; i++) {
 *             int fd = ... written, not synced ...
 *             sync_batch_add(&batch, fd, i);
 *     }
 *     sync_batch_flush(&batch);                now all are on the disk, or fail() was called
 *
 * Each descriptor that was written by is synced itself: the kernel tells that one of a write that
 * failed later. Knows nothing of directories. */

#include "base/macro.h"

#define SYNC_BATCH_MAX 64 /* descriptors that are open at a time */

typedef struct SyncBatch {
        /* One could not be synced: its number, and a negative errno. */
        void (*fail)(void *userdata, size_t number, int error);
        void *userdata;
        struct {
                int fd;
                size_t number;
        } files[SYNC_BATCH_MAX];
        size_t n;
} SyncBatch;

/* Takes the descriptor; syncs what is there when it is full. */
void sync_batch_add(SyncBatch *batch, int fd, size_t number);

/* Always the last call, also after a failure: it closes them. */
void sync_batch_flush(SyncBatch *batch);
