/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plane.h"

#include "base/json.h"
#include "kube/cri.h"
#include "renew/backup/backup.h"
#include "renew/pass.h"
#include "renew/report/report.h"

#include <ftw.h>
#include <signal.h>

#define STATE     "/var/lib/kube-renewd"
#define DEPTH     16
#define DIRECTORY " 40"      /* the type in its mode */
#define SECOND    1000000000 /* nanoseconds */

/* Who reads its credentials once, when it starts. */
static const struct {
        const char *component, *path;
} readers[] = {
        {"kube-controller-manager", "/etc/kubernetes/controller-manager.conf"},
        {"kube-scheduler", "/etc/kubernetes/scheduler.conf"},
};

/* nftw() passes no argument on. */
static const Scene *walked;
static char **lines;

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Backups have names that are never the same, and what is below /run is gone after a boot. */
static int list_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        const char *below = path + strlen(walked->root);

        if (!starts_with(below, STATE "/backups/") && !starts_with(below, "/run"))
                strv_take(&lines, xasprintf("%s %o", below, st->st_mode));
        return 0;
}

static char *list_paths(const Plane *plane)
{
        char *text;

        walked = &plane->scene;
        lines = NULL;
        nftw(plane->scene.root, list_one, DEPTH, FTW_PHYS);
        qsort(lines, strv_length(lines), sizeof(*lines), compare);
        text = strv_join(lines, "\n");
        strv_free(lines);
        return text;
}

/* I2 for who reads what we report: a name without a dot is a whole file. */
bool plane_check_public(const Plane *plane, const char *where)
{
        static const char *const directories[] = {STATE "/public", STATE "/public/alarms"};

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                autostrv names = NULL;

                if (fs_list(plane->scene.root_fd, directories[i], &names, NULL) < 0)
                        continue;
                for (char **name = names; *name; name++) {
                        autofree char *path = xasprintf("%s/%s", directories[i], *name);
                        autoptr(json_t) json = NULL;

                        if (**name != '.' && strstr(*name, ".json") &&
                                json_read_file(plane->scene.root_fd, path, &json, NULL) < 0)
                                return scene_fail(&plane->scene, where,
                                        "I2 a reader sees no whole '%s'", path);
                }
        }
        return true;
}

/* One a line, with where it was raised. */
static char *list_alarms(const Plane *plane)
{
        autoptr(AlarmList) list = NULL;
        char *text = xstrdup("");
        Error error = {};

        if (report_read_alarms(plane->scene.root_fd, plane->scene.config, &list, &error) < 0) {
                free(text);
                return xasprintf("%s\n", error.text);
        }
        for (size_t i = 0; i < list->n; i++) {
                char *before = text;

                text = xasprintf(
                        "%s%s@%s\n", before, list->alarms[i].type, list->alarms[i].resource);
                free(before);
        }
        return text;
}

void plane_learn(Plane *plane)
{
        free(plane->usual_alarms);
        free(plane->usual_paths);
        plane->usual_alarms = list_alarms(plane);
        plane->usual_paths = list_paths(plane);
}

bool plane_has_alarm(const Plane *plane, const char *type)
{
        autofree char *alarms = list_alarms(plane), *start = xasprintf("%s@", type);

        return strstr(alarms, start);
}

/* The first line of `text` that is not in `usual`; NULL: there is none. The caller frees. */
static char *first_unusual(const char *text, const char *usual)
{
        autofree char *all = xasprintf("\n%s\n", usual);

        for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
                autofree char *line = xasprintf("\n%.*s\n", (int)strcspn(p, "\n"), p);

                if (!strstr(all, line))
                        return xstrndup(p, strcspn(p, "\n"));
        }
        return NULL;
}

/* Is the container that runs now younger than what it has read? Asked for with nothing of the
 * restart stage. */
static bool is_started_since(const Plane *plane, Cri *cri, const char *component, const char *path)
{
        autoptr(CriList) list = NULL;
        autofree char *file = xasprintf("%s%s", plane->scene.root, path);
        struct stat st;

        if (cri_list(cri, "kube-system", component, component, &list, NULL) < 0 || list->n == 0 ||
                stat(file, &st) < 0)
                return false;
        return list->containers[0].state == CRI_RUNNING &&
               list->containers[0].created_at >=
                       (int64_t)st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec;
}

static bool check_readers(const Plane *plane, const char *where)
{
        autoptr(Cri) cri = NULL;
        Error error = {};

        if (cri_connect(plane->scene.root_fd, NULL, &cri, &error) < 0)
                return scene_fail(&plane->scene, where, "%s", error.text);
        for (size_t i = 0; i < ELEMENTSOF(readers); i++)
                if (!is_started_since(plane, cri, readers[i].component, readers[i].path))
                        return scene_fail(&plane->scene, where, "I6 '%s' still uses an old '%s'",
                                readers[i].component, readers[i].path);
        return true;
}

/* I6: what ends well has nothing left to do. */
bool plane_check_done(const Plane *plane, const char *where)
{
        autostrv owed = NULL;

        if (fs_list(plane->scene.root_fd, STATE "/owed", &owed, NULL) >= 0 && *owed)
                return scene_fail(&plane->scene, where, "I6 '%s' is still owed", *owed);
        /* A copy is no certificate: that it is left behind is told, and it follows. */
        if (!plane_has_alarm(plane, "stale-copy") && !scene_check_renewed(&plane->scene, where))
                return false;
        return scene_check_due(&plane->scene, where) && check_readers(plane, where);
}

/* It was killed when all was done, and said (renew/state/reported.h). */
static bool has_reported(const Plane *plane)
{
        autoptr(FileImage) mark = NULL;

        return fs_read_file(plane->scene.root_fd, STATE "/reported", FS_SIZE_MAX, &mark, NULL) >=
                       0 &&
               starts_with((const char *)mark->data, plane->invocation);
}

/* I7: an alarm that is not there without a fault; unless it has come to its usual end, which is not
 * 0 where a certificate is somebody else's. */
bool plane_check_alarm(const Plane *plane, int status, const char *where)
{
        autofree char *alarms = list_alarms(plane);
        autofree char *raised = first_unusual(alarms, plane->usual_alarms);

        if (raised || status == EXIT_DONE)
                return true;
        if (status == plane->usual[0] || (status == 128 + SIGKILL && has_reported(plane)))
                return plane_check_done(plane, where);
        return scene_fail(&plane->scene, where, "I7 it ends with %d and leaves no alarm", status);
}

static bool check_lines(const Plane *plane, const char *text, const char *usual, const char *where)
{
        autofree char *more = first_unusual(text, usual), *less = first_unusual(usual, text);

        if (more)
                return scene_fail(&plane->scene, where, "'%s' is left", more);
        /* A directory may be one that only an alarm needs. */
        return !less || strstr(less, DIRECTORY) ||
               scene_fail(&plane->scene, where, "'%s' is missing", less);
}

bool plane_check_usual(const Plane *plane, const char *where)
{
        autofree char *alarms = list_alarms(plane), *paths = list_paths(plane);

        return check_lines(plane, alarms, plane->usual_alarms, where) &&
               check_lines(plane, paths, plane->usual_paths, where);
}

bool plane_check_restore(Plane *plane, const char *where)
{
        autoptr(BackupList) list = NULL;
        Error error = {};

        if (backup_list(plane->scene.root_fd, STATE, &list, &error) < 0)
                return scene_fail(&plane->scene, where, "I10 %s", error.text);
        for (size_t i = 0; i < list->n; i++)
                (void)!plane_restore(plane, list->backups[i].id);
        for (size_t i = 0; i < plane->scene.n_files; i++) {
                const SceneFile *file = &plane->scene.files[i];
                autoptr(FileImage) image = NULL;

                if (fs_read_file(plane->scene.root_fd, file->path, FS_SIZE_MAX, &image, NULL) < 0 ||
                        !digest_equal(&image->digest, &file->image->digest))
                        return scene_fail(
                                &plane->scene, where, "I10 '%s' is not restored", file->path);
        }
        return true;
}
