/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "scratch.h"

#include "host/command.h"
#include "host/unit.h"

#include <sys/socket.h>
#include <sys/un.h>

static void test_t38_unit_states_are_classified_as_systemd_does(void **state)
{
        static const struct {
                const char *load, *active, *name;
                UnitActivity activity;
                bool is_running; /* as `systemctl is-active` has it */
        } table[] = {
                {"loaded", "active", "active", UNIT_ACTIVE, true},
                {"loaded", "reloading", "reloading", UNIT_RELOADING, true},
                {"loaded", "refreshing", "refreshing", UNIT_REFRESHING, true},
                {"loaded", "activating", "activating", UNIT_ACTIVATING, false}, /* auto-restart */
                {"loaded", "deactivating", "deactivating", UNIT_DEACTIVATING, false},
                {"loaded", "inactive", "inactive", UNIT_INACTIVE, false},
                {"loaded", "failed", "failed", UNIT_FAILED, false},
                {"loaded", "maintenance", "maintenance", UNIT_MAINTENANCE, false},
                {"loaded", "daydreaming", "unknown", UNIT_OTHER, false},
                {"loaded", "unknown", "unknown", UNIT_OTHER, false},
                {"loaded", "not-found", "unknown", UNIT_OTHER, false},
                {"loaded", "", "unknown", UNIT_OTHER, false},
                {"masked", "inactive", "inactive", UNIT_INACTIVE, false},
                {"masked", "active", "active", UNIT_ACTIVE, true},
                {"not-found", "inactive", "not-found", UNIT_NOT_FOUND, false},
                {"not-found", "active", "active", UNIT_ACTIVE, true},
                {"not-found", "failed", "failed", UNIT_FAILED, false},
                {"bad-setting", "inactive", "inactive", UNIT_INACTIVE, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                UnitState unit = {.activity = unit_activity(table[i].load, table[i].active)};

                if (unit.activity != table[i].activity)
                        fail_msg("%s, %s", table[i].load, table[i].active);
                assert_string_equal(unit_activity_name(unit.activity), table[i].name);
                assert_int_equal(unit_is_running(&unit), table[i].is_running);
        }
}

static void test_no_socket_is_said(void **state)
{
        autoptr(Bus) bus = NULL;
        Error error = {};

        assert_int_equal(bus_open(root_fd, &bus, &error), -ENOENT);
        assert_string_equal(error.text, "cannot reach systemd: cannot open "
                                        "'/run/dbus/system_bus_socket': No such file or directory");
        assert_null(bus);
}

static void listen_there(bool listens)
{
        struct sockaddr_un address = {
                .sun_family = AF_UNIX, .sun_path = "run/dbus/system_bus_socket"};
        autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(fs_make_directories(root_fd, "/run/dbus", 0755, NULL), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listens ? listen(fd, 1) : 0, 0);
}

static void test_nobody_behind_the_socket_is_said(void **state)
{
        autoptr(Bus) bus = NULL;
        Error error = {};

        listen_there(false);
        assert_int_equal(bus_open(root_fd, &bus, &error), -ECONNREFUSED);
        assert_string_equal(error.text, "cannot reach systemd through "
                                        "'/run/dbus/system_bus_socket': Connection refused");
}

static void test_a_tree_never_reaches_the_host(void **state)
{
        autoptr(Bus) bus = NULL;

        assert_int_equal(mkdir("run", 0755), 0);
        assert_int_equal(symlink("/run/dbus", "run/dbus"), 0);
        assert_true(bus_open(root_fd, &bus, NULL) < 0);
}

static void test_relative_program_is_refused(void **state)
{
        static char *relative[] = {"true", NULL}, *nothing[] = {NULL};
        Command command = {.name = "restart-etcd", .argv = relative, .timeout = 1};
        CommandAnswer answer;
        Error error = {};

        assert_int_equal(command_run(NULL, &command, &error), -EINVAL);
        assert_string_equal(
                error.text, "command 'restart-etcd' does not begin with an absolute path");
        assert_int_equal(command_ask(NULL, &command, &answer, NULL), -EINVAL);
        command.argv = nothing;
        assert_int_equal(command_run(NULL, &command, NULL), -EINVAL);
        command.argv = NULL;
        assert_int_equal(command_run(NULL, &command, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t38_unit_states_are_classified_as_systemd_does),
                SCRATCH_TEST(test_no_socket_is_said),
                SCRATCH_TEST(test_nobody_behind_the_socket_is_said),
                SCRATCH_TEST(test_a_tree_never_reaches_the_host),
                cmocka_unit_test(test_relative_program_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
