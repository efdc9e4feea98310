/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/http.h"
#include "scratch.h"

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A server that says the same bytes to whoever connects, and hears him out. */
static struct Server {
        int fd;
        char path[80];
        pthread_mutex_t lock;
        unsigned char
                *data; /* under the lock: who gave up early may leave it behind the next one */
        size_t size;
} server = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned char *copy_of(const unsigned char *data, size_t size)
{
        unsigned char *copy = xmalloc(size + 1);

        memcpy(copy, data, size);
        return copy;
}

static void say(const unsigned char *data, size_t size)
{
        pthread_mutex_lock(&server.lock);
        free(server.data);
        server.data = copy_of(data, size);
        server.size = size;
        pthread_mutex_unlock(&server.lock);
}

static void answer_one(int fd)
{
        autofree unsigned char *data = NULL;
        char heard[4096];
        size_t size;

        pthread_mutex_lock(&server.lock);
        size = server.size;
        data = copy_of(server.data, size);
        pthread_mutex_unlock(&server.lock);
        (void)!send(fd, data, size, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (read(fd, heard, sizeof(heard)) > 0)
                ;
        close(fd);
}

static void *serve(void *argument)
{
        for (;;) {
                int fd = accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);

                if (fd < 0)
                        abort();
                answer_one(fd);
        }
        return argument;
}

static void start(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        pthread_t thread;

        snprintf(server.path, sizeof(server.path), "%s/socket", scratch_get()->path);
        memcpy(address.sun_path, server.path, sizeof(server.path));
        server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                listen(server.fd, 8) < 0 || pthread_create(&thread, NULL, serve, NULL) != 0)
                abort();
        pthread_detach(thread);
}

/* "name: value" in one line, the name a word in lower case. */
static bool is_header(const char *header)
{
        const char *colon = strstr(header, ": ");

        for (const char *c = header; colon && c < colon; c++)
                if (isupper((unsigned char)*c) || !isgraph((unsigned char)*c))
                        return false;
        return colon && colon > header && !strchr(header, '\n');
}

/* What a server says, all of it, through libcurl: whatever comes of it, an answer is whole and
 * within its bounds, and everything else says why. The first byte '2' stands for HTTP/2, as gRPC
 * wants it. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        HttpRequest request = {.url = "http://localhost/", .timeout = 5};
        autoptr(HttpAnswer) answer = NULL;
        Error error = {};

        if (size == 0)
                return 0;
        if (server.fd < 0)
                start();
        say(data + 1, size - 1);
        request.unix_socket = server.path;
        request.http2 = data[0] == '2';
        if (http_call(&request, &answer, &error) < 0) {
                assert(!answer && error.text[0]);
                return 0;
        }
        assert(answer->body_size <= HTTP_BODY_MAX && answer->body[answer->body_size] == 0);
        assert(answer->status >= 0 && answer->status <= 999);
        for (char **header = answer->headers; header && *header; header++)
                assert(is_header(*header));
        return 0;
}
