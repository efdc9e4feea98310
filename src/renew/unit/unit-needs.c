/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/unit/unit-needs.h"

#include "base/escape.h"
#include "base/path.h"
#include "renew/backup/pki-copy.h"
#include "renew/config/copy-find.h"
#include "renew/inventory/rotation.h"
#include "renew/state/renew-request.h"
#include "renew/unit/deadline.h"

#include <fnmatch.h>
#include <inttypes.h>

/* A file of ours that is always in the state directory. */
#define STATE_FILE "lock"

/* Programs, units, settings and logins are there: never writable as a whole, fnmatch(3). */
static const char *const guarded[] = {"/", "/bin", "/boot", "/boot/*", "/dev", "/dev/*", "/efi",
        "/etc", "/etc/cron*", "/etc/pam.d", "/etc/ssh", "/etc/systemd", "/etc/systemd/*", "/home",
        "/home/*", "/lib*", "/opt", "/proc", "/proc/*", "/root", "/root/.ssh", "/run",
        "/run/systemd", "/run/systemd/*", "/sbin", "/sys", "/sys/*", "/usr", "/usr/*",
        "/usr/lib/systemd", "/usr/lib/systemd/*", "/usr/local/*", "/var", "/var/lib", "/var/log",
        "/var/spool", "/var/spool/cron*", NULL};

/* What ProtectSystem=yes closes to the recovery, systemd.exec(5). */
static const char *const closed_to_recovery[] = {"/usr", "/boot", "/efi", NULL};

void unit_needs_free(UnitNeeds *needs)
{
        if (!needs)
                return;
        for (size_t i = 0; i < needs->n; i++) {
                free(needs->directories[i].path);
                free(needs->directories[i].file);
        }
        free(needs->directories);
        free(needs->state_directory);
        strv_free(needs->readers);
        free(needs);
}

static bool is_within(const char *path, const char *directory)
{
        size_t length = streq(directory, "/") ? 0 : strlen(directory);

        return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static bool is_within_any(const char *path, const char *const *directories)
{
        for (; *directories; directories++)
                if (is_within(path, *directories))
                        return true;
        return false;
}

static bool is_guarded(const char *path)
{
        for (const char *const *pattern = guarded; *pattern; pattern++)
                if (fnmatch(*pattern, path, FNM_PATHNAME) == 0)
                        return true;
        return false;
}

/* A line of a unit file is text, and what its values escape is not decoded everywhere. */
static bool is_writable_in_units(const char *path)
{
        autofree char *safe = escape_text(path);

        return streq(safe, path);
}

/* What is not there yet is where the configuration says. */
static char *directory_of(int root_fd, const char *path)
{
        char *directory = NULL;

        if (fs_real_directory(root_fd, path, &directory, NULL) >= 0)
                return directory;
        autofree char *parent = path_join(path, "..");
        return path_normalize(parent);
}

/* A file that somebody may replace. */
static void add_file(UnitNeeds *needs, int root_fd, const char *path)
{
        if (!path)
                return;
        needs->directories =
                xreallocarray(needs->directories, needs->n + 1, sizeof(*needs->directories));
        needs->directories[needs->n++] =
                (NeededDirectory){.path = directory_of(root_fd, path), .file = xstrdup(path)};
}

static void add_pattern(UnitNeeds *needs, int root_fd, const CopyEntry *entry)
{
        autofree char *below = copy_pattern_place(entry);
        autofree char *directory = below ? directory_of(root_fd, below) : NULL;

        if (directory && !is_guarded(directory))
                add_file(needs, root_fd, below);
}

/* Certificates and kubeconfigs, wherever a kubeconfig has the files of its users. */
static void add_item(UnitNeeds *needs, int root_fd, const Item *item)
{
        if (item_is_leaf(item) &&
                (!credential_is_only_read(item->entry) || rotation_is_kept(item))) {
                add_file(needs, root_fd, item->path);
                add_file(needs, root_fd, item->key_path);
        }
}

static void add_files(
        UnitNeeds *needs, int root_fd, const Config *config, const Inventory *inventory)
{
        const Layout *layout = &config->layout;
        autofree char *state = path_join(config->state_directory, STATE_FILE);

        add_file(needs, root_fd, state);
        needs->directories[0].is_state = true;
        for (char **path = config->pki_directories; path && *path; path++) {
                autofree char *copies = pki_copy_directory(*path);

                add_file(needs, root_fd, copies);
        }
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (credential_is_only_read(entry))
                        continue;
                add_file(needs, root_fd, entry->path);
                add_file(needs, root_fd, entry->key);
        }
        for (size_t i = 0; i < inventory->n_items; i++)
                add_item(needs, root_fd, &inventory->items[i]);
        for (size_t i = 0; i < layout->n_copy_targets; i++)
                add_file(needs, root_fd, layout->copy_targets[i].path);
        for (size_t i = 0; i < layout->n_copies; i++)
                add_pattern(needs, root_fd, &layout->copies[i]);
        /* Moved out and back where no runtime can be asked. */
        for (size_t i = 0; i < layout->n_components; i++)
                add_file(needs, root_fd, layout->components[i].manifest);
}

/* A directory before what is below it; of one directory the files in their order. */
static int compare(const void *a, const void *b)
{
        const NeededDirectory *x = a, *y = b;
        int order = strcmp(x->path, y->path);

        return order != 0 ? order : strcmp(x->file, y->file);
}

/* Does allowing one do for the other, too? One that must not be allowed does for itself alone. */
static bool allows(NeededDirectory *one, const NeededDirectory *other)
{
        bool is_same = streq(one->path, other->path);

        one->is_state |= is_same && other->is_state;
        return is_same || (is_within(other->path, one->path) && !is_guarded(one->path));
}

/* Keeps what neither the unit nor another directory of the list allows. */
static void reduce(UnitNeeds *needs)
{
        size_t kept = 0;

        qsort(needs->directories, needs->n, sizeof(*needs->directories), compare);
        for (size_t i = 0; i < needs->n; i++) {
                NeededDirectory *directory = &needs->directories[i];
                bool is_allowed = is_within_any(directory->path, shipped_units.writable);

                for (size_t k = 0; !is_allowed && k < kept; k++)
                        is_allowed = allows(&needs->directories[k], directory);
                if (is_allowed) {
                        free(directory->path);
                        free(directory->file);
                } else {
                        needs->directories[kept++] = *directory;
                }
        }
        needs->n = kept;
}

static void add_reader(UnitNeeds *needs, const char *unit)
{
        if (unit && !strv_contains((char *const *)shipped_units.readers, unit) &&
                !strv_contains(needs->readers, unit))
                strv_add(&needs->readers, unit);
}

UnitNeeds *unit_needs(int root_fd, const Config *config, const Inventory *inventory)
{
        static const char *const temporary[] = {"/tmp", "/var/tmp", NULL};
        UnitNeeds *needs = xcalloc(1, sizeof(*needs));
        int64_t deadline = deadline_of_run(config, inventory);

        add_files(needs, root_fd, config, inventory);
        reduce(needs);
        for (size_t i = 0; i < needs->n; i++)
                needs->in_tmp |= is_within_any(needs->directories[i].path, temporary);
        for (size_t i = 0; i < config->layout.n_cas; i++)
                needs->has_token |= ca_has_token(&config->layout.cas[i]);
        needs->timeout = deadline > shipped_units.timeout ? deadline : 0;
        if (!streq(config->state_directory, CONFIG_STATE_DIRECTORY) &&
                is_writable_in_units(config->state_directory))
                needs->state_directory = xstrdup(config->state_directory);
        add_reader(needs, config->kubelet_unit);
        for (size_t i = 0; i < config->layout.n_components; i++)
                add_reader(needs, config->layout.components[i].unit);
        return needs;
}

/* A word as systemd.syntax(7) reads it; "%" begins a specifier. The caller frees. */
static char *quote(const char *prefix, const char *path)
{
        char *quoted = xcalloc(strlen(path) + 1, 2), *out = quoted;
        bool is_plain = true;

        for (const char *in = path; *in; in++) {
                unsigned char c = (unsigned char)*in;

                is_plain &= c > ' ' && !strchr("\"'\\;#", c);
                if (c == '%' || c == '\\' || c == '"')
                        *out++ = c == '"' ? '\\' : *in;
                *out++ = *in;
        }
        *out = '\0';
        char *word = is_plain ? xasprintf("%s%s", prefix, quoted)
                              : xasprintf("\"%s%s\"", prefix, quoted);
        free(quoted);
        return word;
}

/* "%" begins a specifier; nothing else is special where a value is no list of words. */
static char *escape_specifiers(const char *text)
{
        char *escaped = xcalloc(strlen(text) + 1, 2), *out = escaped;

        for (; *text; text++) {
                if (*text == '%')
                        *out++ = '%';
                *out++ = *text;
        }
        return escaped;
}

static void print_readers(FILE *out, const UnitNeeds *needs)
{
        autofree char *joined = strv_join(needs->readers, " ");
        autofree char *units = escape_specifiers(joined);

        if (needs->readers)
                fprintf(out, "# They read certificates when they start.\nBefore=%s\n", units);
}

char *needed_directory_problem(const NeededDirectory *directory)
{
        autofree char *path = escape_text(directory->path), *file = escape_text(directory->file);

        if (!is_writable_in_units(directory->path))
                return xasprintf("'%s' is out of the service's reach: no unit can name '%s'; move "
                                 "the file into a directory without control characters",
                        file, path);
        if (is_guarded(directory->path))
                return xasprintf("'%s' is out of the service's reach: '%s' must not be writable as "
                                 "a whole; move the file into a directory of its own",
                        file, path);
        return NULL;
}

/* What is not there is passed over ("-"); but without the state directory nothing can be done. */
static void print_directory(FILE *out, const NeededDirectory *directory)
{
        autofree char *problem = needed_directory_problem(directory);
        autofree char *word = quote(directory->is_state ? "" : "-", directory->path);
        autofree char *file = escape_text(directory->file);

        if (problem)
                fprintf(out, "# %s.\n", problem);
        else if (directory->is_state)
                fprintf(out, "# For the state; first 'mkdir -m 711 -p %s'.\n", directory->path);
        else
                fprintf(out, "# To replace %s.\n", file);
        if (is_writable_in_units(directory->path))
                fprintf(out, "%sReadWritePaths=%s\n", problem ? "# " : "", word);
}

static void print_directories(FILE *out, const UnitNeeds *needs)
{
        for (size_t i = 0; i < needs->n; i++)
                print_directory(out, &needs->directories[i]);
}

static void print_tmp(FILE *out, const UnitNeeds *needs)
{
        if (needs->in_tmp)
                fprintf(out, "# Else it has a /tmp and a /var/tmp of its own.\nPrivateTmp=no\n");
}

static void print_service(FILE *out, const UnitNeeds *needs)
{
        if (needs->has_token)
                fprintf(out, "# Also: pkcs11.conf, for a CA key in a token; see 'CA KEYS IN A "
                             "TOKEN' in\n"
                             "# kube-renewd-operations(7).\n");
        if (needs->n > 0 || needs->timeout > 0)
                fprintf(out, "\n[Service]\n");
        print_directories(out, needs);
        print_tmp(out, needs);
        if (needs->timeout > 0)
                fprintf(out,
                        "# What may be waited for adds up to this, if everything goes wrong.\n"
                        "TimeoutStartSec=%" PRId64 "min\n",
                        (needs->timeout + MINUTE - 1) / MINUTE);
}

static bool is_closed_to_recovery(const UnitNeeds *needs)
{
        for (size_t i = 0; i < needs->n; i++)
                if (is_within_any(needs->directories[i].path, closed_to_recovery))
                        return true;
        return false;
}

static void print_recover(FILE *out, const UnitNeeds *needs)
{
        if (needs->state_directory || needs->readers)
                fprintf(out, "\n[Unit]\n");
        if (needs->state_directory) {
                autofree char *word = quote("", needs->state_directory);
                autofree char *path = escape_specifiers(needs->state_directory);

                fprintf(out, "# What is unfinished is there.\nRequiresMountsFor=%s\n", word);
                for (const UnfinishedSign *sign = shipped_units.unfinished; sign->key; sign++)
                        fprintf(out, "%s=|%s/%s\n", sign->key, path, sign->name);
        }
        print_readers(out, needs);
        if (needs->in_tmp || is_closed_to_recovery(needs))
                fprintf(out, "\n[Service]\n");
        for (size_t i = 0; i < needs->n; i++)
                if (is_within_any(needs->directories[i].path, closed_to_recovery))
                        print_directory(out, &needs->directories[i]);
        print_tmp(out, needs);
}

static void print_failure(FILE *out, const UnitNeeds *needs)
{
        if (!needs->state_directory)
                return;
        autofree char *word = quote("STATE_DIRECTORY=", needs->state_directory);

        fprintf(out, "\n[Service]\n# It reads no configuration.\nEnvironment=%s\n", word);
}

static void print_requested(FILE *out, const UnitNeeds *needs)
{
        if (!needs->state_directory)
                return;
        autofree char *directory = renew_request_directory(needs->state_directory);
        autofree char *path = escape_specifiers(directory);

        fprintf(out, "\n[Path]\n# It reads no configuration.\nPathChanged=\nPathChanged=%s\n",
                path);
}

const char *const unit_needs_units[] = {
        SERVICE_UNIT, RECOVER_UNIT, FAILURE_UNIT, REQUESTED_UNIT, NULL};

/* What stands below the head of the drop-in; "" if nothing is needed. */
static char *body_of(const UnitNeeds *needs, const char *unit)
{
        static const struct {
                const char *unit;
                void (*print)(FILE *out, const UnitNeeds *needs);
        } bodies[] = {
                {SERVICE_UNIT, print_service},
                {RECOVER_UNIT, print_recover},
                {FAILURE_UNIT, print_failure},
                {REQUESTED_UNIT, print_requested},
        };
        char *text = NULL;
        size_t size;
        FILE *out = xcheck(open_memstream(&text, &size));

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                if (streq(bodies[i].unit, unit))
                        bodies[i].print(out, needs);
        if (fclose(out) != 0)
                abort();
        return text;
}

char *unit_needs_drop_in(const UnitNeeds *needs, const char *unit)
{
        autofree char *body = body_of(needs, unit), *others = xstrdup("");

        if (!body[0])
                return xasprintf("# %s needs no drop-in for this configuration.\n", unit);
        for (const char *const *other = unit_needs_units + 1; *other; other++) {
                autofree char *before = others, *needed = body_of(needs, *other);

                others = xasprintf("%s%s%s%s", before,
                        needed[0] ? "# Also: kube-renewd config --drop-in " : "",
                        needed[0] ? *other : "", needed[0] ? "\n" : "");
        }
        return xasprintf(
                "# /etc/systemd/system/%s.d/50-configuration.conf\n"
                "# What the configuration needs beyond the unit as it is shipped. Print it "
                "anew, and\n"
                "# 'systemctl daemon-reload', when the configuration has changed.\n%s%s",
                unit, streq(unit, SERVICE_UNIT) ? others : "", body);
}

/* The shipped unit allows some: what is read-only there is so for another reason. */
static bool may_lack(int root_fd, const char *path, int r, NeededDirectory *ret)
{
        autofree char *directory = r == -EROFS ? directory_of(root_fd, path) : NULL;

        if (!directory || is_within_any(directory, shipped_units.writable))
                return false;
        *ret = (NeededDirectory){.path = TAKE(directory), .file = (char *)path};
        return true;
}

int unit_needs_hint(Error *reterr, int r, int root_fd, const char *path)
{
        NeededDirectory lacking;

        if (!reterr || !may_lack(root_fd, path, r, &lacking))
                return r;
        autofree char *directory = lacking.path, *problem = needed_directory_problem(&lacking);
        const Error before = *reterr;

        if (problem)
                return error_set(reterr, r, "%s; %s", before.text, problem);
        return error_set(reterr, r,
                "%s; unless the file system itself is read-only, 'ReadWritePaths=%s' in the unit "
                "of the service would allow it: 'kube-renewd config --drop-in' prints what it "
                "lacks",
                before.text, directory);
}

int unit_needs_hint_state(Error *reterr, int r, int root_fd, const char *state_directory)
{
        autofree char *path = path_join(state_directory, STATE_FILE);
        NeededDirectory lacking;

        if (!reterr || !may_lack(root_fd, path, r, &lacking))
                return r;
        const Error before = *reterr;

        free(lacking.path);
        error_set(reterr, r, "%s; first 'mkdir -m 711 -p %s'", before.text, state_directory);
        return unit_needs_hint(reterr, r, root_fd, path);
}
