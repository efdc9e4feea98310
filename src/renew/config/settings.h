/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The grammar of configuration and layouts: [section name], Key=Value, # and ; comments; nothing of
 * their meaning.
 *
 *     autoptr(Settings) settings = settings_new();
 *     r = settings_read(settings, root_fd, "/etc/kube-renewd/kube-renewd.conf", reterr);
 *
 * Files are appended in the order of the calls; what a repeated key means is the reader's affair
 * (renew/config/config.h). Each setting knows its file and line. Anything odd (no section yet, an
 * indented line, "=v", junk behind "]", a NUL, a line over 4096 bytes, a file over 1 MiB) is an
 * error "file:line: what, and what would be right", never silently passed (but see skip_bad_lines).
 * Grammar by inih. */

#include "base/fs.h"
#include "base/shared-text.h"

typedef struct Setting {
        const char *section; /* "certificate" */
        const char *name;    /* "apiserver", or "" for "[renewal]" */
        const char *key;
        char *value;
        const char *file;
        unsigned line; /* 0: not from a file (--layout=) */
} Setting;

typedef struct Settings {
        Setting *items;
        size_t n;
        bool skip_bad_lines; /* for who needs to know one setting, whatever is wrong elsewhere: what
                                stands below a section that is none is skipped, too */
        const char *only_section; /* NULL, or what is kept: "layout", which needs no name; all else
                                     is judged, too, and forgotten */
        void *index;              /* of settings_index(); NULL: none */
} Settings;

Settings *settings_new(void);
void settings_free(Settings *settings);
DEFINE_AUTOPTR(Settings, settings_free)

/* -ENOENT if there is no such file, -EBADMSG for a bad line, -E2BIG for more than 131072 settings,
 * others as fs_read_file(). */
int settings_read(Settings *settings, int root_fd, const char *path, Error *reterr) MUST_USE;

/* The same of a file that has been read, at most SETTINGS_SIZE_MAX of it. */
#define SETTINGS_SIZE_MAX ((size_t)1 << 20)
int settings_parse_file(Settings *settings, const FileImage *file, Error *reterr) MUST_USE;

/* The same from memory, for tests and fuzzing. */
int settings_parse(Settings *settings, const char *file, const char *data, size_t size,
        Error *reterr) MUST_USE;

/* Room for one more, zeroed: the caller fills it with a value that the list owns from now on, and
 * with shared texts (base/shared-text.h): a long list repeats few words. */
Setting *settings_append(Settings *settings);

/* Moves everything to the end of another list. */
void settings_move(Settings *to, Settings *from);

/* Makes settings_last() quick for a list that is complete: what is appended or moved later ends
 * that, and sections, names and keys may not change any more. */
void settings_index(Settings *settings);

/* The last setting of that section, name and key; NULL if there is none. */
const Setting *settings_last(
        const Settings *settings, const char *section, const char *name, const char *key);

/* "file:line", for a message or an origin. The caller frees. */
char *setting_origin(const Setting *setting);

/* Text for a message, cut to about sixty bytes. The caller frees. */
char *settings_excerpt(const char *text);
