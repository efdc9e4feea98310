/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May this etcd member be stopped? What its cluster looks like, by what each member says itself.
 *
 *     r = etcd_look("127.0.0.1", 2379, &tls, 5, &cluster, reterr);
 *     if (r >= 0 && etcd_may_stop(&cluster))
 *             r = etcd_status("127.0.0.1", 2379, &tls, 5, &status, reterr);
 *     if (r >= 0 && streq(status.id, status.leader))
 *             r = etcd_hand_over("127.0.0.1", 2379, &tls, 5, cluster.heir, reterr);
 *     etcd_status_done(&status), etcd_cluster_done(&cluster);
 *
 * Asks the JSON gateway of etcd 3.4 and later (/v3/cluster/member/list, /v3/maintenance) and
 * /health, with a client certificate. Changes nothing but who leads, and reads no key of anybody.
 */

#include "kube/http.h"

typedef struct EtcdCluster {
        size_t n_voters;       /* members that are no learners, started or not */
        size_t n_healthy;      /* voters that say so themselves: one of their client URLs answers
                                  /health with true, which none does that has no leader */
        size_t n_ill;          /* voters that answer with false */
        bool is_voter;         /* the member that was asked for the list */
        bool is_healthy_voter; /* and it is one of the healthy ones */
        char **healthy;        /* names of the healthy voters, or their ids */
        char *heir;            /* id of a healthy voter other than it; NULL: there is none */
} EtcdCluster;

void etcd_cluster_done(EtcdCluster *cluster);

/* Asks the member at host:port. timeout: seconds for each question; there is one for each URL of a
 * member at most. Members that do not answer are not healthy. For the member itself: errors as
 * http_call(), -EBUSY if it cannot say so now, and -EPROTO if it does not answer with a list of
 * members. */
int etcd_look(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdCluster *ret, Error *reterr) MUST_USE;

/* The others keep quorum without it, or there is none to lose: a single member, a learner. Never
 * true for one of two. */
bool etcd_may_stop(const EtcdCluster *cluster);

typedef struct EtcdStatus {
        char *id;     /* of the member that answers */
        char *leader; /* id of the member that it follows; its own: it leads; "0": nobody leads it
                       */
} EtcdStatus;

void etcd_status_done(EtcdStatus *status);

/* What the member at host:port says of itself. Errors as etcd_look(). */
int etcd_status(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdStatus *ret, Error *reterr) MUST_USE;

/* The member at host:port leads, and the voter with the id `heir` shall lead instead; returns when
 * it does. Errors as etcd_look(), -EPROTO if it is refused, -EBUSY if it did not come about. */
int etcd_hand_over(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        const char *heir, Error *reterr) MUST_USE;

/* Learners too, and those that have not started yet. */
typedef struct EtcdAddress {
        char *host;
        uint16_t port;
} EtcdAddress;

typedef struct EtcdMember {
        char *id;
        char *name;             /* "" of one that has not started */
        EtcdAddress *addresses; /* of its https URLs: for its peers, then for clients */
        size_t n, n_peers;      /* of which the first are for its peers */
        bool is_self;           /* it is the one that was asked */
} EtcdMember;

typedef struct EtcdMembers {
        EtcdMember *list;
        size_t n;
} EtcdMembers;

void etcd_members_free(EtcdMembers *members);
DEFINE_AUTOPTR(EtcdMembers, etcd_members_free)

/* Who they are, by what the member at host:port says; none of the others is asked. Errors as
 * etcd_look(). */
int etcd_list(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdMembers **ret, Error *reterr) MUST_USE;
