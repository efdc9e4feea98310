/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/upgrade.h"
#include "scratch.h"

#include <signal.h>
#include <sys/wait.h>

/* A process as the kernel shows one: its words, each with its NUL. */
static void put_process(const char *pid, const char *comm, const char *line, size_t size)
{
        autofree char *directory = xasprintf("proc/%s", pid);
        autofree char *comm_path = xasprintf("%s/comm", directory);
        autofree char *line_path = xasprintf("%s/cmdline", directory);

        mkdir("proc", 0755);
        mkdir(directory, 0755);
        put(comm_path, comm);
        autofd int fd = open(line_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        assert_true(fd >= 0 && fs_write_all(fd, line, size) == 0);
}

#define LINE(text) text, sizeof(text)

static void test_t35_who_is_at_work(void **state)
{
        static const struct {
                const char *comm, *line;
                size_t size;
                const char *found; /* NULL: nobody */
        } table[] = {
                {"kubeadm\n", LINE("kubeadm\0upgrade\0apply\0v1.36.0"), "kubeadm upgrade"},
                {"kubeadm\n", LINE("/usr/bin/kubeadm\0--v=5\0upgrade\0node"), "kubeadm upgrade"},
                {"kubeadm\n", LINE("kubeadm\0-v\0005\0upgrade\0apply\0-y"), "kubeadm upgrade"},
                {"kubeadm\n", LINE("kubeadm\0init\0phase\0certs\0ca"), "kubeadm init"},
                {"kubeadm\n", LINE("kubeadm\0join\0--token\0s3cret"), "kubeadm join"},
                {"kubeadm\n", LINE("kubeadm\0reset\0-f"), "kubeadm reset"},
                {"kubeadm-v1.36.0\n", LINE("./kubeadm-v1.36.0\0upgrade\0node"), "kubeadm upgrade"},
                {"kubeadm-1.20.2\n", LINE("kubeadm-1.20.2\0init"), "kubeadm init"},
                {"kubeadm\n", LINE("/bin/sh\0/usr/local/bin/kubeadm\0upgrade\0node"),
                        "kubeadm upgrade"},

                /* Failure mode 26: what changes nothing. */
                {"kubeadm\n", LINE("kubeadm\0upgrade\0plan"), NULL},
                {"kubeadm\n", LINE("kubeadm\0upgrade\0--config\0x\0diff"), "kubeadm upgrade"},
                {"kubeadm\n", LINE("kubeadm\0upgrade\0--config=x\0diff"), NULL},
                {"kubeadm\n", LINE("kubeadm\0version"), NULL},
                {"kubeadm\n", LINE("kubeadm\0certs\0check-expiration"), NULL},
                {"kubeadm\n", LINE("kubeadm\0certs\0renew\0all"), NULL},
                {"kubeadm\n", LINE("kubeadm\0config\0print\0init-defaults"), NULL},
                {"kubeadm\n", LINE("kubeadm\0token\0create\0--print-join-command"), NULL},
                {"kubeadm\n", "", 0, NULL}, /* it has ended, and nobody has asked for it yet */

                /* Nor what is only about it. */
                {"vim\n", LINE("vim\0/root/kubeadm upgrade.txt"), NULL},
                {"bash\n", LINE("bash\0/opt/kubeadm/run\0upgrade"), NULL},
                {"grep\n", LINE("grep\0kubeadm\0upgrade"), NULL},
                {"kubeadm-upgrade\n", LINE("kubeadm-upgrade-check.sh\0upgrade"), NULL},
                {"kubeadm-exporte\n", LINE("kubeadm-exporter\0init"), NULL},
                {"kubeadmx\n", LINE("kubeadmx\0init"), NULL},
                {"", LINE("kubeadm\0upgrade"), NULL},
        };

        put_process("1", "systemd\n", LINE("/sbin/init"));
        mkdir("proc/self", 0755);
        put("proc/locks", "");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *found = NULL;
                Error error = {};
                int r;

                put_process("4711", table[i].comm, table[i].line, table[i].size);
                r = upgrade_find_kubeadm(root_fd, &found, &error);
                if (r != !!table[i].found)
                        fail_msg("%zu: %d, %s %s", i, r, found, error.text);
                if (r == 0)
                        continue;
                autofree char *expected = xasprintf("process 4711 runs '%s'", table[i].found);
                assert_string_equal(found, expected);
        }
}

static void test_t35_it_cannot_be_told(void **state)
{
        autofree char *found = NULL;
        Error error = {};

        /* No /proc at all. */
        assert_int_equal(upgrade_find_kubeadm(root_fd, &found, &error), -ENOENT);
        assert_non_null(strstr(error.text, "/proc"));

        /* One that has just ended is no riddle; one that cannot be read is. */
        mkdir("proc", 0755);
        mkdir("proc/7", 0755);
        assert_int_equal(upgrade_find_kubeadm(root_fd, &found, &error), 0);
        put("proc/7/comm", "kubeadm\n");
        assert_int_equal(upgrade_find_kubeadm(root_fd, &found, &error), 0);
        mkdir("proc/7/cmdline", 0755);
        assert_int_equal(upgrade_find_kubeadm(root_fd, &found, &error), -EISDIR);
        assert_null(found);
}

/* The kernel's own /proc; in a container a process is one of this host's, too. A
 * program of that name that takes any words is /bin/sh. */
static void test_t35_a_process_of_this_host(void **state)
{
        autofd int host_fd = fs_open_root("/", NULL);
        autofree char *found = NULL, *expected = NULL;
        int ready[2];
        pid_t pid;
        char c;

        assert_int_equal(symlink("/bin/sh", "kubeadm"), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(ready[1], 1);
                execl("./kubeadm", "kubeadm", "-c", "echo; kill -STOP $$", "upgrade", "node", NULL);
                _exit(99);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        expected = xasprintf("process %d runs 'kubeadm upgrade'", (int)pid);
        assert_int_equal(upgrade_find_kubeadm(host_fd, &found, NULL), 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_string_equal(found, expected);
        close(ready[0]);
        close(ready[1]);
}

static void test_t35_markers(void **state)
{
        char *paths[] = {"/run/upgrade", "/run/broken", "/etc/dir", NULL};
        static const struct {
                const char *path; /* NULL: there is nothing */
                int kind;         /* 0: a file, 1: a directory, 2: a link to nowhere */
        } table[] = {{NULL, 0}, {"run/upgrade", 0}, {"run/broken", 2}, {"etc/dir", 1}};

        mkdir("run", 0755);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *found = NULL;

                if (table[i].path && table[i].kind == 0)
                        put(table[i].path, "");
                else if (table[i].kind == 1)
                        assert_true(mkdir("etc", 0755) == 0 && mkdir(table[i].path, 0755) == 0);
                else if (table[i].kind == 2)
                        assert_int_equal(symlink("nowhere", table[i].path), 0);
                assert_int_equal(
                        upgrade_find_marker(root_fd, paths, &found, NULL), table[i].path ? 1 : 0);
                if (!table[i].path)
                        continue;
                autofree char *expected = xasprintf("'/%s' is there", table[i].path);
                assert_string_equal(found, expected);
                remove(table[i].path);
        }
        autofree char *found = NULL;
        assert_int_equal(upgrade_find_marker(root_fd, NULL, &found, NULL), 0);
}

/* A directory that leads in circles holds nothing that anybody could see. */
static void test_t35_a_marker_that_cannot_be_looked_at(void **state)
{
        char *paths[] = {"/loop/upgrade", NULL};
        autofree char *found = NULL;
        Error error = {};

        assert_int_equal(symlink("loop", "loop"), 0);
        assert_int_equal(upgrade_find_marker(root_fd, paths, &found, &error), -ELOOP);
        assert_non_null(strstr(error.text, "/loop/upgrade"));
        assert_null(found);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t35_who_is_at_work),
                SCRATCH_TEST(test_t35_it_cannot_be_told),
                SCRATCH_TEST(test_t35_a_process_of_this_host),
                SCRATCH_TEST(test_t35_markers),
                SCRATCH_TEST(test_t35_a_marker_that_cannot_be_looked_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
