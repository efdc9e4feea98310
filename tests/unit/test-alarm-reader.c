/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An agent that reads the alarm directories in a tight loop, a process of its own, while alarms are
 * raised, changed, moved and cleared: it never sees half of one. */
#include "unit.h"

#include "host/alarm.h"
#include "scratch.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define NOW     1825975560 /* 2027-11-11T23:26:00Z */
#define CHANGES 1000

static const char *const directories[] = {"/state/alarms", "/state/shelved"};

/* What the two processes share. */
typedef struct Shared {
        atomic_bool stop;
        atomic_size_t whole, broken; /* files read */
} Shared;

/* One file, as anybody would read it; one that is gone by now is no news. */
static void read_one(Shared *shared, int directory_fd, const char *name)
{
        char data[ALARM_FILE_SIZE_MAX];
        Alarm alarm = {};
        ssize_t n;

        autofd int fd = openat(directory_fd, name, O_RDONLY);
        if (fd < 0)
                return;
        n = read(fd, data, sizeof(data));
        if (n >= 0 && alarm_parse(data, (size_t)n, &alarm, NULL) >= 0)
                atomic_fetch_add(&shared->whole, 1);
        else
                atomic_fetch_add(&shared->broken, 1);
        alarm_done(&alarm);
}

static void read_directory(Shared *shared, const char *path)
{
        autoptr(AlarmList) list = NULL;
        DIR *directory = opendir(path + 1);
        const struct dirent *entry;

        while (directory && (entry = readdir(directory)))
                if (entry->d_name[0] != '.')
                        read_one(shared, dirfd(directory), entry->d_name);
        if (directory)
                closedir(directory);

        /* The same by our own reader. */
        if (alarm_list(root_fd, path, &list, NULL) < 0 || list->unreadable)
                atomic_fetch_add(&shared->broken, 1);
}

static pid_t start_reader(Shared **ret)
{
        Shared *shared = mmap(
                NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t reader;

        assert_true(shared != MAP_FAILED);
        reader = fork();
        assert_true(reader >= 0);
        while (reader == 0) {
                for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                        read_directory(shared, directories[i]);
                if (atomic_load(&shared->stop))
                        _exit(0);
        }
        *ret = shared;
        return reader;
}

static void end_reader(pid_t reader, Shared *shared)
{
        int status;

        atomic_store(&shared->stop, true);
        assert_int_equal(waitpid(reader, &status, 0), reader);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        munmap(shared, sizeof(*shared));
}

static void change(size_t i)
{
        autofree char *resource = xasprintf("certificate-%zu", i / 5 % 3);
        autofree char *text = xasprintf("%*zu", (int)(1 + i * 37 % 4000), i);
        const Alarm alarm = {.type = (char *)"expiring", .resource = resource, .text = text};
        const char *there = directories[0], *away = directories[1];
        int r;

        switch (i % 5) {
        case 2:
                r = alarm_move(root_fd, there, away, alarm.type, resource, NULL);
                break;
        case 3:
                r = alarm_move(root_fd, away, there, alarm.type, resource, NULL);
                break;
        case 4:
                r = alarm_clear(root_fd, there, alarm.type, resource, NULL);
                break;
        default:
                r = alarm_raise(root_fd, there, &alarm, NOW + (int64_t)i, NULL);
        }
        assert_int_equal(r, 1);
}

static void test_a_reader_never_sees_half_of_an_alarm(void **state)
{
        Shared *shared;
        pid_t reader = start_reader(&shared);
        size_t whole, broken;

        for (size_t i = 0; i < CHANGES || atomic_load(&shared->whole) < CHANGES; i++)
                change(i);
        whole = atomic_load(&shared->whole);
        broken = atomic_load(&shared->broken);
        end_reader(reader, shared);
        assert_true(whole >= CHANGES);
        assert_int_equal(broken, 0);
}

/* The reader would have seen it. */
static void test_a_reader_sees_half_of_an_alarm(void **state)
{
        Shared *shared;
        pid_t reader;

        change(0);
        assert_int_equal(truncate("state/alarms/expiring@certificate-0.json", 100), 0);
        reader = start_reader(&shared);
        while (atomic_load(&shared->broken) == 0 && waitpid(reader, NULL, WNOHANG) == 0)
                usleep(1000);
        assert_true(atomic_load(&shared->broken) > 0);
        end_reader(reader, shared);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_a_reader_never_sees_half_of_an_alarm),
                SCRATCH_TEST(test_a_reader_sees_half_of_an_alarm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
