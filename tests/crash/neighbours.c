/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "neighbours.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NODE      "192.0.2.10" /* of the trees in tests/data */
#define LOOPBACK  "127.0.0.1"
#define PATIENCE  2000 /* milliseconds, for who has connected and says nothing */
#define REQUEST   4096
#define WORD_SIZE 16

static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* kubeadm's ports; `pair` without its suffix is what they serve, NULL: no TLS. What the controller
 * manager and the scheduler serve they have made themselves: any pair does. */
static const struct {
        const char *port;
        const char *pair;
} places[NEIGHBOURS_N] = {
        {"6443", "/etc/kubernetes/pki/apiserver"},
        {"2379", "/etc/kubernetes/pki/etcd/server"},
        {"2380", "/etc/kubernetes/pki/etcd/peer"},
        {"2381", NULL},
        {"10257", "/etc/kubernetes/pki/apiserver"},
        {"10259", "/etc/kubernetes/pki/apiserver"},
        {"10248", NULL},
};
#define KUBELET 6

static void die(const char *what)
{
        printf("Bail out! %s: %s\n", what, strerror(errno));
        fflush(stdout);
        _exit(99);
}

static int listen_somewhere(uint16_t *ret_port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 32) < 0 ||
                getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                die("a port");
        *ret_port = ntohs(address.sin_port);
        return fd;
}

/* The pair that is there now, if it is one; else the one before. */
static gnutls_certificate_credentials_t load(
        const char *root, const char *pair, gnutls_certificate_credentials_t *last)
{
        autofree char *certificate = xasprintf("%s%s.crt", root, pair);
        autofree char *key = xasprintf("%s%s.key", root, pair);
        gnutls_certificate_credentials_t fresh;

        if (gnutls_certificate_allocate_credentials(&fresh) < 0)
                return *last;
        if (gnutls_certificate_set_x509_key_file(fresh, certificate, key, GNUTLS_X509_FMT_PEM) <
                0) {
                gnutls_certificate_free_credentials(fresh);
                return *last;
        }
        if (*last)
                gnutls_certificate_free_credentials(*last);
        return *last = fresh;
}

static void answer_plain(int fd)
{
        char request[REQUEST];

        if (read(fd, request, sizeof(request)) > 0)
                (void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
}

static void answer_tls(int fd, gnutls_certificate_credentials_t credentials)
{
        gnutls_session_t session;
        char request[REQUEST];

        if (!credentials || gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL) < 0)
                return;
        gnutls_set_default_priority(session);
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_int(session, fd);
        gnutls_handshake_set_timeout(session, PATIENCE);
        if (gnutls_handshake(session) == 0 &&
                gnutls_record_recv(session, request, sizeof(request)) > 0)
                (void)gnutls_record_send(session, answer, sizeof(answer) - 1);
        (void)gnutls_bye(session, GNUTLS_SHUT_WR);
        gnutls_deinit(session);
}

/* One after the other: nobody asks two of them at once. */
static void serve(struct pollfd polls[NEIGHBOURS_N], const char *root)
{
        static gnutls_certificate_credentials_t last[NEIGHBOURS_N];
        const struct timeval patience = {.tv_sec = PATIENCE / 1000};

        for (;;) {
                if (poll(polls, NEIGHBOURS_N, -1) < 0)
                        continue;
                for (size_t i = 0; i < NEIGHBOURS_N; i++) {
                        int fd = polls[i].revents ? accept(polls[i].fd, NULL, NULL) : -1;

                        if (fd < 0)
                                continue;
                        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
                        if (places[i].pair)
                                answer_tls(fd, load(root, places[i].pair, &last[i]));
                        else
                                answer_plain(fd);
                        close(fd);
                }
        }
}

void neighbours_start(Neighbours *neighbours, const char *root)
{
        struct pollfd polls[NEIGHBOURS_N];

        for (size_t i = 0; i < NEIGHBOURS_N; i++)
                polls[i] = (struct pollfd){
                        .fd = listen_somewhere(&neighbours->ports[i]), .events = POLLIN};
        fflush(NULL);
        neighbours->pid = fork();
        if (neighbours->pid < 0)
                die("fork");
        if (neighbours->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(polls, root);
        }
        for (size_t i = 0; i < NEIGHBOURS_N; i++)
                close(polls[i].fd);
}

void neighbours_stop(Neighbours *neighbours)
{
        kill(neighbours->pid, SIGKILL);
        waitpid(neighbours->pid, NULL, 0);
}

uint16_t neighbours_kubelet(const Neighbours *neighbours)
{
        return neighbours->ports[KUBELET];
}

/* How much of the text at `p` is replaced by `word`; 0: none of it. */
static size_t find_word(const Neighbours *neighbours, const char *p, char word[WORD_SIZE])
{
        size_t digits = strspn(p, "0123456789");

        snprintf(word, WORD_SIZE, "%s", LOOPBACK);
        if (starts_with(p, NODE))
                return strlen(NODE);
        for (size_t i = 0; i < NEIGHBOURS_N; i++)
                if (digits == strlen(places[i].port) && starts_with(p, places[i].port)) {
                        snprintf(word, WORD_SIZE, "%u", neighbours->ports[i]);
                        return digits;
                }
        return 0;
}

char *neighbours_translate(
        const Neighbours *neighbours, const char *text, size_t size, size_t *ret_size)
{
        char *translated = NULL;
        FILE *f = open_memstream(&translated, ret_size);

        for (const char *p = text; f && p < text + size;) {
                bool begins = p == text || !isdigit((unsigned char)p[-1]);
                char word[WORD_SIZE];
                size_t n = begins ? find_word(neighbours, p, word) : 0;

                if (n > 0)
                        fputs(word, f);
                else
                        fputc(*p, f);
                p += n > 0 ? n : 1;
        }
        if (!f || fclose(f) != 0)
                die("a manifest");
        return translated;
}
