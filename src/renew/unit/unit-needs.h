/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the effective configuration needs of the units beyond what they allow as they are shipped,
 * and the drop-in that says so to systemd: the verb `config --drop-in`.
 *
 *     autoptr(UnitNeeds) needs = unit_needs(root_fd, config, inventory);
 *     autofree char *text = unit_needs_drop_in(needs, SERVICE_UNIT);
 *
 * Directories in which something is replaced, as they really are: ReadWritePaths= of
 * systemd.exec(5) does not look behind links. Writes nothing. */

#include "renew/inventory/inventory.h"
#include "renew/unit/shipped.h"

/* A directory that must be writable. */
typedef struct NeededDirectory {
        char *path;
        char *file;    /* the first one in it, for a comment */
        bool is_state; /* the state directory, which must be there */
} NeededDirectory;

/* Why no drop-in allows it: it must never be writable as a whole (/etc, a home), or no unit can
 * name it. NULL if one does. The caller frees. */
char *needed_directory_problem(const NeededDirectory *directory);

typedef struct UnitNeeds {
        NeededDirectory *directories; /* sorted, none below another one that is allowed */
        size_t n;
        bool has_token;        /* a CA key is in one: there is a drop-in for it */
        bool in_tmp;           /* one of the directories is in what PrivateTmp= hides */
        int64_t timeout;       /* seconds; 0: as shipped */
        char *state_directory; /* NULL: as shipped */
        char **readers; /* services that read certificates at their start; NULL: as shipped */
} UnitNeeds;

void unit_needs_free(UnitNeeds *needs);
DEFINE_AUTOPTR(UnitNeeds, unit_needs_free)

UnitNeeds *unit_needs(int root_fd, const Config *config, const Inventory *inventory);

/* The units that may need a drop-in, up to NULL; the first is the one that is meant without a name.
 */
extern const char *const unit_needs_units[];

/* The drop-in for one of them, or a comment that none is needed. The recovery may write
 * anywhere but below /usr, /boot and /efi, waits for nobody, and must not keep the kubelet waiting.
 * The caller frees. */
char *unit_needs_drop_in(const UnitNeeds *needs, const char *unit);

/* Adds to the sentence about a file that could not be written how to get the drop-in, if that may
 * help: -EROFS, and the shipped unit does not allow it; or why no drop-in does. Returns r. */
int unit_needs_hint(Error *reterr, int r, int root_fd, const char *path);

/* The same for the state directory, which must be there first. */
int unit_needs_hint_state(Error *reterr, int r, int root_fd, const char *state_directory);
