/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/token.h"

#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define PIN_SIZE_MAX    255
#define CREDENTIAL_NAME "pkcs11-pin"

/* Where a library really is, so that one below another root is not taken for the host's. */
static char *find_module(int root_fd, const char *path, Error *reterr)
{
        autofd int fd = fs_open(root_fd, path, O_RDONLY, 0, reterr);
        autofree char *link = xasprintf("/proc/self/fd/%d", fd);
        char real[PATH_MAX];
        ssize_t n = fd < 0 ? -1 : readlink(link, real, sizeof(real));

        return n > 0 && (size_t)n < sizeof(real) ? xstrndup(real, (size_t)n) : NULL;
}

static char **find_modules(int root_fd, char *const *paths, Error *ret_problem)
{
        char **modules = NULL;

        for (; paths && *paths; paths++) {
                char *module = find_module(root_fd, *paths, ret_problem);

                if (module)
                        strv_take(&modules, module);
        }
        return modules;
}

/* What systemd has put there for this CA alone, or for all. */
static int read_credential(const CaEntry *ca, FileImage **ret, Error *reterr)
{
        const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
        autofree char *own = NULL, *common = NULL;
        autofd int root_fd = -1;
        int r;

        if (!directory)
                return error_set(reterr, -ENOENT,
                        "PINFile= of [pkcs11] is not set, and no service has handed over a "
                        "LoadCredential=" CREDENTIAL_NAME);
        root_fd = fs_open_root("/", reterr);
        if (root_fd < 0)
                return root_fd;
        own = xasprintf("%s/" CREDENTIAL_NAME ".%s", directory, ca->id);
        common = xasprintf("%s/" CREDENTIAL_NAME, directory);
        r = fs_read_file(root_fd, own, PIN_SIZE_MAX + 2, ret, reterr);
        return r != -ENOENT ? r : fs_read_file(root_fd, common, PIN_SIZE_MAX + 2, ret, reterr);
}

/* Without the line break of an editor. */
static int read_pin(
        int root_fd, const Config *config, const CaEntry *ca, Secret **ret, Error *reterr)
{
        const char *path = config->pkcs11.pin_file;
        autoptr(FileImage) file = NULL;
        size_t size;
        int r;

        r = path ? fs_read_file(root_fd, path, PIN_SIZE_MAX + 2, &file, reterr)
                 : read_credential(ca, &file, reterr);
        if (r < 0)
                return r;
        size = file->size;
        while (size > 0 && strchr("\r\n", file->data[size - 1]))
                size--;
        if (size == 0 || size > PIN_SIZE_MAX || memchr(file->data, 0, size))
                return error_set(reterr, -EBADMSG, "what '%s' holds is no PIN",
                        path ? path : CREDENTIAL_NAME);
        *ret = secret_new(file->data, size);
        return 0;
}

int token_open_ca(int root_fd, const Config *config, const InventoryCa *ca, Error *reterr)
{
        autostrv modules = NULL;
        autoptr(Secret) pin = NULL;
        Error no_module = {}, no_pin = {};

        if (!ca->ca || !ca_has_token(ca->entry))
                return 0;
        modules = find_modules(root_fd, config->pkcs11.modules, &no_module);
        (void)!read_pin(root_fd, config, ca->entry, &pin, &no_pin);
        const TokenAccess access = {
                .modules = modules, .no_module = no_module.text, .pin = pin, .no_pin = no_pin.text};

        return ca_open(ca->ca, ca->bundle, ca->entry->key, &access, reterr);
}
