/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/etcd.h"

#include "kube/manifest-address.h"
#include "kube/yaml-tree.h"

#define LIST_PATH   "/v3/cluster/member/list"
#define STATUS_PATH "/v3/maintenance/status"
#define LEAD_PATH   "/v3/maintenance/transfer-leadership"
#define MEMBERS_MAX 64 /* etcd itself advises against more than seven */
#define URLS_MAX    8  /* of one member */

/* A question under way; texts of the answer belong to the tree. */
typedef struct Look {
        const HttpTls *tls;
        unsigned timeout;
        const YamlTree *tree;
        const char *self; /* id of the member that was asked */
} Look;

/* JSON is YAML. */
static int parse(const HttpAnswer *answer, YamlTree **ret, Error *reterr)
{
        int r = yaml_tree_parse(answer->body, answer->body_size, ret, reterr);

        return r < 0 ? error_prefix(reterr, -EPROTO, "the answer is no JSON") : 0;
}

/* The text of a key, "" if there is none. */
static int get_text(const YamlTree *tree, const YamlNode *mapping, const char *key,
        const char **ret, Error *reterr)
{
        int r;

        *ret = NULL;
        r = yaml_get_text(tree, mapping, key, ret, NULL, reterr);
        if (r >= 0 && !*ret)
                *ret = "";
        return r;
}

/* What a member says of itself. */
typedef enum Health {
        HEALTH_UNKNOWN,
        HEALTH_ILL,
        HEALTH_WELL,
} Health;

/* {"health": "true"}; a number of versions have more in it. */
static Health read_health(const HttpAnswer *answer)
{
        autoptr(YamlTree) tree = NULL;
        const char *health = "";

        if (parse(answer, &tree, NULL) < 0 ||
                get_text(tree, yaml_root(tree), "health", &health, NULL) < 0)
                return HEALTH_UNKNOWN;
        return streq(health, "true")    ? HEALTH_WELL
               : streq(health, "false") ? HEALTH_ILL
                                        : HEALTH_UNKNOWN;
}

static Health ask_health(const Look *look, const char *client_url)
{
        autofree char *url = xasprintf("%s/health", client_url);
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request = {.url = url, .tls = *look->tls, .timeout = look->timeout};

        return http_call(&request, &answer, NULL) < 0 ? HEALTH_UNKNOWN : read_health(answer);
}

/* One of its URLs is enough: others may be for networks that we are not on. */
static int ask_member(const Look *look, const YamlNode *member, Health *ret, Error *reterr)
{
        const YamlNode *urls = NULL, *url;
        Health health;
        size_t n = 0;
        int r;

        r = yaml_get_kind(
                look->tree, member, "clientURLs", YAML_KIND_SEQUENCE, &urls, NULL, reterr);
        *ret = HEALTH_UNKNOWN;
        if (r < 0 || !urls)
                return r; /* a member that was added and has not started yet has none */
        for (url = yaml_first(look->tree, urls); url && n < URLS_MAX && *ret < HEALTH_WELL; n++) {
                health = url->kind == YAML_KIND_SCALAR ? ask_health(look, url->text)
                                                       : HEALTH_UNKNOWN;
                if (*ret < health)
                        *ret = health;
                url = yaml_next(look->tree, urls, url);
        }
        return 0;
}

void etcd_cluster_done(EtcdCluster *cluster)
{
        strv_free(cluster->healthy);
        free(cluster->heir);
        *cluster = (EtcdCluster){};
}

/* What is done with each member of the list. */
typedef int (*Visit)(const Look *look, const YamlNode *member, void *userdata, Error *reterr);

static int count_member(const Look *look, const YamlNode *member, void *userdata, Error *reterr)
{
        EtcdCluster *cluster = userdata;
        const char *id = "", *learner = "", *name = "";
        Health health;
        bool is_self;
        int r;

        r = get_text(look->tree, member, "ID", &id, reterr);
        if (r >= 0)
                r = get_text(look->tree, member, "isLearner", &learner, reterr);
        if (r >= 0)
                r = get_text(look->tree, member, "name", &name, reterr);
        if (r < 0 || streq(learner, "true"))
                return r;
        r = ask_member(look, member, &health, reterr);
        if (r < 0)
                return r;
        is_self = streq(id, look->self);
        cluster->n_voters++;
        cluster->is_voter |= is_self;
        cluster->n_ill += health == HEALTH_ILL;
        if (health != HEALTH_WELL)
                return 0;
        cluster->n_healthy++;
        cluster->is_healthy_voter |= is_self;
        strv_add(&cluster->healthy, *name ? name : id);
        if (!is_self && !cluster->heir)
                cluster->heir = xstrdup(id);
        return 0;
}

static int visit_members(Look *look, Visit visit, void *userdata, Error *reterr)
{
        const YamlNode *members = NULL, *member;
        size_t n = 0;
        int r;

        r = yaml_get_kind(look->tree, yaml_root(look->tree), "members", YAML_KIND_SEQUENCE,
                &members, NULL, reterr);
        if (r >= 0 && !members)
                return error_set(reterr, -EPROTO, "the answer has no members");
        if (r < 0)
                return r;
        for (member = yaml_first(look->tree, members); member && r >= 0 && n < MEMBERS_MAX; n++) {
                r = visit(look, member, userdata, reterr);
                member = yaml_next(look->tree, members, member);
        }
        return r;
}

/* Which member answers. */
static int read_self(const YamlTree *tree, const char **ret, Error *reterr)
{
        const YamlNode *header = NULL;
        int r;

        r = yaml_get_kind(
                tree, yaml_root(tree), "header", YAML_KIND_MAPPING, &header, NULL, reterr);
        if (r >= 0 && !header)
                return error_set(reterr, -EPROTO, "the answer has no header");
        if (r >= 0)
                r = get_text(tree, header, "member_id", ret, reterr);
        if (r >= 0 && !**ret)
                return error_set(reterr, -EPROTO, "the answer does not say who answers");
        return r;
}

/* What the gateway of a member says to this. */
typedef struct Reply {
        char *url;
        HttpAnswer *answer;
        YamlTree *tree; /* of the answer's bytes */
} Reply;

static void reply_done(Reply *reply)
{
        yaml_tree_free(reply->tree);
        http_answer_free(reply->answer);
        free(reply->url);
}

typedef struct Gateway {
        const char *host;
        uint16_t port;
        const HttpTls *tls;
        unsigned timeout;
} Gateway;

/* Not refused, but not done either: the gateway's words for Unknown, Unavailable, DeadlineExceeded
 * (runtime.HTTPStatusFromCode of grpc-gateway); 501 is Unimplemented. */
static bool is_for_now(long status)
{
        return status == 408 || (status >= 500 && status != 501);
}

static int ask(
        const Gateway *gateway, const char *path, const char *body, Reply *ret, Error *reterr)
{
        autofree char *authority = http_authority(gateway->host, gateway->port);
        HttpRequest request = {
                .url = ret->url = xasprintf("https://%s%s", authority, path),
                .body = body,
                .body_size = strlen(body),
                .content_type = "application/json",
                .tls = *gateway->tls,
                .timeout = gateway->timeout,
        };
        int r;

        r = http_call(&request, &ret->answer, reterr);
        if (r < 0)
                return r;
        if (ret->answer->status != 200)
                return error_set(reterr, is_for_now(ret->answer->status) ? -EBUSY : -EPROTO,
                        "%s: HTTP status %ld: %s", ret->url, ret->answer->status,
                        ret->answer->body);
        r = parse(ret->answer, &ret->tree, reterr);
        return r < 0 ? error_prefix(reterr, -EPROTO, "%s", ret->url) : 0;
}

static int list_members(const Gateway *gateway, Visit visit, void *userdata, Error *reterr)
{
        __attribute__((cleanup(reply_done))) Reply reply = {};
        Look look = {.tls = gateway->tls, .timeout = gateway->timeout};
        int r;

        r = ask(gateway, LIST_PATH, "{}", &reply, reterr);
        if (r < 0)
                return r;
        look.tree = reply.tree;
        r = read_self(reply.tree, &look.self, reterr);
        if (r >= 0)
                r = visit_members(&look, visit, userdata, reterr);
        return r < 0 ? error_prefix(reterr, -EPROTO, "%s", reply.url) : 0;
}

int etcd_look(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdCluster *ret, Error *reterr)
{
        autofree char *authority = http_authority(host, port);
        EtcdCluster cluster = {};
        int r;

        r = list_members(&(Gateway){host, port, tls, timeout}, count_member, &cluster, reterr);
        if (r >= 0 && cluster.n_voters == 0)
                r = error_set(
                        reterr, -EPROTO, "https://%s" LIST_PATH ": no voting member", authority);
        if (r < 0) {
                etcd_cluster_done(&cluster);
                return r;
        }
        *ret = cluster;
        return 0;
}

void etcd_members_free(EtcdMembers *members)
{
        if (!members)
                return;
        for (size_t i = 0; i < members->n; i++) {
                for (size_t k = 0; k < members->list[i].n; k++)
                        free(members->list[i].addresses[k].host);
                free(members->list[i].addresses);
                free(members->list[i].name);
                free(members->list[i].id);
        }
        free(members->list);
        free(members);
}

/* Of "https://HOST:PORT/"; who speaks no TLS shows no certificate. */
static void add_address(const char *url, EtcdMember *member)
{
        size_t scheme = strlen("https://");
        const char *authority = url + scheme, *colon;
        autofree char *text = NULL;
        EtcdAddress address;

        if (!starts_with(url, "https://"))
                return;
        text = xstrndup(authority, strcspn(authority, "/"));
        colon = strrchr(text, ':');
        if (!colon)
                return;
        address = (EtcdAddress){.host = address_host(text, (size_t)(colon - text)),
                .port = address_port(colon + 1)};
        if (!address.host || address.port == 0) {
                free(address.host);
                return;
        }
        member->addresses = xreallocarray(member->addresses, member->n + 1, sizeof(EtcdAddress));
        member->addresses[member->n++] = address;
}

static int add_addresses(
        const Look *look, const YamlNode *node, const char *key, EtcdMember *member, Error *reterr)
{
        const YamlNode *list = NULL, *url;
        size_t n = 0;
        int r;

        r = yaml_get_kind(look->tree, node, key, YAML_KIND_SEQUENCE, &list, NULL, reterr);
        if (r < 0 || !list)
                return r;
        for (url = yaml_first(look->tree, list); url && n < URLS_MAX; n++) {
                if (url->kind == YAML_KIND_SCALAR)
                        add_address(url->text, member);
                url = yaml_next(look->tree, list, url);
        }
        return 0;
}

static int add_member(const Look *look, const YamlNode *node, void *userdata, Error *reterr)
{
        EtcdMembers *members = userdata;
        EtcdMember *member;
        const char *name = "", *id = "";
        int r;

        r = get_text(look->tree, node, "name", &name, reterr);
        if (r >= 0)
                r = get_text(look->tree, node, "ID", &id, reterr);
        if (r < 0)
                return r;
        members->list = xreallocarray(members->list, members->n + 1, sizeof(EtcdMember));
        member = &members->list[members->n++];
        *member = (EtcdMember){
                .id = xstrdup(id), .name = xstrdup(name), .is_self = streq(id, look->self)};
        r = add_addresses(look, node, "peerURLs", member, reterr);
        member->n_peers = member->n;
        return r < 0 ? r : add_addresses(look, node, "clientURLs", member, reterr);
}

int etcd_list(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdMembers **ret, Error *reterr)
{
        autoptr(EtcdMembers) members = xcalloc(1, sizeof(*members));
        int r;

        r = list_members(&(Gateway){host, port, tls, timeout}, add_member, members, reterr);
        if (r >= 0)
                *ret = TAKE(members);
        return r;
}

bool etcd_may_stop(const EtcdCluster *cluster)
{
        size_t left = cluster->n_healthy - (cluster->is_healthy_voter ? 1 : 0);

        return !cluster->is_voter || cluster->n_voters == 1 || left >= cluster->n_voters / 2 + 1;
}

void etcd_status_done(EtcdStatus *status)
{
        free(status->id);
        free(status->leader);
        *status = (EtcdStatus){};
}

int etcd_status(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        EtcdStatus *ret, Error *reterr)
{
        __attribute__((cleanup(reply_done))) Reply reply = {};
        const char *self = "", *leader = "";
        int r;

        r = ask(&(Gateway){host, port, tls, timeout}, STATUS_PATH, "{}", &reply, reterr);
        if (r < 0)
                return r;
        r = read_self(reply.tree, &self, reterr);
        if (r >= 0)
                r = get_text(reply.tree, yaml_root(reply.tree), "leader", &leader, reterr);
        if (r < 0)
                return error_prefix(reterr, -EPROTO, "%s", reply.url);
        *ret = (EtcdStatus){.id = xstrdup(self), .leader = xstrdup(*leader ? leader : "0")};
        return 0;
}

int etcd_hand_over(const char *host, uint16_t port, const HttpTls *tls, unsigned timeout,
        const char *heir, Error *reterr)
{
        __attribute__((cleanup(reply_done))) Reply reply = {};
        autofree char *body = xasprintf("{\"targetID\":\"%s\"}", heir);

        if (!*heir || strspn(heir, "0123456789") != strlen(heir))
                return error_set(reterr, -EPROTO, "'%s' is no id of a member", heir);
        return ask(&(Gateway){host, port, tls, timeout}, LEAD_PATH, body, &reply, reterr);
}
