/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/hook.h"

#include "base/escape.h"
#include "base/log.h"
#include "base/time-util.h"
#include "host/command.h"
#include "renew/event/events.h"

#include <inttypes.h>

#define PREFIX "KUBE_RENEWD_"

static const struct {
        const char *name, *key;
        size_t offset; /* in HookEntries */
} hooks[N_HOOKS] = {
        [HOOK_PRE_RENEW] = {"pre-renew", "PreRenew", offsetof(HookEntries, pre_renew)},
        [HOOK_DEPLOY] = {"deploy", "Deploy", offsetof(HookEntries, deploy)},
        [HOOK_POST_RENEW] = {"post-renew", "PostRenew", offsetof(HookEntries, post_renew)},
        [HOOK_ON_ALARM] = {"on-alarm", "OnAlarm", offsetof(HookEntries, on_alarm)},
};

const char *hook_name(Hook hook)
{
        return hooks[hook].name;
}

char *const *hook_argv(const Config *config, Hook hook)
{
        return *(char *const *const *)((const char *)&config->hooks + hooks[hook].offset);
}

/* A word of a list: what would end it there (names of kubeconfig users are anybody's) is \xNN. */
static char *list_word(const char *word, char separator)
{
        autofree char *escaped = escape_text(word);
        char *out, *listed = out = xcalloc(strlen(escaped) + 1, 4);

        for (const char *in = escaped; *in; in++)
                if (*in == separator)
                        out += sprintf(out, "\\x%02x", (unsigned char)separator);
                else
                        *out++ = *in;
        *out = '\0';
        return listed;
}

static void set_text(char ***environment, const char *name, const char *text)
{
        autofree char *escaped = escape_text(text);

        if (text)
                strv_take(environment, xasprintf(PREFIX "%s=%s", name, escaped));
}

static void set_list(char ***environment, const char *name, char *const *list, char separator)
{
        const char between[] = {separator, '\0'};
        autofree char *joined = NULL;
        autostrv words = NULL;

        if (!list)
                return;
        for (; *list; list++)
                strv_take(&words, list_word(*list, separator));
        joined = strv_join(words, between);
        strv_take(environment, xasprintf(PREFIX "%s=%s", name, joined));
}

static void set_alarm(char ***environment, const Alarm *alarm)
{
        const struct {
                const char *name, *value;
        } texts[] = {
                {"ALARM_TYPE", alarm->type},
                {"ALARM_RESOURCE", alarm->resource},
                {"ALARM_ID", alarm->alarm_id},
                {"ALARM_SEVERITY", alarm_severity_name(alarm->severity)},
                {"ALARM_TEXT", alarm->text},
                {"ALARM_REASON", alarm->reason},
                {"ALARM_REPAIR_ACTION", alarm->repair_action},
                {"ALARM_EVENT_TYPE", alarm->event_type},
                {"ALARM_PROBABLE_CAUSE", alarm->probable_cause},
                {"ALARM_SERVICE_AFFECTING", alarm->service_affecting ? "yes" : "no"},
        };
        char created[TIME_TEXT_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                set_text(environment, texts[i].name, texts[i].value);
        set_text(environment, "ALARM_TIME_CREATED", time_format(alarm->time_created, created));
        strv_take(environment, xasprintf(PREFIX "ALARM_COUNT=%" PRId64, alarm->count));
}

char **hook_environment(Hook hook, const HookContext *context)
{
        char **environment = NULL;

        set_text(&environment, "HOOK", hooks[hook].name);
        set_text(&environment, "PASS_ID", context->pass_id);
        set_list(&environment, "CERTIFICATES", context->certificates, ' ');
        set_list(&environment, "PATHS", context->paths, ':');
        set_list(&environment, "COMPONENTS", context->components, ' ');
        set_text(&environment, "HOSTNAME", context->hostname);
        set_text(&environment, "ALARM_STATE", context->alarm_state);
        if (context->alarm)
                set_alarm(&environment, context->alarm);
        return environment;
}

static int run_command(Running *running, const Config *config, Hook hook,
        const HookContext *context, Error *reterr)
{
        autofree char *name = xasprintf("hook-%s", hooks[hook].name);
        autostrv environment = hook_environment(hook, context);
        Bus *bus;
        int r;

        r = running_bus(running, &bus, reterr);
        return r < 0 ? r
                     : command_run(bus,
                               &(Command){.name = name,
                                       .argv = hook_argv(config, hook),
                                       .environment = environment,
                                       .timeout = (unsigned)config->hooks.timeout},
                               reterr);
}

/* What it was about, where there may be several of one kind; the caller frees. */
static char *occasion(const HookContext *context)
{
        return context->alarm ? xasprintf(" (%s of '%s' %s)", context->alarm->type,
                                        context->alarm->resource, context->alarm_state)
                              : xstrdup("");
}

static void log_outcome(Hook hook, const HookContext *context, int r, const char *problem)
{
        const Alarm *alarm = context->alarm;
        const LogField fields[] = {
                {"HOOK", hook_name(hook)},
                {"REASON", r < 0 ? problem : NULL},
                {"ALARM_TYPE", alarm ? alarm->type : NULL},
                {"ALARM_RESOURCE", alarm ? alarm->resource : NULL},
                {"ALARM_STATE", context->alarm_state},
                {},
        };
        autofree char *about = occasion(context);

        if (r < 0)
                log_event(LOG_WARNING, EVENT_HOOK_FAILED, fields, "Hook '%s'%s failed: %s.",
                        hook_name(hook), about, problem);
        else
                log_event(LOG_INFO, EVENT_HOOK_DONE, fields, "Hook '%s'%s was run.",
                        hook_name(hook), about);
}

int hook_run(Running *running, const Config *config, Hook hook, const HookContext *context,
        Error *reterr)
{
        Error error = {};
        int r;

        if (!hook_argv(config, hook))
                return 0;
        log_status("Running the hook %s", hook_name(hook));
        r = run_command(running, config, hook, context, &error);
        if (r < 0)
                error_prefix(&error, r, "%s= of [hooks] failed", hooks[hook].key);
        log_outcome(hook, context, r, error.text);
        return r < 0 ? error_set(reterr, r, "%s", error.text) : 0;
}
