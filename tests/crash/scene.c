/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include "base/time-util.h"
#include "renew/assess/assess.h"
#include "renew/backup/backup.h"

#include <ftw.h>
#include <sys/xattr.h>

#define STATE      "/var/lib/kube-renewd"
#define ODD_MODE   0640 /* of admin.conf and apiserver.key: what a site may have set */
#define ODD_XATTR  "user.kube-renewd-test"
#define ODD_VALUE  "kept"
#define SOURCE     "/etc/kubernetes/admin.conf"
#define COPY       "/root/.kube/config" /* of it, by the layout */
#define TEMPORARY  ".kube-renewd-"
#define SIZE_LIMIT ((size_t)1 << 20)

/* nftw() passes no argument on. */
static Scene *walked_scene;
static const char *walked_prefix;

static void die(const char *what)
{
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static int load_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        Scene *scene = walked_scene;
        autofd int root_fd = fs_open_root("/", NULL);
        SceneFile file = {};

        if (type != FTW_F)
                return 0;
        file.path = xasprintf("/etc/kubernetes%s", path + strlen(walked_prefix));
        if (fs_read_file(root_fd, path, SIZE_LIMIT, &file.image, NULL) < 0)
                die(path);
        scene->files = xreallocarray(scene->files, scene->n_files + 1, sizeof(SceneFile));
        scene->files[scene->n_files++] = file;
        return 0;
}

static const char few_due[] = "[renewal]\nRenewBefore=1h\n"
                              "[certificate apiserver]\nRenewBefore=15d\n"
                              "[kubeconfig admin.conf]\nRenewBefore=15d\n";

static void configure(const Scene *scene)
{
        if (scene->few &&
                (fs_make_directories(scene->root_fd, "/etc/kube-renewd", 0755, NULL) < 0 ||
                        fs_write_file(scene->root_fd, "/etc/kube-renewd/kube-renewd.conf", few_due,
                                sizeof(few_due) - 1, 0644, NULL) < 0))
                die("kube-renewd.conf");
}

Scene scene_new(const char *tree, const char *at, bool few)
{
        Scene scene = {.few = few,
                .tree = realpath(tree, NULL),
                .scratch = xasprintf("%s/sweep-XXXXXX", getenv("TMPDIR") ?: "/tmp")};
        Error error = {};

        if (!scene.tree || time_parse(at, &scene.now) < 0 || !mkdtemp(scene.scratch))
                die(tree);
        walked_scene = &scene;
        walked_prefix = scene.tree;
        if (nftw(scene.tree, load_one, 16, FTW_PHYS) != 0)
                die(tree);
        scene.root = xasprintf("%s/root", scene.scratch);
        if (mkdir(scene.root, 0755) < 0)
                die(scene.root);
        scene.root_fd = fs_open_root(scene.root, NULL);
        configure(&scene);
        if (config_load(scene.root_fd, &(ConfigOptions){.layout = "kubeadm"}, &scene.config,
                    &error) < 0)
                die(error.text);
        return scene;
}

void scene_free(Scene *scene)
{
        nftw(scene->scratch, remove_one, 16, FTW_PHYS | FTW_DEPTH);
        for (size_t i = 0; i < scene->n_files; i++) {
                free(scene->files[i].path);
                file_image_free(scene->files[i].image);
        }
        free(scene->files);
        config_free(scene->config);
        close(scene->root_fd);
        free(scene->tree);
        free(scene->scratch);
        free(scene->root);
}

static bool ends_with(const char *s, const char *suffix)
{
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && streq(s + n - m, suffix);
}

static mode_t mode_of(const char *path)
{
        if (ends_with(path, "/admin.conf") || ends_with(path, "/apiserver.key"))
                return ODD_MODE;
        return ends_with(path, ".crt") ? 0644 : 0600;
}

/* Not by our own fs_write_file(): what is tested must not make its own test data. */
static void put(const char *path, const FileImage *image)
{
        FILE *f = fopen(path, "we");

        if (!f || fwrite(image->data, 1, image->size, f) != image->size || fclose(f) != 0)
                die(path);
}

static void put_copy(const Scene *scene, const FileImage *image)
{
        autofree char *path = xasprintf("%s" COPY, scene->root);

        if (fs_make_directories(scene->root_fd, "/root/.kube", 0755, NULL) < 0)
                die(path);
        put(path, image);
        if (chmod(path, ODD_MODE) < 0)
                die(path);
}

void scene_reset(Scene *scene)
{
        if (fs_remove_tree(scene->root_fd, "/etc", NULL) < 0 ||
                fs_remove_tree(scene->root_fd, "/root", NULL) < 0 ||
                fs_remove_tree(scene->root_fd, "/var", NULL) < 0)
                die(scene->root);
        configure(scene);
        for (size_t i = 0; i < scene->n_files; i++) {
                autofree char *path = xasprintf("%s%s", scene->root, scene->files[i].path);
                autofree char *parent = xstrndup(scene->files[i].path,
                        (size_t)(strrchr(scene->files[i].path, '/') - scene->files[i].path));

                if (fs_make_directories(scene->root_fd, parent, 0755, NULL) < 0)
                        die(path);
                put(path, scene->files[i].image);
                if (chmod(path, mode_of(path)) < 0)
                        die(path);
                if (ends_with(path, "/apiserver.key"))
                        (void)!setxattr(path, ODD_XATTR, ODD_VALUE, strlen(ODD_VALUE), 0);
                if (streq(scene->files[i].path, SOURCE))
                        put_copy(scene, scene->files[i].image);
        }
}

bool scene_fail(const Scene *scene, const char *where, const char *format, ...)
{
        va_list args;

        printf("# after %s: ", where);
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        printf("\n");
        return false;
}

static FileImage *look_at(const Scene *scene, const char *path)
{
        FileImage *image = NULL;

        return fs_read_file(scene->root_fd, path, SIZE_LIMIT, &image, NULL) < 0 ? NULL : image;
}

static bool is_complete(const FileImage *image)
{
        autoptr(Kubeconfig) config = NULL;
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;

        if (ends_with(image->path, ".conf"))
                return kubeconfig_parse(image->data, image->size, &config, NULL) >= 0;
        if (ends_with(image->path, ".crt"))
                return cert_list_parse(image->data, image->size, &list, NULL) >= 0;
        return !ends_with(image->path, ".key") ||
               key_parse(image->data, image->size, &key, NULL) >= 0;
}

/* I2: at every instant every file is there, and whole. */
bool scene_check_readers(const Scene *scene, const char *where)
{
        for (size_t i = 0; i < scene->n_files; i++) {
                autoptr(FileImage) image = look_at(scene, scene->files[i].path);

                if (!image || !is_complete(image))
                        return scene_fail(scene, where, "I2 a reader sees no whole '%s'",
                                scene->files[i].path);
        }
        return true;
}

/* A copy is what its source is; after a fault it may be what the source was, or was to be, and
 * follows at the next pass (`parted`). */
static bool check_copy(const Scene *scene, bool parted, const char *where)
{
        autoptr(FileImage) copy = look_at(scene, COPY);
        autoptr(FileImage) source = look_at(scene, SOURCE);
        autoptr(Kubeconfig) config = NULL;

        if (!copy || !source || (copy->st.st_mode & 07777) != ODD_MODE)
                return scene_fail(scene, where, "I3 '" COPY "' is not as it was");
        return digest_equal(&copy->digest, &source->digest) ||
               (parted && kubeconfig_parse(copy->data, copy->size, &config, NULL) >= 0) ||
               scene_fail(scene, where, "'" COPY "' is no copy any more");
}

static bool may_change(const char *path)
{
        static const char *const never[] = {"/ca.crt", "/ca.key", "/front-proxy-ca.crt",
                "/front-proxy-ca.key", "/sa.key", "/sa.pub", "/kubelet.conf"};

        for (size_t i = 0; i < ELEMENTSOF(never); i++)
                if (ends_with(path, never[i]))
                        return false;
        return !strstr(path, "/manifests/");
}

/* I4: every line is the same but those of the two scalars. */
static bool differs_only_in_scalars(const FileImage *old, const FileImage *fresh)
{
        const char *a = (const char *)old->data, *b = (const char *)fresh->data;

        while (*a && *b) {
                size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
                size_t indent = strspn(a, " ");
                bool scalar = starts_with(a + indent, "client-certificate-data: ") ||
                              starts_with(a + indent, "client-key-data: ");

                if (!scalar && (n != m || memcmp(a, b, n) != 0))
                        return false;
                a += n + (a[n] == '\n');
                b += m + (b[m] == '\n');
        }
        return *a == *b;
}

static bool check_file(const Scene *scene, const SceneFile *file, const char *where)
{
        autoptr(FileImage) image = look_at(scene, file->path);
        autofree char *path = xasprintf("%s%s", scene->root, file->path);
        char value[16] = "";

        if (!image)
                return scene_fail(scene, where, "'%s' is gone", file->path);
        if (!may_change(file->path) && !digest_equal(&image->digest, &file->image->digest))
                return scene_fail(scene, where, "I9 '%s' was changed", file->path);
        if ((image->st.st_mode & 07777) != mode_of(file->path) || image->st.st_uid != geteuid())
                return scene_fail(
                        scene, where, "I3 '%s' has mode %o", file->path, image->st.st_mode & 07777);
        if (ends_with(path, "/apiserver.key") &&
                getxattr(path, ODD_XATTR, value, sizeof(value)) < 0 && errno != ENOTSUP)
                return scene_fail(scene, where, "I3 '%s' lost its extended attribute", file->path);
        if (ends_with(path, ".conf") && !differs_only_in_scalars(file->image, image))
                return scene_fail(
                        scene, where, "I4 '%s' differs in more than two scalars", file->path);
        return true;
}

/* I5: no temporary file, and no key outside of targets and backups, which only root reads. */
static const char *stray;

static int find_stray(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        const char *name = path + ftw->base;
        const char *below = path + strlen(walked_scene->root);

        if (starts_with(name, TEMPORARY))
                stray = xstrdup(path);
        else if (starts_with(below, STATE "/backups") && (st->st_mode & 077) != 0)
                stray = xstrdup(path);
        else if (type == FTW_F && !starts_with(below, STATE "/backups") &&
                 !starts_with(below, "/etc/kubernetes")) {
                autoptr(FileImage) image = look_at(walked_scene, below);

                if (image && memmem(image->data, image->size, "PRIVATE KEY", strlen("PRIVATE KEY")))
                        stray = xstrdup(path);
        }
        return stray != NULL;
}

static bool check_strays(const Scene *scene, const char *where)
{
        bool good;

        walked_scene = (Scene *)scene;
        stray = NULL;
        nftw(scene->root, find_stray, 16, FTW_PHYS);
        good = !stray ||
               scene_fail(scene, where, "I5 '%s' should not be there, or not be readable", stray);
        free((char *)stray);
        return good;
}

static Assessment *look(const Scene *scene, Inventory **ret_inventory, History **ret_history)
{
        Error error = {};

        if (inventory_read(scene->root_fd, scene->config, ret_inventory, &error) < 0)
                die(error.text);
        *ret_history = history_new();
        return assess(*ret_inventory, scene->config, *ret_history, scene->now);
}

/* I1 I3 I4 I5 I9, once recovery has run. */
bool scene_check_whole(const Scene *scene, const char *where)
{
        autoptr(Inventory) inventory = NULL;
        autoptr(History) history = NULL;
        autoptr(Assessment) assessment = look(scene, &inventory, &history);
        bool good = check_strays(scene, where);

        for (size_t i = 0; i < inventory->n_items; i++) {
                State s = assessment->verdicts[i].state;

                if (s != STATE_OK && s != STATE_EXPIRING && s != STATE_EXPIRED)
                        good = scene_fail(scene, where, "I1 '%s' is %s", inventory->items[i].name,
                                state_name(s));
        }
        for (size_t i = 0; i < scene->n_files; i++)
                good &= check_file(scene, &scene->files[i], where);
        good &= check_copy(scene, true, where);
        return good;
}

/* I6: nothing that is due is left. */
bool scene_check_due(const Scene *scene, const char *where)
{
        autoptr(Inventory) inventory = NULL;
        autoptr(History) history = NULL;
        autoptr(Assessment) assessment = look(scene, &inventory, &history);

        if (assessment->n_due > 0)
                return scene_fail(
                        scene, where, "I6 %zu certificates are still due", assessment->n_due);
        return true;
}

bool scene_check_renewed(const Scene *scene, const char *where)
{
        return scene_check_due(scene, where) && check_copy(scene, false, where);
}

static bool is_in_backup(const Scene *scene, const BackupList *list, const char *path)
{
        for (size_t i = 0; i < list->n; i++)
                if (strv_contains(list->backups[i].paths, path))
                        return true;
        return false;
}

/* I10: whatever is not as it was can be had back, and every backup is whole. */
bool scene_check_backups(const Scene *scene, const char *where)
{
        autoptr(BackupList) list = NULL;
        Error error = {};

        if (backup_list(scene->root_fd, STATE, &list, &error) < 0)
                return scene_fail(scene, where, "I10 %s", error.text);
        for (size_t i = 0; i < list->n; i++)
                if (backup_verify(scene->root_fd, STATE, list->backups[i].id, &error) < 0)
                        return scene_fail(scene, where, "I10 %s", error.text);
        for (size_t i = 0; i < scene->n_files; i++) {
                autoptr(FileImage) image = look_at(scene, scene->files[i].path);

                if (image && !digest_equal(&image->digest, &scene->files[i].image->digest) &&
                        !is_in_backup(scene, list, scene->files[i].path))
                        return scene_fail(
                                scene, where, "I10 '%s' is in no backup", scene->files[i].path);
        }
        return true;
}

static FILE *listing;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        const char *below = path + strlen(walked_scene->root);
        autoptr(FileImage) image = type == FTW_F ? look_at(walked_scene, below) : NULL;
        char hex[DIGEST_HEX_SIZE] = "";

        /* The lock holds the PID of who had it last. */
        if (streq(below, STATE "/lock"))
                return 0;
        if (image)
                digest_format(&image->digest, hex);
        fprintf(listing, "%s %o %s\n", below, st->st_mode, hex);
        return 0;
}

static Digest digest_of_everything(const Scene *scene)
{
        char *text = NULL;
        size_t size = 0;
        Digest digest;

        listing = open_memstream(&text, &size);
        walked_scene = (Scene *)scene;
        nftw(scene->root, list_one, 16, FTW_PHYS);
        fclose(listing);
        digest = digest_of(text, size);
        free(text);
        return digest;
}

void scene_remember(Scene *scene)
{
        scene->remembered = digest_of_everything(scene);
}

bool scene_check_remembered(const Scene *scene, const char *where)
{
        Digest now = digest_of_everything(scene);

        return digest_equal(&now, &scene->remembered) ||
               scene_fail(scene, where, "I8 a second recovery changes something");
}
