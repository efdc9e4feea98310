/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Servers for the tests of who asks one: `openssl s_server` with certificates made on the spot, and
 * one that says the same bytes to everybody.
 *
 *     servers_make_pki();                        in the scratch directory: ca, server, client, ...
 *     port = server_tls("-HTTP");                a file is an answer, status line included
 *     port = server_saying("HTTP/1.1 200 OK\r\n\r\n", true);
 *     servers_stop();
 *
 * For tests of scratch.h: certificates and answers are files of the working directory. */

#include "kube/http.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SERVERS_MAX 8

static pid_t servers[SERVERS_MAX];
static size_t n_servers;

/* Stops all of them. */
static inline void servers_stop(void)
{
        while (n_servers > 0) {
                kill(-servers[--n_servers], SIGKILL);
                waitpid(servers[n_servers], NULL, 0);
        }
}

/* A child that dies with us; 0 in the child. */
static inline pid_t servers_fork(void)
{
        pid_t pid;

        assert_true(n_servers < SERVERS_MAX);
        pid = fork();
        assert_true(pid >= 0);
        setpgid(pid, 0); /* in both, whoever comes first: a pipeline ends as a whole */
        if (pid == 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        else
                servers[n_servers++] = pid;
        return pid;
}

/* A shell command that has to succeed; what it says is in "log". */
PRINTF_LIKE(1, 2) static inline void shell(const char *format, ...)
{
        autofree char *command = NULL;
        char *text = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        va_end(args);
        command = xasprintf("{ %s\n} >>log 2>&1", (char *)xcheck(text));
        free(text);
        if (system(command) != 0)
                fail_msg("%s", command);
}

/* ca.crt and ca.key; server, client and old (a client whose certificate has expired) signed by it;
 * other-ca and other, signed by that. The server is "kubernetes" and 127.0.0.1. */
static inline void servers_make_pki(void)
{
        shell("for ca in ca other-ca; do\n"
              "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
              "/CN=$ca -keyout $ca.key -out $ca.crt -addext keyUsage=critical,keyCertSign\n"
              "done\n"
              "leaf() {\n"
              "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 "
              "-keyout $1.key -out $1.csr &&\n"
              "printf \"subjectAltName=DNS:kubernetes,IP:127.0.0.1\\n\" >ext &&\n"
              "openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days $3 "
              "-extfile ext -out $1.crt\n"
              "}\n"
              "leaf server ca 2 && leaf client ca 2 && leaf other other-ca 2 && leaf old ca -1");
}

/* Starts a program and waits until it prints a line that begins with this word. Returns the number
 * behind the last colon of the line, the port of "ACCEPT 127.0.0.1:4433". */
static inline uint16_t server_spawn(const char *const *argv, const char *word)
{
        char line[256] = "";
        int out[2];
        FILE *f;

        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        if (servers_fork() == 0) {
                int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);

                dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
                dup2(out[1], STDOUT_FILENO);
                dup2(log, STDERR_FILENO);
                execvp(argv[0], (char *const *)argv);
                _exit(127);
        }
        close(out[1]);
        /* The pipe stays open: a server that cannot print would end. */
        f = fdopen(out[0], "r");
        while (fgets(line, sizeof(line), f))
                if (starts_with(line, word))
                        return strrchr(line, ':') ? (uint16_t)atoi(strrchr(line, ':') + 1) : 0;
        fail_msg("%s does not start", argv[0]);
        return 0;
}

/* `openssl s_server` on 127.0.0.1 with the certificate "server" and these further words. */
static inline uint16_t server_tls(const char *words)
{
        autofree char *command = xasprintf("exec openssl s_server -accept 127.0.0.1:0 -cert "
                                           "server.crt -key server.key %s",
                words);

        return server_spawn((const char *const[]){"sh", "-c", command, NULL}, "ACCEPT");
}

/* Says these bytes to the first who comes, over TLS. They must not begin with one of s_server's
 * commands, which are letters. */
static inline uint16_t server_tls_saying(const char *text)
{
        put("say", text);
        return server_spawn((const char *const[]){"sh", "-c",
                                    "{ cat say; sleep 60; } | openssl s_server -accept "
                                    "127.0.0.1:0 -cert server.crt -key server.key",
                                    NULL},
                "ACCEPT");
}

/* A socket that listens on a port of 127.0.0.1 that was free. */
static inline int server_listen(uint16_t *ret_port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

/* Reads a request that has no body, says the text and closes; or leaves the caller hanging. */
static inline void server_answer(int fd, const char *text, bool closes)
{
        char request[4096];
        size_t size = 0;
        ssize_t n;

        do {
                n = read(fd, request + size, sizeof(request) - 1 - size);
                size += n > 0 ? (size_t)n : 0;
                request[size] = 0;
        } while (n > 0 && !strstr(request, "\r\n\r\n"));
        if (fs_write_all(fd, text, strlen(text)) < 0 || closes)
                close(fd);
}

/* Says these bytes to everybody who asks. */
static inline uint16_t server_saying(const char *text, bool closes)
{
        uint16_t port;
        autofd int fd = server_listen(&port);

        if (servers_fork() == 0)
                for (signal(SIGPIPE, SIG_IGN);;)
                        server_answer(accept(fd, NULL, NULL), text, closes);
        return port;
}

/* A port on which nobody listens. */
static inline uint16_t server_none(void)
{
        uint16_t port;

        close(server_listen(&port));
        return port;
}

static FileImage *pems[64];
static size_t n_pems;

static inline const FileImage *pem(const char *format, const char *name)
{
        autofree char *path = xasprintf("/%s.%s", name, format);

        assert_true(n_pems < ELEMENTSOF(pems));
        assert_int_equal(fs_read_file(root_fd, path, FS_SIZE_MAX, &pems[n_pems], NULL), 0);
        return pems[n_pems++];
}

/* Trusts CA.crt and has NAME.crt with NAME.key; each may be NULL. Good until the test ends. */
static inline HttpTls tls_of(const char *ca, const char *name)
{
        HttpTls tls = {};

        if (ca) {
                tls.ca = pem("crt", ca)->data;
                tls.ca_size = pems[n_pems - 1]->size;
        }
        if (name) {
                tls.certificate = pem("crt", name)->data;
                tls.certificate_size = pems[n_pems - 1]->size;
                tls.key = pem("key", name)->data;
                tls.key_size = pems[n_pems - 1]->size;
        }
        return tls;
}

static int servers_tear_down(void **state)
{
        servers_stop();
        while (n_pems > 0)
                file_image_free(pems[--n_pems]);
        return scratch_tear_down(state);
}

#define SERVERS_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, servers_tear_down)
