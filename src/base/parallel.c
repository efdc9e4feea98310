/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define THREADS_MAX 64
#define STACK_SIZE  ((size_t)8 << 20)
#define GUARD_SIZE  ((size_t)64 << 10) /* whole pages, however large they are */

typedef struct Queue {
        void (*work)(void *userdata, size_t i);
        void *userdata;
        size_t n;
        atomic_size_t next;
        bool *is_done; /* of each; NULL: nobody watches */
        pthread_mutex_t lock;
        pthread_cond_t one_is_done;
} Queue;

typedef struct Worker {
        pthread_t thread;
        void *stack;
} Worker;

static void note_done(Queue *queue, size_t i)
{
        if (!queue->is_done)
                return;
        pthread_mutex_lock(&queue->lock);
        queue->is_done[i] = true;
        pthread_cond_signal(&queue->one_is_done);
        pthread_mutex_unlock(&queue->lock);
}

static void wait_for(Queue *queue, size_t i)
{
        pthread_mutex_lock(&queue->lock);
        while (!queue->is_done[i])
                pthread_cond_wait(&queue->one_is_done, &queue->lock);
        pthread_mutex_unlock(&queue->lock);
}

static void *take_all(void *userdata)
{
        Queue *queue = userdata;

        for (;;) {
                size_t i = atomic_fetch_add(&queue->next, 1);

                if (i >= queue->n)
                        return NULL;
                queue->work(queue->userdata, i);
                note_done(queue, i);
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
                          pthread_create(&worker->thread, &attributes, take_all, queue) == 0;
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

/* Where no thread can be had, it is done all the same. */
static void do_all(const Queue *queue, void (*watch)(void *userdata, size_t i))
{
        for (size_t i = 0; i < queue->n; i++) {
                if (watch)
                        watch(queue->userdata, i);
                queue->work(queue->userdata, i);
        }
}

static void watch_all(Queue *queue, void (*watch)(void *userdata, size_t i))
{
        for (size_t i = 0; i < queue->n; i++) {
                watch(queue->userdata, i);
                wait_for(queue, i);
        }
}

void parallel_run(size_t n, void (*work)(void *userdata, size_t i),
        void (*watch)(void *userdata, size_t i), void *userdata)
{
        autofree bool *is_done = watch ? xcalloc(n, sizeof(bool)) : NULL;
        Queue queue = {.work = work,
                .userdata = userdata,
                .n = n,
                .is_done = is_done,
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .one_is_done = PTHREAD_COND_INITIALIZER};
        Worker workers[THREADS_MAX];
        size_t n_workers = 0;
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        while ((n_workers == 0 || (long)n_workers < cores) && n_workers < n &&
                n_workers < THREADS_MAX && start(&workers[n_workers], &queue))
                n_workers++;
        if (n_workers == 0)
                do_all(&queue, watch);
        else if (watch)
                watch_all(&queue, watch);
        for (size_t i = 0; i < n_workers; i++)
                join(&workers[i]);
}
