/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/hook.h"

#include "base/escape.h"
#include "base/log.h"
#include "host/command.h"
#include "renew/events.h"

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

char **hook_environment(Hook hook, const HookContext *context)
{
        char **environment = NULL;

        set_text(&environment, "HOOK", hooks[hook].name);
        set_text(&environment, "PASS_ID", context->pass_id);
        set_list(&environment, "CERTIFICATES", context->certificates, ' ');
        set_list(&environment, "PATHS", context->paths, ':');
        set_list(&environment, "COMPONENTS", context->components, ' ');
        set_text(&environment, "ALARM_TYPE", context->alarm_type);
        set_text(&environment, "ALARM_RESOURCE", context->alarm_resource);
        return environment;
}

int hook_run(Bus *bus, const Config *config, Hook hook, const HookContext *context, Error *reterr)
{
        char *const *argv = hook_argv(config, hook);
        autostrv environment = NULL;
        autofree char *name = NULL;
        int r;

        if (!argv)
                return 0;
        name = xasprintf("hook-%s", hooks[hook].name);
        environment = hook_environment(hook, context);
        r = command_run(bus,
                &(Command){.name = name,
                        .argv = argv,
                        .environment = environment,
                        .timeout = (unsigned)config->hooks.timeout},
                reterr);
        return r < 0 ? error_prefix(reterr, r, "%s= of [hooks] failed", hooks[hook].key) : 0;
}

void hook_log(Hook hook, int r, const char *problem)
{
        const LogField fields[] = {{"HOOK", hook_name(hook)}, {"REASON", problem}, {}};

        if (r < 0)
                log_event(LOG_WARNING, EVENT_HOOK_FAILED, fields, "Hook '%s' failed: %s.",
                        hook_name(hook), problem);
        else
                log_event(LOG_INFO, EVENT_HOOK_DONE, fields, "Hook '%s' was run.", hook_name(hook));
}
