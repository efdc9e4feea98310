/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/key-batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define THREADS_MAX 64
#define STACK_SIZE  ((size_t)8 << 20)
#define GUARD_SIZE  ((size_t)64 << 10) /* whole pages, however large they are */

typedef struct Queue {
        KeyRequest *requests;
        size_t n;
        atomic_size_t next;
} Queue;

typedef struct Worker {
        pthread_t thread;
        void *stack;
} Worker;

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

/* What the numbers of a key leave on the stack of a thread goes with it: the C library would keep
 * the stack for the next thread. */
static bool start(Worker *worker, Queue *queue)
{
        pthread_attr_t attributes;
        bool started;

        worker->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
        if (worker->stack == MAP_FAILED)
                return false;
        started = mprotect(worker->stack, GUARD_SIZE, PROT_NONE) == 0 &&
                  pthread_attr_init(&attributes) == 0;
        if (started) {
                started = pthread_attr_setstack(&attributes, worker->stack, STACK_SIZE) == 0 &&
                          pthread_create(&worker->thread, &attributes, work, queue) == 0;
                pthread_attr_destroy(&attributes);
        }
        if (!started)
                munmap(worker->stack, STACK_SIZE);
        return started;
}

static void join(Worker *worker)
{
        pthread_join(worker->thread, NULL);
        munmap(worker->stack, STACK_SIZE);
}

void key_generate_all(KeyRequest *requests, size_t n)
{
        Queue queue = {.requests = requests, .n = n};
        Worker workers[THREADS_MAX];
        size_t n_workers = 0;
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        while ((n_workers == 0 || (long)n_workers < cores) && n_workers < n &&
                n_workers < THREADS_MAX && start(&workers[n_workers], &queue))
                n_workers++;
        /* Where no thread can be had, it is done all the same. */
        if (n_workers == 0)
                work(&queue);
        for (size_t i = 0; i < n_workers; i++)
                join(&workers[i]);
}
