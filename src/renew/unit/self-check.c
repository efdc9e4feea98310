/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/self-check.h"

#include "renew/assess/assess.h"
#include "renew/config/config-place.h"
#include "renew/unit/shipped.h"
#include "renew/unit/unit-needs.h"

/* A timer that is not there renews nothing, however right the rest is. */
static void check_timer(Config *config, const TimerState *timer, int64_t since_last_pass)
{
        if (timer->activity != UNIT_ACTIVE &&
                since_last_pass <= 2 * shipped_units.interval + shipped_units.delay)
                return;
        if (timer->activity == UNIT_NOT_FOUND)
                strv_add(&config->warnings,
                        TIMER_UNIT " is not installed, so nothing is renewed at night unless "
                                   "something else starts 'kube-renewd run'");
        else if (timer->is_masked)
                strv_take(&config->warnings,
                        xasprintf(TIMER_UNIT " is masked, so nothing is renewed at night%s; "
                                             "'systemctl unmask " TIMER_UNIT "', and then "
                                             "'systemctl enable --now " TIMER_UNIT "', starts it",
                                timer->activity == UNIT_ACTIVE ? " after the next boot" : ""));
        else if (timer->activity != UNIT_ACTIVE)
                strv_take(&config->warnings,
                        xasprintf(TIMER_UNIT " is %s, so nothing is renewed at night; "
                                             "'systemctl enable --now " TIMER_UNIT "' starts it",
                                unit_activity_name(timer->activity)));
        else if (timer->is_disabled)
                strv_add(&config->warnings,
                        TIMER_UNIT " is active, but nothing starts it at the next boot; 'systemctl "
                                   "enable " TIMER_UNIT "' does");
}

/* What can be written: span_format() leaves out what is below its second unit. */
static const char *at_least(int64_t span, char text[SPAN_TEXT_SIZE])
{
        int64_t unit = span >= DAY ? HOUR : MINUTE;

        return span_format((span + unit - 1) / unit * unit, text);
}

/* How often the timer starts a run, as a sentence says it. */
typedef struct Rhythm {
        int64_t interval, delay;
        char text[2 * SPAN_TEXT_SIZE + 64];
} Rhythm;

static Rhythm rhythm_of(const TimerState *timer)
{
        bool is_known = timer && timer->activity != UNIT_NOT_FOUND;
        Rhythm rhythm = {.interval = is_known ? timer->interval : shipped_units.interval,
                .delay = is_known ? timer->delay : shipped_units.delay};
        char interval[SPAN_TEXT_SIZE], delay[SPAN_TEXT_SIZE];

        snprintf(rhythm.text, sizeof(rhythm.text), TIMER_UNIT " starts a run every %s%s%s",
                span_format(rhythm.interval, interval), rhythm.delay > 0 ? ", up to " : "",
                rhythm.delay > 0 ? span_format(rhythm.delay, delay) : "");
        if (rhythm.delay > 0)
                strcat(rhythm.text, " late");
        return rhythm;
}

static void warn(Config *config, const char *section, const char *name, const char *key,
        const char *sentence)
{
        autofree char *where = config_place(config, section, name, key);

        strv_take(&config->warnings, xasprintf("%s has %s", where, sentence));
}

/* From the moment when it is due two runs must come before it ends. */
static bool check_second_try(Config *config, const char *section, const char *name,
        const Policy *policy, const Rhythm *rhythm)
{
        static const char why[] = "leaves no time for a second try";
        int64_t needed = 2 * rhythm->interval + rhythm->delay;
        char value[SPAN_TEXT_SIZE], least[SPAN_TEXT_SIZE];
        autofree char *sentence = NULL;
        const char *key;

        if (due_span_of(policy, policy->validity) >= needed)
                return true;
        if (policy->renew_at > 0) {
                key = "RenewAt";
                sentence = xasprintf("RenewAt=%u%% of Validity=%s, which %s: %s; write a smaller "
                                     "RenewAt= or a longer Validity=",
                        policy->renew_at, span_format(policy->validity, value), why, rhythm->text);
        } else if (policy->renew_before < needed) {
                key = "RenewBefore";
                sentence = xasprintf("RenewBefore=%s, which %s: %s; write at least %s",
                        span_format(policy->renew_before, value), why, rhythm->text,
                        at_least(needed, least));
        } else {
                key = "Validity";
                sentence = xasprintf("Validity=%s, of which the last third %s: %s; write at least "
                                     "%s",
                        span_format(policy->validity, value), why, rhythm->text,
                        at_least(3 * needed, least));
        }
        warn(config, section, name, key, sentence);
        return false;
}

/* What the loop breaker would take for a loop. */
static void check_loop(Config *config, const char *section, const char *name, const Policy *policy)
{
        int64_t age = policy->validity - due_span_of(policy, policy->validity);
        char value[SPAN_TEXT_SIZE], again[SPAN_TEXT_SIZE];
        autofree char *sentence = NULL;

        if (age * LOOP_RENEWALS >= DAY)
                return;
        sentence = xasprintf("Validity=%s, so its certificates are due again after %s; but what is "
                             "renewed %d times in 24 hours counts as a loop and is left alone",
                span_format(policy->validity, value), span_format(age, again), LOOP_RENEWALS);
        warn(config, section, name, "Validity", sentence);
}

static void check_policy(Config *config, const char *section, const char *name,
        const Policy *policy, const Rhythm *rhythm)
{
        if (rhythm->interval == 0 || check_second_try(config, section, name, policy, rhythm))
                check_loop(config, section, name, policy);
}

/* Does that section say anything of its own about when? */
static bool has_own_policy(const Config *config, const CredentialEntry *entry)
{
        static const char *const keys[] = {"RenewBefore", "RenewAt", "Validity"};

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const Setting *own = settings_last(
                        config->settings, config_section_of(entry), entry->name, keys[i]);

                if (own && own->value[0])
                        return true;
        }
        return false;
}

void self_check(Config *config, const TimerState *timer, int64_t since_last_pass)
{
        const Rhythm rhythm = rhythm_of(timer);

        if (timer)
                check_timer(config, timer, since_last_pass);
        check_policy(config, "renewal", "", &config->policy, &rhythm);
        for (size_t i = 0; i < config->layout.n_credentials; i++) {
                const CredentialEntry *entry = &config->layout.credentials[i];

                if (!entry->watch && has_own_policy(config, entry))
                        check_policy(config, config_section_of(entry), entry->name, &entry->policy,
                                &rhythm);
        }
}

void self_check_directories(Config *config, int root_fd, const Inventory *inventory)
{
        autoptr(UnitNeeds) needs = unit_needs(root_fd, config, inventory);

        for (size_t i = 0; i < needs->n; i++) {
                const char *file = needs->directories[i].file;
                Error error = {};
                int r = fs_test_writable(root_fd, file, &error);

                if (unit_needs_hint(&error, r, root_fd, file) == -EROFS)
                        strv_add(&config->warnings, error.text);
        }
}

/* Whoever may write there could change what everybody trusts; no care of ours helps against that.
 */
static void check_hands(Config *config, int root_fd, const char *path)
{
        Error error = {};

        if (!path || path[0] != '/' || fs_check_place(root_fd, path, FS_OWN_HANDS, &error) >= 0)
                return;
        autofree char *warning = xasprintf("%s, who could put keys and certificates of their own "
                                           "in the place of ours; 'chmod go-w' it",
                error.text);
        if (!strv_contains(config->warnings, warning))
                strv_add(&config->warnings, warning);
}

void self_check_hands(Config *config, int root_fd, const Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                check_hands(config, root_fd, inventory->items[i].path);
                check_hands(config, root_fd, inventory->items[i].key_path);
        }
        for (size_t i = 0; i < inventory->n_copies; i++)
                check_hands(config, root_fd, inventory->copies[i].target->path);
}
