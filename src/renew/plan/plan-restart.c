/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/reload.h"
#include "renew/plan/plan.h"

/* What a component does with the files that change: those of which the same is to be said. */
typedef struct Uses {
        char **whys;
        char **files; /* parallel: "FILE (--flag, --flag), FILE (--flag)" */
} Uses;

/* Takes the file. */
static void add_use(Uses *uses, const char *why, char *file)
{
        for (size_t i = 0; uses->whys && uses->whys[i]; i++) {
                char **files = &uses->files[i], *longer;

                if (!streq(uses->whys[i], why))
                        continue;
                longer = xasprintf("%s, %s", *files, file);
                free(*files);
                free(file);
                *files = longer;
                return;
        }
        strv_add(&uses->whys, why);
        strv_take(&uses->files, file);
}

/* Where some of several uses of a file ask for a restart, those are told. */
static void describe_use(
        const InventoryComponent *component, const char *path, bool is_needed, Uses *uses)
{
        autofree char *why = NULL, *joined = NULL;
        autostrv flags = NULL;
        ComponentUse use;

        for (size_t at = 0; component_next_use(component, path, &at, &use);) {
                const Consumer consumer = component_consumer(component, &use);
                autofree char *text = reload_why(&consumer);

                if ((reload_kind(&consumer) == RELOAD_NEVER) != is_needed ||
                        (why && !streq(why, text)))
                        continue;
                strv_add(&flags, use.how);
                if (!why)
                        why = TAKE(text);
        }
        joined = strv_join(flags, ", ");
        add_use(uses, why, xasprintf("%s (%s)", path, joined));
}

static void collect_use(Restart *restart, Uses *uses, char *path)
{
        const InventoryComponent *component = restart->component;
        const char *manifest = component->entry->manifest;
        bool is_manifest = manifest && streq(manifest, path);
        bool is_needed = is_manifest || restart_is_needed(component, (char *[]){path, NULL});

        if (strv_contains(restart->paths, path))
                return;
        if (is_manifest)
                add_use(uses, "the kubelet starts it anew by itself",
                        xasprintf("%s (manifest)", path));
        else if (component->error < 0)
                add_use(uses, "its manifest cannot be read", xstrdup(path));
        else if (component_uses(component, path, NULL))
                describe_use(component, path, is_needed, uses);
        else
                return;
        restart->is_needed |= is_needed;
        strv_add(&restart->paths, path);
}

/* "uses FILE (--flag), FILE (--flag): why; FILE (--flag): why" */
static char *join_uses(const Uses *uses)
{
        char *joined = xstrdup("uses ");

        for (size_t i = 0; uses->whys && uses->whys[i]; i++) {
                char *longer = xasprintf(
                        "%s%s%s: %s", joined, i > 0 ? "; " : "", uses->files[i], uses->whys[i]);

                free(joined);
                joined = longer;
        }
        return joined;
}

static const char *policy_text(const Restart *restart)
{
        switch (restart->component->entry->restart) {
        case RESTART_ALWAYS:
                return "Restart=always: ";
        case RESTART_NEVER:
                return restart->is_needed ? "by hand (Restart=never): " : "";
        case RESTART_NEEDED:
                break;
        }
        return "";
}

static Restart restart_of(const InventoryComponent *component, char *const *paths)
{
        Restart restart = {.component = component};
        autofree char *joined = NULL;
        Uses uses = {};

        restart.is_needed = component->entry->restart == RESTART_ALWAYS;
        for (; paths && *paths; paths++)
                collect_use(&restart, &uses, *paths);
        joined = join_uses(&uses);
        restart.text = xasprintf("%s%s", policy_text(&restart), joined);
        strv_free(uses.whys);
        strv_free(uses.files);
        return restart;
}

Restart *restarts_of_paths(const Inventory *inventory, char *const *paths, size_t *ret_n)
{
        Restart *restarts = xcalloc(inventory->n_components, sizeof(*restarts));
        size_t n = 0;

        for (size_t i = 0; i < inventory->n_components; i++) {
                restarts[n] = restart_of(&inventory->components[i], paths);
                if (restarts[n].paths)
                        n++;
                else
                        free(restarts[n].text);
        }
        *ret_n = n;
        return restarts;
}

static bool is_renewed(const Step *step, const InventoryComponent *component)
{
        return step->kind == STEP_RESTART && component_renews(component, step->item);
}

/* Takes `text`, which is what was to be said of this restart so far, or NULL. */
static char *renewal_text(
        const InventoryComponent *component, const Step *steps, size_t n_steps, char *text)
{
        autofree char *names = NULL, *before = text;
        autostrv renewed = NULL;

        for (size_t i = 0; i < n_steps; i++)
                if (is_renewed(&steps[i], component))
                        strv_add(&renewed, steps[i].item->name);
        names = strv_join(renewed, ", ");
        return xasprintf("renews %s when it is started%s%s", names, before ? "; " : "",
                before ? before : "");
}

/* What it is restarted for, in addition. */
static void add_renewals(Restart *restart, const Step *steps, size_t n_steps)
{
        for (size_t i = 0; i < n_steps; i++)
                if (is_renewed(&steps[i], restart->component)) {
                        restart->renews = restart->is_needed = true;
                        strv_add(&restart->paths, steps[i].item->path);
                }
        if (restart->renews)
                restart->text = renewal_text(restart->component, steps, n_steps, restart->text);
}

void restarts_add_renewals(const Inventory *inventory, const Step *steps, size_t n_steps,
        Restart **restarts, size_t *n)
{
        Restart *all = xcalloc(inventory->n_components, sizeof(*all));
        size_t n_all = 0, taken = 0;

        for (size_t i = 0; i < inventory->n_components; i++) {
                Restart *restart = &all[n_all];

                *restart = (Restart){.component = &inventory->components[i]};
                if (taken < *n && (*restarts)[taken].component == restart->component)
                        *restart = (*restarts)[taken++];
                add_renewals(restart, steps, n_steps);
                n_all += restart->paths != NULL;
        }
        free(*restarts);
        *restarts = all;
        *n = n_all;
}

void restarts_free(Restart *restarts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                strv_free(restarts[i].paths);
                free(restarts[i].text);
        }
        free(restarts);
}
