/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-data.h"
#include "pki/probe.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define TIMEOUT 20 /* seconds; only the tests of silence wait until it is over */

/* A process that serves; it dies with us. */
typedef struct Server {
        pid_t pid;
        uint16_t port;
} Server;

static void server_stop(Server *server)
{
        if (server->pid <= 0)
                return;
        kill(server->pid, SIGKILL);
        assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

#define autoserver __attribute__((cleanup(server_stop))) Server

static pid_t fork_child(void)
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        return pid;
}

/* `openssl s_server OPTIONS` in tests/data, at a port of its choice, which it prints. */
static Server openssl_server(const char *address, const char *options)
{
        autofree char *command = xasprintf("cd \"$SRCDIR/tests/data\" && exec openssl s_server "
                                           "-accept %s:0 -www %s 2>/dev/null",
                address, options);
        Server server = {};
        char line[256];
        int fds[2];
        FILE *output;

        assert_int_equal(pipe(fds), 0);
        server.pid = fork_child();
        if (server.pid == 0) {
                dup2(fds[1], STDOUT_FILENO);
                close(fds[0]);
                close(fds[1]);
                execl("/bin/sh", "sh", "-c", command, NULL);
                _exit(127);
        }
        close(fds[1]);
        output = fdopen(fds[0], "r");
        assert_non_null(output);
        while (server.port == 0 && fgets(line, sizeof(line), output))
                if (starts_with(line, "ACCEPT "))
                        server.port = (uint16_t)atoi(strrchr(line, ':') + 1);
        fclose(output);
        if (server.port == 0)
                fail_msg("openssl s_server %s does not start", options);
        return server;
}

/* A socket at a free port of the loopback address. */
static int bound_socket(uint16_t *ret_port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

/* Answers every connection with these words, whatever was asked; "" hangs up at once. */
static Server plain_server(const char *words)
{
        Server server = {};
        autofd int fd = bound_socket(&server.port);

        assert_int_equal(listen(fd, 8), 0);
        server.pid = fork_child();
        for (char buffer[4096]; server.pid == 0;) {
                int client = accept(fd, NULL, NULL);

                if (*words && read(client, buffer, sizeof(buffer)) > 0)
                        (void)!write(client, words, strlen(words));
                close(client);
        }
        return server;
}

static CertList *probe(const char *host, uint16_t port, const char *server_name)
{
        CertList *chain = NULL;
        Error error = {};

        if (probe_tls(host, port, server_name, TIMEOUT, &chain, &error) < 0)
                fail_msg("%s", error.text);
        return chain;
}

static void assert_refused(const char *host, uint16_t port, int r, const char *words)
{
        CertList *chain = NULL;
        Error error = {};
        int got = probe_tls(host, port, NULL, TIMEOUT, &chain, &error);

        if (got != r || chain || !strstr(error.text, words) || !strstr(error.text, host))
                fail_msg("%s: %d instead of %d: '%s'", words, got, r, error.text);
}

static void assert_shows(const char *host, uint16_t port, const char *name, const char *file)
{
        autoptr(CertList) chain = probe(host, port, name);
        autoptr(Cert) expected = data_cert(file);

        if (!cert_equal(chain->certs[0], expected))
                fail_msg("%s: shows %s instead of %s", file, chain->certs[0]->subject,
                        expected->subject);
}

/* Whatever it is and whoever signed it, it is seen. */
static void test_leaf_of_every_kind(void **state)
{
        static const struct {
                const char *options, *file;
        } table[] = {
                /* signed by a CA that nobody here trusts, for no name of this host */
                {"-cert " KUBEADM_1_28 "apiserver.crt -key " KUBEADM_1_28 "apiserver.key",
                        KUBEADM_1_28 "apiserver.crt"},
                {"-cert " KUBEADM_1_20 "etcd/server.crt -key " KUBEADM_1_20 "etcd/server.key",
                        KUBEADM_1_20 "etcd/server.crt"},
                /* self-signed; expired; not yet valid; no CA's */
                {"-cert pki/rsa-4096.crt -key pki/rsa-4096.key", "pki/rsa-4096.crt"},
                {"-cert pki/expired-ca.crt -key pki/p256.key", "pki/expired-ca.crt"},
                {"-cert pki/future-ca.crt -key pki/p256.key", "pki/future-ca.crt"},
                {"-cert pki/no-ca.crt -key pki/p256.key", "pki/no-ca.crt"},
                {"-cert pki/p521.crt -key pki/p521.key", "pki/p521.crt"},
                {"-cert pki/ed25519.crt -key pki/ed25519.key", "pki/ed25519.crt"},
                /* a chain: the leaf is the first */
                {"-cert pki/p384.crt -key pki/p384.key -cert_chain pki/p256.crt", "pki/p384.crt"},
                /* by version of TLS, with a client certificate demanded */
                {"-cert pki/p256.crt -key pki/p256.key -tls1_2", "pki/p256.crt"},
                {"-cert pki/p256.crt -key pki/p256.key -tls1_3", "pki/p256.crt"},
                {"-cert pki/p256.crt -key pki/p256.key -tls1_2 -Verify 1", "pki/p256.crt"},
                {"-cert pki/p256.crt -key pki/p256.key -tls1_3 -Verify 1", "pki/p256.crt"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoserver server = openssl_server("127.0.0.1", table[i].options);

                assert_shows("127.0.0.1", server.port, NULL, table[i].file);
                assert_shows("127.0.0.1", server.port, "kubernetes", table[i].file);
        }
}

/* All that the server has, in its order, whatever sense it makes. */
static void test_whole_chain_is_seen(void **state)
{
        static const struct {
                const char *chain, *versions, *expected;
        } table[] = {
                {"p256", "-tls1_3", "p384 p256"},
                {"p256", "-tls1_2", "p384 p256"},
                {"intermediate p256 rsa-4096 p256", "-tls1_3",
                        "p384 intermediate p256 rsa-4096 p256"},
                {"p384", "-tls1_3", "p384 p384"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(CertList) behind = data_bundle(table[i].chain);
                autoptr(CertList) expected = data_bundle(table[i].expected);
                autofd int fd = -1;
                autofree char *file = certs_as_file(behind, &fd);
                autofree char *options =
                        xasprintf("-cert pki/p384.crt -key pki/p384.key %s -cert_chain %s",
                                table[i].versions, file);
                autoserver server = openssl_server("127.0.0.1", options);
                autoptr(CertList) shown = probe("127.0.0.1", server.port, NULL);

                if (!cert_list_equal(shown, expected))
                        fail_msg("%zu: %zu certificates", i, shown->n);
        }
}

static void test_sni_chooses(void **state)
{
        autoserver server = openssl_server("127.0.0.1",
                "-cert pki/p256.crt -key pki/p256.key -servername kubernetes.example "
                "-cert2 pki/p384.crt -key2 pki/p384.key");

        assert_shows("127.0.0.1", server.port, NULL, "pki/p256.crt");
        assert_shows("127.0.0.1", server.port, "other.example", "pki/p256.crt");
        assert_shows("127.0.0.1", server.port, "kubernetes.example", "pki/p384.crt");
}

/* An address is no name for SNI: a server that is asked for it would not know it. */
static void test_sni_is_no_address(void **state)
{
        autoserver server = openssl_server("127.0.0.1",
                "-cert pki/p256.crt -key pki/p256.key -servername 127.0.0.1 "
                "-cert2 pki/p384.crt -key2 pki/p384.key");

        assert_shows("127.0.0.1", server.port, "127.0.0.1", "pki/p256.crt");
}

static void test_names_and_addresses(void **state)
{
        autoserver server = openssl_server("127.0.0.1", "-cert pki/p256.crt -key pki/p256.key");
        autofd int fd = socket(AF_INET6, SOCK_STREAM, 0);
        struct sockaddr_in6 loopback = {
                .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

        /* a name may have an address at which nobody listens, too */
        assert_shows("localhost", server.port, NULL, "pki/p256.crt");
        assert_refused("no..name", server.port, -ENOENT, "look up its name");
        if (fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0) {
                autoserver other = openssl_server("[::1]", "-cert pki/p384.crt -key pki/p384.key");

                assert_shows("::1", other.port, NULL, "pki/p384.crt");
        } else
                printf("# this host has no IPv6\n");
}

/* The process still shows the old certificate while the file has the new one. */
static void test_t39_served_certificate_is_not_the_file(void **state)
{
        autoserver server = openssl_server("127.0.0.1",
                "-cert " KUBEADM_1_20 "apiserver.crt -key " KUBEADM_1_20 "apiserver.key");
        autoptr(CertList) served = probe("127.0.0.1", server.port, NULL);
        autoptr(Cert) file = data_cert(KUBEADM_1_28 "apiserver.crt");
        autoptr(Cert) old = data_cert(KUBEADM_1_20 "apiserver.crt");

        assert_string_equal(served->certs[0]->subject, file->subject);
        assert_false(digest_equal(&served->certs[0]->sha256, &file->sha256));
        assert_true(digest_equal(&served->certs[0]->sha256, &old->sha256));
}

static void test_no_tls(void **state)
{
        autoserver http = plain_server("HTTP/1.0 400 Bad Request\r\n\r\n");
        autoserver rude = plain_server("");
        autoserver other = openssl_server("127.0.0.1", "-nocert");
        uint16_t port = 0;
        autofd int unheard = bound_socket(&port);

        assert_true(unheard >= 0); /* bound, and nobody listens */
        assert_refused("127.0.0.1", http.port, -EPROTO, "no TLS handshake is possible");
        assert_refused("127.0.0.1", rude.port, -ECONNRESET, "hung up");
        assert_refused("127.0.0.1", other.port, -EPROTO, "refused the TLS handshake");
        assert_refused("127.0.0.1", port, -ECONNREFUSED, "cannot connect");
}

static void assert_times_out(uint16_t port, const char *words)
{
        struct timespec before, after;
        CertList *chain = NULL;
        Error error = {};

        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_int_equal(probe_tls("127.0.0.1", port, NULL, 1, &chain, &error), -ETIMEDOUT);
        clock_gettime(CLOCK_MONOTONIC, &after);
        assert_null(chain);
        if (!strstr(error.text, words))
                fail_msg("%s: '%s'", words, error.text);
        assert_in_range(after.tv_sec - before.tv_sec, 1, 5);
        assert_int_equal(probe_tls("127.0.0.1", port, NULL, 0, &chain, NULL), -ETIMEDOUT);
}

static void test_silence_ends(void **state)
{
        uint16_t port, full_port;
        autofd int fd = bound_socket(&port), full_fd = bound_socket(&full_port);
        struct sockaddr_in address = {.sin_family = AF_INET,
                .sin_port = htons(full_port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int waiting[4];

        /* accepts and says nothing */
        assert_int_equal(listen(fd, 8), 0);
        assert_times_out(port, "no end of the TLS handshake");

        /* does not even accept: its queue is full */
        assert_int_equal(listen(full_fd, 0), 0);
        for (size_t i = 0; i < ELEMENTSOF(waiting); i++) {
                waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
                (void)!connect(waiting[i], (struct sockaddr *)&address, sizeof(address));
        }
        assert_times_out(full_port, "cannot connect");
        for (size_t i = 0; i < ELEMENTSOF(waiting); i++)
                close(waiting[i]);
}

/* Writes warnings of TLS 1.2 for as long as somebody reads them. */
static void test_warnings_without_end(void **state)
{
        static const unsigned char warning[] = {21, 3, 3, 0, 2, 1, 112 /* unrecognized_name */};
        Server server = {};
        autofd int fd = bound_socket(&server.port);
        CertList *chain = NULL;
        int r;

        assert_int_equal(listen(fd, 8), 0);
        server.pid = fork_child();
        if (server.pid == 0) {
                int client = accept(fd, NULL, NULL);

                while (write(client, warning, sizeof(warning)) > 0)
                        continue;
                _exit(0);
        }
        r = probe_tls("127.0.0.1", server.port, NULL, 1, &chain, NULL);
        server_stop(&server);
        assert_null(chain);
        assert_true(r == -ETIMEDOUT || r == -EPROTO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leaf_of_every_kind),
                cmocka_unit_test(test_whole_chain_is_seen),
                cmocka_unit_test(test_sni_chooses),
                cmocka_unit_test(test_sni_is_no_address),
                cmocka_unit_test(test_names_and_addresses),
                cmocka_unit_test(test_t39_served_certificate_is_not_the_file),
                cmocka_unit_test(test_no_tls),
                cmocka_unit_test(test_silence_ends),
                cmocka_unit_test(test_warnings_without_end),
        };

        if (!have_openssl())
                return unit_skip_all("openssl is not installed");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
