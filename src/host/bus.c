/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/bus-internal.h"

#include "base/fs.h"
#include "host/clock.h"

#include <fcntl.h>

#define SOCKET "/run/dbus/system_bus_socket"
/* Until somebody answers at all, and until a question is answered: systemd does both at once. */
#define ANSWER_TIMEOUT ((int64_t)20 * 1000)

struct Bus {
        sd_bus *native;
        bool follows_jobs;
        const char *job; /* the one that is waited for */
        JobResult result;
};

void bus_free(Bus *bus)
{
        if (!bus)
                return;
        /* Every call waits for its answer, so nothing is left to be flushed. */
        sd_bus_close_unref(bus->native);
        free(bus);
}

/* Handles one message, or waits for one. 1, or 0 if none came until the deadline. */
static int bus_process(Bus *bus, int64_t deadline)
{
        int64_t left = deadline - clock_monotonic();
        int r = sd_bus_process(bus->native, NULL);

        if (r == 0 && left <= 0)
                return 0;
        if (r == 0)
                r = sd_bus_wait(bus->native, (uint64_t)left * 1000);
        return r < 0 && r != -EINTR ? r : 1;
}

/* A socket that accepts but never speaks would otherwise be waited for inside of the first call. */
static int wait_until_ready(Bus *bus)
{
        int64_t deadline = clock_monotonic() + ANSWER_TIMEOUT;
        int r;

        while ((r = sd_bus_is_ready(bus->native)) == 0) {
                r = bus_process(bus, deadline);
                if (r <= 0)
                        return r < 0 ? r : -ETIMEDOUT;
        }
        return r < 0 ? r : 0;
}

static int bus_connect(Bus *bus, const char *address)
{
        int r = sd_bus_new(&bus->native);

        if (r >= 0)
                r = sd_bus_set_address(bus->native, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus->native, true);
        if (r >= 0)
                r = sd_bus_start(bus->native);
        return r;
}

int bus_open(int root_fd, Bus **ret, Error *reterr)
{
        autoptr(Bus) bus = xcalloc(1, sizeof(*bus));
        autofree char *address = NULL;
        autofd int socket_fd = -1;
        int r;

        if (fs_is_host_root(root_fd)) {
                r = sd_bus_open_system(&bus->native);
        } else {
                /* Through the descriptor: it cannot lead out, and no path is too long for it. */
                socket_fd = fs_open(root_fd, SOCKET, O_PATH, 0, reterr);
                if (socket_fd < 0)
                        return error_prefix(reterr, socket_fd, "cannot reach systemd");
                address = xasprintf("unix:path=/proc/self/fd/%d", socket_fd);
                r = bus_connect(bus, address);
        }
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus->native, (uint64_t)ANSWER_TIMEOUT * 1000);
        if (r >= 0)
                r = wait_until_ready(bus);
        if (r < 0)
                return error_errno(reterr, r, "cannot reach systemd through '%s'", SOCKET);
        *ret = TAKE(bus);
        return 0;
}

/* The errors of systemd that a caller tells apart; libsystemd knows only those of D-Bus itself. */
static int bus_errno(int r, const sd_bus_error *failure)
{
        if (sd_bus_error_has_name(failure, SYSTEMD_NAME ".NoSuchUnit"))
                return -ENOENT;
        if (sd_bus_error_has_name(failure, SYSTEMD_NAME ".UnitExists"))
                return -EBUSY;
        return r;
}

/* Frees the failure. */
static int bus_failed(Error *reterr, int r, sd_bus_error *failure)
{
        r = bus_errno(r, failure);
        if (failure->message)
                r = error_set(reterr, r, "systemd: %s", failure->message);
        else
                r = error_errno(reterr, r, "systemd does not answer");
        sd_bus_error_free(failure);
        return r;
}

int bus_new_call(Bus *bus, const char *method, BusMessage **ret, Error *reterr)
{
        int r = sd_bus_message_new_method_call(
                bus->native, ret, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method);

        return r >= 0 ? 0 : error_errno(reterr, r, "cannot ask systemd for %s", method);
}

int bus_call(Bus *bus, BusMessage *message, BusMessage **ret, Error *reterr)
{
        sd_bus_error failure = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(bus->native, message, 0, &failure, ret);

        return r >= 0 ? 0 : bus_failed(reterr, r, &failure);
}

int bus_call_for_job(Bus *bus, BusMessage *message, char **ret_job, Error *reterr)
{
        autoptr(BusMessage) answer = NULL;
        const char *job;
        int r;

        r = bus_call(bus, message, &answer, reterr);
        if (r < 0)
                return r;
        r = sd_bus_message_read(answer, "o", &job);
        if (r < 0)
                return error_errno(reterr, r, "systemd names no job");
        *ret_job = xstrdup(job);
        return 0;
}

/* systemd loads a unit when somebody looks at its object. */
static char *unit_path(const char *unit)
{
        char *path = NULL;

        (void)sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
        return xcheck(path);
}

int bus_read_text(Bus *bus, const char *unit, const char *interface, const char *property,
        char **ret, Error *reterr)
{
        sd_bus_error failure = SD_BUS_ERROR_NULL;
        autofree char *path = unit_path(unit);
        int r = sd_bus_get_property_string(
                bus->native, SYSTEMD_NAME, path, interface, property, &failure, ret);

        return r >= 0 ? 0 : bus_failed(reterr, r, &failure);
}

int bus_read_number(Bus *bus, const char *unit, const char *interface, const char *property,
        char type, int64_t *ret, Error *reterr)
{
        union {
                uint64_t t;
                uint32_t u;
                int32_t i;
        } value = {};
        sd_bus_error failure = SD_BUS_ERROR_NULL;
        autofree char *path = unit_path(unit);
        int r = sd_bus_get_property_trivial(
                bus->native, SYSTEMD_NAME, path, interface, property, &failure, type, &value);

        if (r < 0)
                return bus_failed(reterr, r, &failure);
        *ret = type == 't' ? (int64_t)value.t : type == 'u' ? (int64_t)value.u : value.i;
        return 0;
}

/* Each of an answer's a{sv}. */
static int take_all(BusMessage *answer,
        int (*take)(void *userdata, const char *property, BusMessage *value), void *userdata)
{
        const char *property;
        int r;

        r = sd_bus_message_enter_container(answer, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
                r = sd_bus_message_read(answer, "s", &property);
                if (r >= 0)
                        r = take(userdata, property, answer);
                if (r == 0)
                        r = sd_bus_message_skip(answer, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(answer);
        }
        return r;
}

int bus_read_all(Bus *bus, const char *unit,
        int (*take)(void *userdata, const char *property, BusMessage *value), void *userdata,
        Error *reterr)
{
        autoptr(BusMessage) question = NULL;
        autoptr(BusMessage) answer = NULL;
        autofree char *path = unit_path(unit);
        int r = sd_bus_message_new_method_call(bus->native, &question, SYSTEMD_NAME, path,
                "org.freedesktop.DBus.Properties", "GetAll");

        if (r >= 0)
                r = sd_bus_message_append(question, "s", ""); /* of all interfaces */
        if (r < 0)
                return error_errno(reterr, r, "cannot ask systemd for '%s'", unit);
        r = bus_call(bus, question, &answer, reterr);
        if (r < 0)
                return r;
        r = take_all(answer, take, userdata);
        return r < 0 ? error_errno(reterr, r, "systemd's answer makes no sense") : 0;
}

int bus_read_flag(Bus *bus, const char *service, const char *path, const char *interface,
        const char *property, Error *reterr)
{
        sd_bus_error failure = SD_BUS_ERROR_NULL;
        int value = 0; /* as D-Bus has it, of the width of an int */
        int r = sd_bus_get_property_trivial(
                bus->native, service, path, interface, property, &failure, 'b', &value);

        return r < 0 ? bus_failed(reterr, r, &failure) : value;
}

static int on_job_removed(BusMessage *message, void *userdata, sd_bus_error *failure)
{
        Bus *bus = userdata;
        const char *job, *unit, *result;
        uint32_t id;

        if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0 && bus->job &&
                streq(job, bus->job))
                snprintf(bus->result.text, sizeof(bus->result.text), "%s", result);
        return 0;
}

int bus_follow_jobs(Bus *bus, Error *reterr)
{
        autoptr(BusMessage) subscribe = NULL;
        int r;

        if (bus->follows_jobs)
                return 0;
        r = sd_bus_match_signal(bus->native, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                "JobRemoved", on_job_removed, bus);
        if (r < 0)
                return error_errno(reterr, r, "cannot listen to systemd");
        r = bus_new_call(bus, "Subscribe", &subscribe, reterr);
        if (r < 0)
                return r;
        r = bus_call(bus, subscribe, NULL, reterr);
        if (r < 0)
                return r;
        bus->follows_jobs = true;
        return 0;
}

int bus_wait_for_job(Bus *bus, const char *job, int64_t deadline, JobResult *ret, Error *reterr)
{
        int r;

        /* Signals that came before the answer with the job's name wait in the queue until now. */
        bus->job = job;
        bus->result.text[0] = '\0';
        do
                r = bus_process(bus, deadline);
        while (r > 0 && !bus->result.text[0]);
        bus->job = NULL;
        if (r < 0)
                return error_errno(reterr, r, "the connection to systemd is lost");
        if (r == 0)
                return error_set(reterr, -ETIMEDOUT, "systemd has not ended the job in time");
        *ret = bus->result;
        return 0;
}
