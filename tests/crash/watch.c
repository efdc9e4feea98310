/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of files that are replaced under their eyes.
 *
 *     watch read STOP FILE...          reads all files over and over until STOP exists, and prints
 * each content that it saw: "FILE SHA-256 SIZE" watch load STOP CERTIFICATE KEY  does what
 * kube-apiserver does with a pair (client-go's dynamic certificates over fsnotify): watches both
 * files by inode, watches the name anew when its file went, and loads the pair at each event;
 * prints "loaded SHA-256 SHA-256", or "missing" and "empty" for what such a server must never see
 *
 * Both are to be started before the writer; "ready" is their first line. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <nettle/sha2.h>

#define FILE_MAX ((size_t)1 << 20)
#define SEEN_MAX 4096

/* What fsnotify asks for, and what client-go takes for "the file went". */
#define EVENTS                                                                                     \
        (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ATTRIB | IN_MODIFY | IN_MOVE_SELF |          \
                IN_DELETE | IN_DELETE_SELF)
#define GONE (IN_MOVE_SELF | IN_DELETE_SELF | IN_IGNORED)

typedef struct Content {
        size_t file, size;
        unsigned char digest[SHA256_DIGEST_SIZE];
} Content;

static void die(const char *what)
{
        fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
        exit(2);
}

/* False if there is no such file. */
static bool read_file(const char *path, Content *content)
{
        static unsigned char data[FILE_MAX];
        struct sha256_ctx context;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        content->size = 0;
        if (fd < 0)
                return false;
        while ((n = read(fd, data + content->size, sizeof(data) - content->size)) > 0)
                content->size += (size_t)n;
        close(fd);
        sha256_init(&context);
        sha256_update(&context, content->size, data);
        sha256_digest(&context, sizeof(content->digest), content->digest);
        return true;
}

static void print_digest(const Content *content)
{
        for (size_t i = 0; i < sizeof(content->digest); i++)
                printf("%02x", content->digest[i]);
}

static bool is_known(const Content *seen, size_t n, const Content *content)
{
        for (size_t i = 0; i < n; i++)
                if (seen[i].file == content->file &&
                        memcmp(seen[i].digest, content->digest, sizeof(content->digest)) == 0)
                        return true;
        return false;
}

static int read_all(const char *stop, char **files, size_t n_files)
{
        static Content seen[SEEN_MAX];
        size_t n = 0, rounds = 0;

        puts("ready");
        for (; access(stop, F_OK) < 0; rounds++)
                for (size_t i = 0; i < n_files; i++) {
                        Content content = {.file = i};

                        if (!read_file(files[i], &content)) {
                                printf("%s missing 0\n", files[i]);
                                continue;
                        }
                        if (n == SEEN_MAX || is_known(seen, n, &content))
                                continue;
                        seen[n++] = content;
                        printf("%s ", files[i]);
                        print_digest(&content);
                        printf(" %zu\n", content.size);
                }
        printf("rounds %zu\n", rounds);
        return 0;
}

static void load(char **pair)
{
        Content certificate = {}, key = {};

        if (!read_file(pair[0], &certificate) || !read_file(pair[1], &key)) {
                puts("missing");
                return;
        }
        if (certificate.size == 0 || key.size == 0) {
                puts("empty");
                return;
        }
        printf("loaded ");
        print_digest(&certificate);
        printf(" ");
        print_digest(&key);
        puts("");
}

static int watch(int fd, const char *path)
{
        int watched = inotify_add_watch(fd, path, EVENTS);

        if (watched < 0)
                printf("missing\n");
        return watched;
}

static void take_events(int fd, char **pair, int watches[2])
{
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n = read(fd, buffer, sizeof(buffer));

        for (char *p = buffer; p < buffer + n;) {
                const struct inotify_event *event = (const struct inotify_event *)p;

                p += sizeof(*event) + event->len;
                for (size_t i = 0; i < 2; i++)
                        if (event->wd == watches[i] && (event->mask & GONE)) {
                                inotify_rm_watch(fd, watches[i]);
                                watches[i] = watch(fd, pair[i]);
                        }
        }
}

static int load_at_events(const char *stop, char **pair)
{
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), watches[2];
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

        if (fd < 0)
                die("inotify");
        for (size_t i = 0; i < 2; i++)
                watches[i] = watch(fd, pair[i]);
        puts("ready");
        while (access(stop, F_OK) < 0)
                if (poll(&poll_fd, 1, 50) > 0) {
                        take_events(fd, pair, watches);
                        load(pair);
                }
        return 0;
}

int main(int argc, char **argv)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (argc > 3 && strcmp(argv[1], "read") == 0)
                return read_all(argv[2], argv + 3, (size_t)argc - 3);
        if (argc == 5 && strcmp(argv[1], "load") == 0)
                return load_at_events(argv[2], argv + 3);
        errno = EINVAL;
        die("watch read|load STOP FILE...");
        return 2;
}
