/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/key-batch.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 64

typedef struct Queue {
        KeyRequest *requests;
        size_t n;
        atomic_size_t next;
} Queue;

static void *work(void *userdata)
{
        Queue *queue = userdata;

        for (;;) {
                size_t i = atomic_fetch_add(&queue->next, 1);

                if (i >= queue->n)
                        return NULL;
                KeyRequest *request = &queue->requests[i];
                if (request->kind != KEY_KIND_NONE)
                        request->error = key_generate(request->kind, &request->key, &request->text);
        }
}

void key_generate_all(KeyRequest *requests, size_t n)
{
        Queue queue = {.requests = requests, .n = n};
        pthread_t threads[THREADS_MAX];
        size_t n_threads = 0;
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        /* The caller's own thread always works, so one that cannot be started is only one fewer. */
        while ((long)n_threads + 1 < cores && n_threads + 1 < n && n_threads < THREADS_MAX &&
                pthread_create(&threads[n_threads], NULL, work, &queue) == 0)
                n_threads++;
        work(&queue);
        for (size_t i = 0; i < n_threads; i++)
                pthread_join(threads[i], NULL);
}
