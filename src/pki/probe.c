/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/probe.h"

#include "pki/native.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

/* The library's own defaults, not the host's crypto policy: who is asked is not bound by it, and
 * nothing is trusted here. */
#define PROBE_PRIORITY "NORMAL"

DEFINE_HANDLE_DONE(session_done, gnutls_session_t, gnutls_deinit)
DEFINE_HANDLE_DONE(
        credentials_done, gnutls_certificate_credentials_t, gnutls_certificate_free_credentials)

typedef struct addrinfo Addresses;
DEFINE_HANDLE_DONE(addresses_done, Addresses *, freeaddrinfo)

/* One question: until when, and what was shown. */
typedef struct Probe {
        int64_t deadline; /* milliseconds of the monotonic clock */
        int chain_r;      /* of parsing it; 1: none was shown yet */
        CertList *chain;
        Error chain_error;
} Probe;

static int64_t monotonic_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the socket is ready for these events; -ETIMEDOUT at the deadline. */
static int wait_ready(const Probe *probe, int fd, short events)
{
        struct pollfd ready = {.fd = fd, .events = events};

        for (;;) {
                int64_t left = probe->deadline - monotonic_ms();
                int n = left > 0 ? poll(&ready, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;

                if (n > 0)
                        return 0;
                if (n == 0 && left < INT_MAX)
                        return -ETIMEDOUT;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }
}

/* The addresses of a host; one that is written as an address asks no resolver. */
static int look_up(const char *host, uint16_t port, Addresses **ret, Error *reterr)
{
        struct addrinfo hints = {
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
        char service[sizeof("65535")];
        int e;

        snprintf(service, sizeof(service), "%u", port);
        e = getaddrinfo(host, service, &hints, ret);
        if (e == EAI_NONAME) {
                hints.ai_flags = AI_NUMERICSERV;
                e = getaddrinfo(host, service, &hints, ret);
        }
        if (e == 0)
                return 0;
        if (e == EAI_SYSTEM)
                return error_errno(reterr, -errno, "cannot look up its name");
        return error_set(reterr, e == EAI_AGAIN ? -EAGAIN : -ENOENT, "cannot look up its name: %s",
                gai_strerror(e));
}

static int connect_one(const Probe *probe, const struct addrinfo *address, int *ret_fd)
{
        autofd int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r, failure = 0;
        socklen_t size = sizeof(failure);

        if (fd < 0)
                return -errno;
        if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return -errno;
                r = wait_ready(probe, fd, POLLOUT);
                if (r < 0)
                        return r;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
                        return -errno;
        }
        if (failure != 0)
                return -failure;
        *ret_fd = TAKE(fd);
        return 0;
}

/* Connects to the first address that lets us. */
static int connect_any(
        const Probe *probe, const char *host, uint16_t port, int *ret_fd, Error *reterr)
{
        __attribute__((cleanup(addresses_done))) Addresses *addresses = NULL;
        int r;

        r = look_up(host, port, &addresses, reterr);
        if (r < 0)
                return r;
        r = -ENOENT;
        for (const Addresses *a = addresses; a; a = a->ai_next) {
                r = connect_one(probe, a, ret_fd);
                if (r >= 0)
                        return 0;
        }
        return error_errno(reterr, r, "cannot connect");
}

static int parse_chain(const gnutls_datum_t *shown, unsigned n, CertList **ret, Error *reterr)
{
        autoptr(CertList) chain = xcalloc(1, sizeof(*chain));
        int r = 0;

        chain->certs = xcalloc(n, sizeof(Cert *));
        while (r >= 0 && chain->n < n) {
                r = cert_parse_der(shown[chain->n].data, shown[chain->n].size,
                        &chain->certs[chain->n], reterr);
                if (r >= 0)
                        chain->n++;
        }
        if (r < 0)
                return r;
        *ret = TAKE(chain);
        return 0;
}

/* GnuTLS calls this as soon as the server has shown its chain, which it has bounded. Refusing
 * nothing lets the handshake end in order: an abort would stand as an error in the server's log. */
static int take_chain(gnutls_session_t session)
{
        Probe *probe = gnutls_session_get_ptr(session);
        unsigned n = 0;
        const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &n);

        if (shown && n > 0 && probe->chain_r > 0)
                probe->chain_r = parse_chain(shown, n, &probe->chain, &probe->chain_error);
        return 0;
}

static bool is_address(const char *host)
{
        struct in6_addr address;

        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* What a handshake that failed means for who asked. */
static int handshake_error(gnutls_session_t session, int g, Error *reterr)
{
        if (g == GNUTLS_E_PREMATURE_TERMINATION || g == GNUTLS_E_PULL_ERROR ||
                g == GNUTLS_E_PUSH_ERROR)
                return error_set(reterr, -ECONNRESET, "it hung up during the TLS handshake");
        if (g == GNUTLS_E_FATAL_ALERT_RECEIVED)
                return error_set(reterr, -EPROTO, "it refused the TLS handshake: %s",
                        gnutls_alert_get_name(gnutls_alert_get(session)));
        return pki_error(reterr, -EPROTO, g, "no TLS handshake is possible");
}

/* Goes on until the handshake ends or the deadline comes. */
static int shake_hands(const Probe *probe, gnutls_session_t session, int fd, Error *reterr)
{
        for (;;) {
                int g = gnutls_handshake(session), r;

                if (g == 0)
                        return 0;
                if (gnutls_error_is_fatal(g))
                        return handshake_error(session, g, reterr);
                r = g == GNUTLS_E_AGAIN
                            ? wait_ready(probe, fd,
                                      gnutls_record_get_direction(session) ? POLLOUT : POLLIN)
                            : wait_ready(probe, fd, POLLOUT); /* a warning, or a signal */
                if (r < 0)
                        return error_errno(reterr, r, "no end of the TLS handshake");
        }
}

static int set_up(Probe *probe, gnutls_session_t session,
        gnutls_certificate_credentials_t credentials, const char *server_name, int fd)
{
        int g;

        gnutls_session_set_ptr(session, probe);
        gnutls_transport_set_int(session, fd);
        gnutls_certificate_set_verify_function(credentials, take_chain);
        g = gnutls_priority_set_direct(session, PROBE_PRIORITY, NULL);
        if (g >= 0)
                g = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
        if (g >= 0 && server_name && !is_address(server_name))
                g = gnutls_server_name_set(
                        session, GNUTLS_NAME_DNS, server_name, strlen(server_name));
        return g;
}

static int handshake(Probe *probe, const char *server_name, int fd, Error *reterr)
{
        __attribute__((cleanup(credentials_done))) gnutls_certificate_credentials_t credentials =
                NULL;
        __attribute__((cleanup(session_done))) gnutls_session_t session = NULL;
        int r, g;

        g = gnutls_certificate_allocate_credentials(&credentials);
        if (g >= 0)
                g = gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
        if (g >= 0)
                g = set_up(probe, session, credentials, server_name, fd);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot begin a TLS handshake");
        r = shake_hands(probe, session, fd, reterr);
        if (r >= 0)
                gnutls_bye(session, GNUTLS_SHUT_WR);
        return r;
}

static int probe_chain(
        Probe *probe, const char *host, uint16_t port, const char *server_name, Error *reterr)
{
        autofd int fd = -1;
        int r;

        r = connect_any(probe, host, port, &fd, reterr);
        if (r < 0)
                return r;

        /* What was shown counts, however the handshake ended. */
        r = handshake(probe, server_name, fd, reterr);
        if (probe->chain_r <= 0)
                return probe->chain_r < 0 ? error_set(reterr, probe->chain_r,
                                                    "a certificate of it cannot be read: %s",
                                                    probe->chain_error.text)
                                          : 0;
        return r < 0 ? r : error_set(reterr, -EPROTO, "it shows no certificate");
}

int probe_tls(const char *host, uint16_t port, const char *server_name, unsigned timeout,
        CertList **ret_chain, Error *reterr)
{
        Probe probe = {.deadline = monotonic_ms() + (int64_t)timeout * 1000, .chain_r = 1};
        int r;

        pki_init();
        r = probe_chain(&probe, host, port, server_name, reterr);
        if (r < 0)
                return error_prefix(
                        reterr, r, "cannot see the certificate of %s port %u", host, port);
        *ret_chain = probe.chain;
        return 0;
}
