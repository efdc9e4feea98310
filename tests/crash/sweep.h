/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The scene of a crash: a control plane in a scratch directory, and the invariants I1 to I10 held
 * against it.
 *
 *     Scene scene = scene_new(tree, at, few);
 *     scene_reset(&scene);                             as genuine kubeadm left it, with odd modes
 * and attributes
 *     ... a faulty run ...
 *     scene_check_readers(&scene, where);              I2: nobody sees an empty or partial file
 *     scene_check_whole(&scene, where);                I1 I3 I4 I5 I9
 *     scene_check_backups(&scene, where);              I10
 *
 * Each check prints what does not hold as a TAP comment and returns false. */

#include "base/fs.h"
#include "renew/config/config.h"

/* A file of the tree as it was before. */
typedef struct SceneFile {
        char *path;
        FileImage *image;
} SceneFile;

typedef struct Scene {
        char *tree; /* where the pristine tree is */
        char *scratch, *root;
        int root_fd;
        int64_t now;
        bool few;
        Config *config;
        SceneFile *files; /* all of the pristine tree, in the order of the walk */
        size_t n_files;
        Digest remembered;
} Scene;

/* few: only the pair of apiserver and admin.conf are due. */
Scene scene_new(const char *tree, const char *at, bool few);
void scene_free(Scene *scene);
void scene_reset(Scene *scene);

bool scene_fail(const Scene *scene, const char *where, const char *format, ...) PRINTF_LIKE(3, 4);
bool scene_check_readers(const Scene *scene, const char *where);
bool scene_check_whole(const Scene *scene, const char *where);
bool scene_check_due(const Scene *scene, const char *where);

/* The same, and the copy is one again. */
bool scene_check_renewed(const Scene *scene, const char *where);
bool scene_check_backups(const Scene *scene, const char *where);

/* The digest of everything below the root: I8. */
void scene_remember(Scene *scene);
bool scene_check_remembered(const Scene *scene, const char *where);
