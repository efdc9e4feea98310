/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/renew-request.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/time-util.h"

#include <fcntl.h>

#define DIRECTORY   "renew-requested"
#define NOTE        "sha256:"
#define RECEIPT_MAX ((size_t)4096) /* what is longer is no receipt, nor a note */

char *renew_request_directory(const char *state_directory)
{
        return xasprintf("%s/" DIRECTORY, state_directory);
}

char *renew_request_file_name(const char *name)
{
        return escape_file_name(name);
}

static char *path_of(const char *state_directory, const char *file_name)
{
        return xasprintf("%s/" DIRECTORY "/%s", state_directory, file_name);
}

/* 1 if there is such a file, and it is for us to read. */
static int find(int root_fd, const char *path, Error *reterr)
{
        struct stat st;
        autofd int fd = fs_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, reterr);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (fstat(fd, &st) < 0)
                return error_errno(reterr, -errno, "cannot stat '%s'", path);
        if (!S_ISREG(st.st_mode))
                return error_set(reterr, -EINVAL, "'%s' is no regular file", path);
        if (fs_check_place(root_fd, path, FS_OUR_HANDS, reterr) < 0)
                return -EPERM;
        return 1;
}

/* The first word is a time, and nothing but RFC 3339. */
static bool begins_with_time(const char *text, int64_t *ret)
{
        char word[TIME_TEXT_SIZE];
        size_t length = strcspn(text, " \n");

        if (length >= sizeof(word) || length < sizeof("2006-01-02T") || text[10] != 'T')
                return false;
        memcpy(word, text, length);
        word[length] = '\0';
        return time_parse(word, ret) >= 0;
}

/* "sha256:DIGEST TIME" of the certificate that is in place. */
static bool is_note_of(const char *text, const Digest *in_place, int64_t *ret)
{
        size_t prefix = strlen(NOTE), length = strlen(text);
        char hex[DIGEST_HEX_SIZE];

        if (!in_place || strncmp(text, NOTE, prefix) != 0 || length <= prefix + DIGEST_HEX_SIZE)
                return false;
        digest_format(in_place, hex);
        text += prefix;
        return strncmp(text, hex, strlen(hex)) == 0 && text[strlen(hex)] == ' ' &&
               begins_with_time(text + strlen(hex) + 1, ret);
}

int renew_request_look(int root_fd, const char *state_directory, const char *file_name,
        const Digest *in_place, RenewRequest *ret, Error *reterr)
{
        autofree char *path = path_of(state_directory, file_name);
        autoptr(FileImage) file = NULL;
        RenewRequest request = {};
        int64_t t;
        int r;

        r = find(root_fd, path, reterr);
        if (r > 0)
                r = fs_read_file(root_fd, path, RECEIPT_MAX, &file, reterr);
        if (r < 0 && r != -EFBIG && r != -ENOENT)
                return r;
        if (r == -EFBIG || (file && !begins_with_time((char *)file->data, &t)))
                request.state = RENEW_REQUEST_OPEN;
        if (file && is_note_of((char *)file->data, in_place, &request.renewed_at))
                request.state = RENEW_REQUEST_ANSWERED;
        *ret = request;
        return 0;
}

int renew_request_note(int root_fd, const char *state_directory, const char *file_name,
        const Digest *made, int64_t now, Error *reterr)
{
        autofree char *path = path_of(state_directory, file_name), *text = NULL;
        char hex[DIGEST_HEX_SIZE], t[TIME_TEXT_SIZE];

        digest_format(made, hex);
        text = xasprintf(NOTE "%s %s\n", hex, time_format(now, t));
        return fs_write_file(root_fd, path, text, strlen(text), 0600, reterr);
}

int renew_request_answer(int root_fd, const char *state_directory, const char *file_name, int64_t t,
        const char *refusal, Error *reterr)
{
        autofree char *path = path_of(state_directory, file_name);
        char time[TIME_TEXT_SIZE];
        autofree char *text = xasprintf("%s%s%s\n", time_format(t, time),
                refusal ? " refused: " : "", refusal ? refusal : "");

        return fs_write_file(root_fd, path, text, strlen(text), 0600, reterr);
}
