/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/hook-debt.h"

/* In the order in which they run. */
static const Hook owed_hooks[] = {HOOK_DEPLOY, HOOK_POST_RENEW};

char *hook_debt_name(Hook hook)
{
        return xasprintf("hook-%s", hook_name(hook));
}

bool hook_debt_is(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(owed_hooks); i++) {
                autofree char *hook = hook_debt_name(owed_hooks[i]);

                if (streq(name, hook))
                        return true;
        }
        return false;
}

static int enter(const HookDebts *debts, char *const *paths, const char *reason,
        int (*add)(int, const char *, const Owed *, Error *), Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(owed_hooks); i++) {
                autofree char *name = hook_debt_name(owed_hooks[i]);

                if (hook_argv(debts->config, owed_hooks[i]))
                        r = add(debts->root_fd, debts->config->state_directory,
                                &(Owed){.component = name,
                                        .since = debts->now,
                                        .pass_id = (char *)debts->pass_id,
                                        .paths = (char **)paths,
                                        .reason = (char *)reason},
                                reterr);
        }
        return r;
}

int hook_debts_enter(const HookDebts *debts, char *const *paths, Error *reterr)
{
        return enter(debts, paths, "files were replaced", owed_enter, reterr);
}

int hook_debts_note(const HookDebts *debts, char *const *paths, Error *reterr)
{
        return enter(debts, paths, "somebody else has replaced files", owed_note, reterr);
}

/* The certificates that are in these files, each once. */
static char **names_of(const Inventory *inventory, char *const *paths)
{
        char **names = NULL;

        for (size_t i = 0; inventory && i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if ((strv_contains(paths, item->path) ||
                            (item->key_path && strv_contains(paths, item->key_path))) &&
                        !strv_contains(names, item->name))
                        strv_add(&names, item->name);
        }
        return names;
}

static int run(
        const HookDebts *debts, Hook hook, const Owed *owed, char *const *components, Error *reterr)
{
        autostrv names = names_of(debts->inventory, owed->paths);
        const HookContext context = {.pass_id = debts->pass_id,
                .certificates = names,
                .paths = owed->paths,
                .components = components};

        return hook_run(debts->running, debts->config, hook, &context, reterr);
}

int hook_debt_settle(const HookDebts *debts, Hook hook, char *const *components, Error *reterr)
{
        const char *state_directory = debts->config->state_directory;
        autofree char *name = hook_debt_name(hook);
        autoptr(OwedList) list = NULL;
        const Owed *owed;
        Error error = {};
        int r;

        r = owed_read(debts->root_fd, state_directory, &list, reterr);
        if (r < 0)
                return r;
        owed = owed_find(list, name);
        if (!owed)
                return 0;

        /* One that is no longer configured is no longer owed. */
        if (hook_argv(debts->config, hook)) {
                r = run(debts, hook, owed, components, &error);
                if (r < 0)
                        return error_set(reterr, -ECHILD, "%s", error.text);
        }
        r = owed_remove(debts->root_fd, state_directory, name, reterr);
        return r < 0 ? r : 1;
}
