/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define N 1000

typedef struct Place {
        unsigned calls;
        size_t number;
        pthread_t thread;
} Place;

static void fill(void *userdata, size_t i)
{
        Place *place = &((Place *)userdata)[i];

        place->calls++;
        place->number = i;
        place->thread = pthread_self();
}

static void assert_filled(const Place *places, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(places[i].calls, 1);
                assert_int_equal(places[i].number, i);
        }
}

static void test_each_is_done_once_in_its_place(void **state)
{
        static const size_t sizes[] = {0, 1, 2, N};

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Place places[N + 1] = {};

                parallel_run(sizes[i], fill, NULL, places);
                assert_filled(places, sizes[i]);
                assert_int_equal(places[sizes[i]].calls, 0);
        }
}

static void test_none_is_done_by_the_caller(void **state)
{
        Place places[N] = {};

        parallel_run(N, fill, NULL, places);
        for (size_t i = 0; i < N; i++)
                assert_false(pthread_equal(places[i].thread, pthread_self()));
}

typedef struct Meeting {
        atomic_uint here;
        unsigned expected;
} Meeting;

/* Back when so many are here, who would never come if one were done after the other. */
static void meet(void *userdata, size_t i)
{
        Meeting *meeting = userdata;

        (void)i;
        atomic_fetch_add(&meeting->here, 1);
        while (atomic_load(&meeting->here) < meeting->expected)
                sched_yield();
}

static void test_as_many_at_once_as_there_are_cores(void **state)
{
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        Meeting meeting = {.expected = cores < 64 ? (unsigned)cores : 64};

        alarm(60); /* ends a test that would wait forever */
        parallel_run(meeting.expected, meet, NULL, &meeting);
        alarm(0);
        assert_int_equal(meeting.here, meeting.expected);
}

/* A stack has no room in what may be mapped. */
static void test_without_threads_the_caller_does_it(void **state)
{
        struct rlimit before, none;
        Place places[N] = {};

        assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
        none = (struct rlimit){1, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
        parallel_run(N, fill, NULL, places);
        assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
        assert_filled(places, N);
        for (size_t i = 0; i < N; i++)
                assert_true(pthread_equal(places[i].thread, pthread_self()));
}

typedef struct Watched {
        Place places[N];
        size_t n_watched;
        pthread_t watcher;
} Watched;

static void fill_watched(void *userdata, size_t i)
{
        fill(((Watched *)userdata)->places, i);
}

static void watch(void *userdata, size_t i)
{
        Watched *watched = userdata;

        assert_int_equal(i, watched->n_watched);
        watched->n_watched++;
        assert_true(pthread_equal(watched->watcher, pthread_self()));
}

static void test_the_caller_watches_one_after_the_other(void **state)
{
        static const size_t sizes[] = {0, 1, N};

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Watched watched = {.watcher = pthread_self()};

                parallel_run(sizes[i], fill_watched, watch, &watched);
                assert_int_equal(watched.n_watched, sizes[i]);
                assert_filled(watched.places, sizes[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_is_done_once_in_its_place),
                cmocka_unit_test(test_none_is_done_by_the_caller),
                cmocka_unit_test(test_as_many_at_once_as_there_are_cores),
                cmocka_unit_test(test_without_threads_the_caller_does_it),
                cmocka_unit_test(test_the_caller_watches_one_after_the_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
