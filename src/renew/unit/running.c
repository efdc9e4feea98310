/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/running.h"

#include "base/log.h"
#include "host/clock.h"
#include "host/command.h"
#include "host/unit.h"
#include "kube/cri.h"
#include "kube/health.h"
#include "kube/kubelet.h"
#include "renew/unit/deadline.h"
#include "renew/unit/patience.h"

#define NANOSECONDS_PER_MICROSECOND 1000
#define MICROSECONDS                1000000 /* in a second */

#define KUBELET_YOUNG (PATIENCE_KEEPER / 2)
#define KUBELET_POLL  500 /* milliseconds */

struct Running {
        int root_fd;
        const Config *config;
        bool is_live;
        Cri *cri;
        Bus *bus;
};

Running *running_new(int root_fd, const Config *config, bool is_live)
{
        Running *running = xcalloc(1, sizeof(*running));

        *running = (Running){.root_fd = root_fd, .config = config, .is_live = is_live};
        return running;
}

void running_free(Running *running)
{
        if (!running)
                return;
        cri_free(running->cri);
        bus_free(running->bus);
        free(running);
}

bool running_is_live(const Running *running)
{
        return running->is_live;
}

/* A neighbour that did not answer a moment ago is tried again: it may be on its way up. */
static int need_cri(Running *running, Error *reterr)
{
        return running->cri ? 0
                            : cri_connect(running->root_fd, running->config->runtime_endpoint,
                                      &running->cri, reterr);
}

static int need_bus(Running *running, Error *reterr)
{
        return running->bus ? 0 : bus_open(running->root_fd, &running->bus, reterr);
}

int running_bus(Running *running, Bus **ret, Error *reterr)
{
        int r = need_bus(running, reterr);

        if (r >= 0)
                *ret = running->bus;
        return r;
}

void run_look_done(RunLook *look)
{
        for (size_t i = 0; i < look->n; i++) {
                free(look->instances[i].name);
                free(look->instances[i].id);
        }
        free(look->instances);
        free(look->problem);
        *look = (RunLook){};
}

static void add_instance(RunLook *look, Instance instance)
{
        look->instances = xreallocarray(look->instances, look->n + 1, sizeof(Instance));
        look->instances[look->n++] = instance;
}

/* All of it runs, or it does not run; it is as old as its oldest part. */
static void judge_look(RunLook *look)
{
        if (look->state == RUN_IDLE)
                return;
        look->state = RUN_RUNNING;
        for (size_t i = 0; i < look->n; i++) {
                const Instance *instance = &look->instances[i];

                if (!instance->running)
                        look->state = RUN_ABSENT;
                else if (look->started_at == 0 || instance->started_at < look->started_at)
                        look->started_at = instance->started_at;
        }
        if (look->problem)
                look->state = RUN_ABSENT;
        if (look->state == RUN_ABSENT && !look->problem)
                look->problem = xstrdup("it does not run");
}

/* One that was made while the clock was ahead may be older than one that runs now. */
static const CriContainer *newest_of(const CriList *list)
{
        const CriContainer *first = &list->containers[0];

        for (size_t i = 1; clock_is_future(first->created_at) && i < list->n; i++)
                if (list->containers[i].state == CRI_RUNNING &&
                        !clock_is_future(list->containers[i].created_at))
                        return &list->containers[i];
        return first;
}

static int look_at_container(
        Running *running, const Manifest *manifest, const char *name, RunLook *look, Error *reterr)
{
        autoptr(CriList) list = NULL;
        int r;

        r = cri_list(running->cri, manifest->namespace_, manifest->name, name, &list, reterr);
        if (r < 0)
                return r;
        if (list->n == 0) {
                free(look->problem);
                look->problem =
                        xasprintf("there is no container '%s' of pod '%s' in namespace '%s'", name,
                                manifest->name, manifest->namespace_);
                return 0;
        }
        const CriContainer *newest = newest_of(list);
        add_instance(look, (Instance){.name = xstrdup(name),
                                   .id = xstrdup(newest->id),
                                   .running = newest->state == CRI_RUNNING,
                                   .attempt = newest->attempt,
                                   .started_at = newest->created_at});
        return 0;
}

static int look_at_pod(Running *running, const Manifest *manifest, RunLook *look, Error *reterr)
{
        int r = need_cri(running, reterr);

        for (size_t i = 0; r >= 0 && i < manifest->n_containers; i++)
                r = look_at_container(
                        running, manifest, manifest->containers[i].name, look, reterr);
        return r;
}

/* One that was ended by nobody's will is no idle one. */
static bool is_idle(const ComponentEntry *entry, const UnitState *state)
{
        return entry->optional &&
               (state->activity == UNIT_INACTIVE || state->activity == UNIT_NOT_FOUND);
}

static int look_at_unit(Running *running, const ComponentEntry *entry, RunLook *look, Error *reterr)
{
        const char *unit = entry->unit;
        UnitState state;
        int r;

        r = need_bus(running, reterr);
        if (r >= 0)
                r = unit_look(running->bus, unit, &state, reterr);
        if (r < 0)
                return r;
        if (is_idle(entry, &state)) {
                look->state = RUN_IDLE;
                return 0;
        }
        if (!unit_is_running(&state))
                look->problem = xasprintf("'%s' is %s", unit, unit_activity_name(state.activity));
        add_instance(look, (Instance){.name = xstrdup(unit),
                                   .id = xstrdup(""),
                                   .running = unit_is_running(&state),
                                   .started_at = state.started_at * NANOSECONDS_PER_MICROSECOND});
        return 0;
}

static int look_at_component(
        Running *running, const InventoryComponent *component, RunLook *look, Error *reterr)
{
        if (!running->is_live)
                return error_set(reterr, -EOPNOTSUPP, "the root is not that of this host");
        if (component->entry->unit)
                return look_at_unit(running, component->entry, look, reterr);
        if (!component->entry->manifest)
                return error_set(reterr, -EOPNOTSUPP, "it has no manifest and no unit");
        if (!component->manifest)
                return error_set(reterr, -EBADMSG, "%s", component->problem);
        return look_at_pod(running, component->manifest, look, reterr);
}

void running_look(Running *running, const InventoryComponent *component, RunLook *ret)
{
        RunLook look = {};
        Error error = {};

        if (look_at_component(running, component, &look, &error) < 0) {
                run_look_done(&look);
                look.problem = xstrdup(error.text);
        } else
                judge_look(&look);
        *ret = look;
}

bool run_look_is_waiting(const RunLook *look)
{
        for (size_t i = 0; i < look->n; i++)
                if (!look->instances[i].running && *look->instances[i].id)
                        return true;
        return false;
}

bool run_look_is_misdated(const RunLook *look)
{
        return clock_is_future(look->started_at);
}

static bool is_one_of(const Instance *instance, const RunLook *look)
{
        for (size_t i = 0; i < look->n; i++)
                if (streq(instance->name, look->instances[i].name) &&
                        streq(instance->id, look->instances[i].id) &&
                        instance->started_at == look->instances[i].started_at)
                        return true;
        return false;
}

bool run_look_is_another(const RunLook *look, const RunLook *before)
{
        for (size_t i = 0; i < look->n; i++)
                if (is_one_of(&look->instances[i], before))
                        return false;
        return look->state == RUN_RUNNING;
}

/* The worst answer of its probes: a failed one counts more than one that cannot be asked. */
static int ask_container(const ManifestContainer *container, Error *reterr)
{
        const ManifestProbe *const probes[] = {
                &container->liveness, &container->readiness, &container->startup};
        int r = -EOPNOTSUPP;

        error_set(reterr, r, "it has no probe that can be asked from outside");
        for (size_t i = 0; i < ELEMENTSOF(probes); i++) {
                Error error = {};
                int answer = health_ask(probes[i], &error);

                if (answer < 0 && answer != -EOPNOTSUPP)
                        return error_set(reterr, answer, "%s", error.text);
                if (answer == 0)
                        r = 0;
        }
        return r;
}

static int ask_pod(const Manifest *manifest, Error *reterr)
{
        int r = -EOPNOTSUPP;

        for (size_t i = 0; i < manifest->n_containers; i++) {
                int answer = ask_container(&manifest->containers[i], reterr);

                if (answer < 0 && answer != -EOPNOTSUPP)
                        return answer;
                if (answer == 0)
                        r = 0;
        }
        return r;
}

int running_ask_health(Running *running, const InventoryComponent *component, Error *reterr)
{
        RunLook look;
        int r;

        if (running->is_live && component->manifest)
                return ask_pod(component->manifest, reterr);
        running_look(running, component, &look);
        r = look.state >= RUN_IDLE ? 0 : look.state == RUN_ABSENT ? -ESRCH : -EOPNOTSUPP;
        if (r < 0)
                error_set(reterr, r, "%s", look.problem);
        run_look_done(&look);
        return r;
}

/* Who has no systemd, or a kubelet that is no unit of it, is asked over HTTP. */
static int ask_kubelet_itself(const Running *running, Error *reterr)
{
        return kubelet_ask_health(running->root_fd, reterr) >= 0
                       ? 0
                       : error_prefix(reterr, -EHOSTDOWN,
                                 "the kubelet does not answer, so nobody may start the container "
                                 "again");
}

/* One that ends over and over, as with an expired certificate, is active for a second now and then.
 * A young one has to be healthy, or to grow older. */
static bool is_steady(const Running *running, const UnitState *state)
{
        return clock_now() - state->started_at / MICROSECONDS >= KUBELET_YOUNG ||
               kubelet_ask_health(running->root_fd, NULL) >= 0;
}

int running_ask_keeper(Running *running, const InventoryComponent *component, Error *reterr)
{
        int64_t deadline = clock_monotonic() + PATIENCE_KEEPER * 1000;
        const char *unit = running->config->kubelet_unit;
        UnitState state;

        if (!component->entry->manifest)
                return 0;
        for (;;) {
                if (need_bus(running, reterr) < 0 ||
                        unit_look(running->bus, unit, &state, reterr) < 0 ||
                        state.activity == UNIT_NOT_FOUND)
                        return ask_kubelet_itself(running, reterr);
                if (!unit_is_running(&state))
                        return error_set(reterr, -EHOSTDOWN,
                                "'%s' is %s, so nobody would start the container again", unit,
                                unit_activity_name(state.activity));
                if (is_steady(running, &state))
                        return 0;
                if (clock_monotonic() >= deadline)
                        return error_set(reterr, -EHOSTDOWN,
                                "'%s' ends over and over, so nobody may start the container again",
                                unit);
                clock_sleep(KUBELET_POLL);
        }
}

static int end_containers(
        Running *running, const InventoryComponent *component, const RunLook *look, Error *reterr)
{
        unsigned timeout =
                (unsigned)deadline_of_stop(running->config, component->entry, component->manifest);
        int r;

        /* One that hangs or fails is there: taking its pods' manifests away would not help it. */
        r = need_cri(running, reterr);
        if (r == -ENOENT || r == -ECONNREFUSED)
                return -EUNATCH;
        if (r < 0)
                return r;
        if (look->state == RUN_UNKNOWN)
                return error_set(reterr, -EREMOTEIO, "%s", look->problem);
        if (look->n == 0)
                return error_set(reterr, -ENOENT, "%s", look->problem);
        for (size_t i = 0; i < look->n; i++) {
                const Instance *instance = &look->instances[i];

                if (!instance->running)
                        continue;
                log_debug("stopping container '%s' (%s)", instance->name, instance->id);
                r = cri_stop(running->cri, instance->id, timeout, reterr);
                if (r < 0 && r != -ENOENT)
                        return error_prefix(
                                reterr, r, "cannot stop container '%s'", instance->name);
        }
        return 0;
}

static int run_command(Running *running, const ComponentEntry *entry, Error *reterr)
{
        autofree char *name = xasprintf("restart-%s", entry->name);
        autofree char *variable = xasprintf("KUBE_RENEWD_COMPONENT=%s", entry->name);
        char *environment[] = {variable, NULL};
        const Command command = {.name = name,
                .argv = entry->restart_command,
                .environment = environment,
                .timeout = (unsigned)entry->start_timeout};
        int r = need_bus(running, reterr);

        return r < 0 ? r : command_run(running->bus, &command, reterr);
}

int running_end(
        Running *running, const InventoryComponent *component, const RunLook *look, Error *reterr)
{
        const ComponentEntry *entry = component->entry;
        int r;

        if (!running->is_live)
                return error_set(reterr, -EOPNOTSUPP, "the root is not that of this host");
        if (entry->restart_command)
                return run_command(running, entry, reterr);
        if (entry->unit) {
                r = need_bus(running, reterr);
                return r < 0 ? r
                             : unit_restart(running->bus, entry->unit,
                                       (unsigned)entry->start_timeout, reterr);
        }
        if (!component->manifest)
                return error_set(reterr, -EBADMSG, "%s",
                        component->problem ? component->problem : "nobody can restart it");
        r = running_ask_keeper(running, component, reterr);
        return r < 0 ? r : end_containers(running, component, look, reterr);
}
