/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which certificates does a server show?
 *
 *     r = probe_tls("127.0.0.1", 6443, NULL, 5, &chain, reterr);
 *     if (r >= 0 && !cert_list_equal(chain, certs_of_the_file)) ...
 *
 * Each call is a fresh connection and a full handshake: an established connection, or a resumed
 * session, would hide an expired certificate. Nothing is verified (dates, names and issuer are the
 * caller's to judge) and nothing is sent: no client certificate, no request. */

#include "pki/cert.h"

/* What the server at host:port shows, in its order: its leaf first, then what it adds. A server in
 * Go shows all CERTIFICATE blocks of its file, a root too (crypto/tls, X509KeyPair()). host: an
 * address or a name; server_name: for SNI, NULL or an address: none (RFC 6066 3). A server that
 * demands a client certificate has shown its own before, so its refusal does not matter. timeout:
 * seconds for connecting (to all addresses of a name) and the handshake together; looking a name up
 * takes the resolver's own time. -ECONNREFUSED if nobody listens (others of connect(2) likewise),
 * -ETIMEDOUT, -ECONNRESET if it hangs up, -EPROTO if it does not speak TLS or shows no certificate,
 * -ENOENT for a name without address, -EBADMSG if a certificate does not parse. */
int probe_tls(const char *host, uint16_t port, const char *server_name, unsigned timeout,
        CertList **ret_chain, Error *reterr) MUST_USE;
