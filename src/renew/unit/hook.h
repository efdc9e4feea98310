/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The administrator's commands at the stations of a pass: [hooks] of the configuration.
 *
 *     const HookContext context = {.pass_id = id, .paths = paths, ...};
 *     if (hook_argv(config, HOOK_DEPLOY))
 *             r = hook_run(running, config, HOOK_DEPLOY, &context, reterr);
 *
 * What happened is told by environment variables that kube-renewd.conf(5) names; nothing of it is
 * secret, because everybody can read the environment of a service. Remembers nothing: whether a
 * failed one is repeated is its caller's affair. */

#include "host/alarm.h"
#include "renew/unit/running.h"

typedef enum Hook {
        HOOK_PRE_RENEW,  /* before the commit */
        HOOK_DEPLOY,     /* after it, before the first restart */
        HOOK_POST_RENEW, /* after the last proof */
        HOOK_ON_ALARM,   /* an alarm was raised, changed or cleared */
        N_HOOKS,
} Hook;

/* What does not apply is NULL, and its variable is not set. */
typedef struct HookContext {
        const char *pass_id;       /* KUBE_RENEWD_PASS_ID */
        char *const *certificates; /* KUBE_RENEWD_CERTIFICATES: names, with blanks between */
        char *const *paths;        /* KUBE_RENEWD_PATHS, with colons between */
        char *const *components;   /* KUBE_RENEWD_COMPONENTS: names, with blanks between */
        const char *hostname;      /* KUBE_RENEWD_HOSTNAME: this node */
        const Alarm *alarm;        /* KUBE_RENEWD_ALARM_TYPE and others */
        const char *alarm_state;   /* KUBE_RENEWD_ALARM_STATE: "raised", "changed", "cleared" */
} HookContext;

/* "pre-renew", "deploy", "post-renew", "on-alarm": KUBE_RENEWD_HOOK, and in the name of the unit.
 */
const char *hook_name(Hook hook);

/* Its command; NULL if none is configured. */
char *const *hook_argv(const Config *config, Hook hook);

/* "NAME=value" each, fit for the manager of services: one line, UTF-8. */
char **hook_environment(Hook hook, const HookContext *context);

/* Runs it to its end by the systemd that `running` reaches, and tells the journal what became of
 * it; 0 as well if none is configured. Errors as running_bus() and command_run(), with the key in
 * the sentence. */
int hook_run(Running *running, const Config *config, Hook hook, const HookContext *context,
        Error *reterr) MUST_USE;
