/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup/backup-manifest.h"

#include "base/json.h"
#include "base/time-util.h"

#include <ctype.h>

#define SCHEMA_VERSION 1
#define FILES_MAX      32768

void backup_manifest_free(BackupManifest *manifest)
{
        if (!manifest)
                return;
        for (size_t i = 0; i < manifest->n_files; i++) {
                free(manifest->files[i].path);
                free(manifest->files[i].name);
        }
        free(manifest->reason);
        free(manifest->version);
        free(manifest->files);
        free(manifest);
}

int backup_id_check(const char *id, Error *reterr)
{
        for (const char *p = id; *p; p++)
                if (!isalnum((unsigned char)*p) && *p != '-')
                        return error_set(reterr, -EINVAL,
                                "'%s' is no name of a backup; 'kube-renewd backup list' lists them",
                                id);
        return *id ? 0 : error_set(reterr, -EINVAL, "the name of a backup is empty");
}

static int read_existing(json_t *object, BackupFile *file)
{
        const char *mode_text, *sha256, *name;
        json_int_t uid, gid;
        unsigned mode;

        if (json_unpack(object, "{s:I, s:I, s:s, s:s, s:s}", "uid", &uid, "gid", &gid, "mode",
                    &mode_text, "sha256", &sha256, "file", &name) < 0)
                return -EBADMSG;
        file->name = xstrdup(name);
        if (strchr(file->name, '/') || file->name[0] == '.' ||
                sscanf(mode_text, "%4o", &mode) != 1 || digest_parse(sha256, &file->digest) < 0)
                return -EBADMSG;
        file->mode = mode & 07777;
        file->uid = (uid_t)uid;
        file->gid = (gid_t)gid;
        return 0;
}

static int read_file(json_t *object, BackupFile *file)
{
        const char *path;
        int existed;

        if (json_unpack(object, "{s:s, s:b}", "path", &path, "existed", &existed) < 0 ||
                path[0] != '/')
                return -EBADMSG;
        file->path = xstrdup(path);
        file->existed = existed;
        return existed ? read_existing(object, file) : 0;
}

static int read_manifest(json_t *json, BackupManifest *manifest)
{
        const char *reason, *time_text, *version;
        json_t *files, *object;
        int schema_version;
        size_t i;

        if (json_unpack(json, "{s:i, s:s, s:s, s:s, s:o}", "schema_version", &schema_version,
                    "reason", &reason, "time", &time_text, "version", &version, "files",
                    &files) < 0 ||
                schema_version != SCHEMA_VERSION || !json_is_array(files) ||
                json_array_size(files) > FILES_MAX || time_parse(time_text, &manifest->time) < 0)
                return -EBADMSG;
        manifest->reason = xstrdup(reason);
        manifest->version = xstrdup(version);
        manifest->files = xcalloc(json_array_size(files), sizeof(BackupFile));
        json_array_foreach(files, i, object)
        {
                if (read_file(object, &manifest->files[manifest->n_files++]) < 0)
                        return -EBADMSG;
        }
        return 0;
}

int backup_manifest_read(int root_fd, const char *backup, BackupManifest **ret, Error *reterr)
{
        autofree char *path = xasprintf("%s/manifest.json", backup);
        autoptr(BackupManifest) manifest = xcalloc(1, sizeof(*manifest));
        autoptr(json_t) json = NULL;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        if (read_manifest(json, manifest) < 0)
                return error_set(reterr, -EBADMSG, "'%s' is no manifest of a backup", path);
        *ret = TAKE(manifest);
        return 0;
}

int backup_manifest_load(
        int root_fd, const char *backup, const BackupFile *file, FileImage **ret, Error *reterr)
{
        autofree char *path = xasprintf("%s/%s", backup, file->name);
        autoptr(FileImage) image = NULL;
        int r;

        r = fs_read_file(root_fd, path, FS_SIZE_MAX, &image, reterr);
        if (r < 0)
                return r;
        if (!digest_equal(&image->digest, &file->digest))
                return error_set(reterr, -EBADMSG,
                        "'%s' is damaged: it is not what was saved of '%s'", path, file->path);
        *ret = TAKE(image);
        return 0;
}
