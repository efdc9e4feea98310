/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/coordination.h"

#include "base/log.h"
#include "host/clock.h"
#include "renew/event/events.h"
#include "renew/restart/api-gate.h"
#include "renew/restart/host-order.h"
#include "renew/restart/quorum.h"
#include "renew/unit/interrupt.h"

#define ASK_TIMEOUT 5    /* seconds, for one request */
#define POLL        2000 /* milliseconds between two rounds of questions */
#define GIVEN_BACK  1    /* the duration of a lease that nobody holds, as client-go has it */
#define ENDLESS     DAY  /* nobody needs it for so long; who says so, says nothing */

static const LeaseName lease_name = {COORDINATION_NAMESPACE, COORDINATION_LEASE};

struct Coordination {
        int root_fd;
        const Config *config;
        const Inventory *inventory;
        const InventoryComponent *api; /* this host's API server; NULL: it has none */
        char *holder;                  /* as whom we hold the lease */
        Access *access;
        Cluster *cluster;
        bool has_asked_etcd, has_asked; /* who there is, in this pass */
        char *rival;                    /* who held it at our last look; NULL: nobody else */
        int64_t rival_since;            /* by the monotonic clock: since then, without a break */
        char *displaced;                /* who was to have it until he gives it back; NULL */
        bool may_hold;                  /* something was written */
        bool is_kept;                   /* and it is not given back */
        bool is_disputed;               /* it was taken from somebody who may be alive */
        bool may_be_last;               /* then no other API server needs to be up */
        bool was_ready;                 /* this host's API server, before something was ended */
        int64_t valid_until;            /* by the monotonic clock: until then the turn is ours */
        int64_t waited;                 /* milliseconds, in this pass */
};

Coordination *coordination_new(
        int root_fd, const Config *config, const Inventory *inventory, const char *pass_id)
{
        Coordination *coordination;
        const char *node = config->host.node_name;

        if (config->cluster.coordination == COORDINATION_NONE)
                return NULL;
        coordination = xcalloc(1, sizeof(*coordination));
        *coordination = (Coordination){.root_fd = root_fd,
                .config = config,
                .inventory = inventory,
                .api = api_servers_own(inventory, config),
                .holder = xasprintf("%s/%s", node ? node : "", pass_id),
                .cluster = cluster_recall(root_fd, config->state_directory)};
        return coordination;
}

static ApiServers known_to(const Coordination *coordination)
{
        return (ApiServers){coordination->config, coordination->api, coordination->access,
                coordination->cluster};
}

static void ask_etcd(const Coordination *coordination)
{
        cluster_ask_etcd(coordination->cluster, coordination->root_fd, coordination->inventory,
                coordination->api, clock_now());
}

/* Who there is, once in a pass: etcd knows it while the API is down. */
static int prepare(Coordination *coordination, Error *reterr)
{
        const ClusterEntry *cluster = &coordination->config->cluster;

        if (!coordination->config->host.node_name)
                return error_set(reterr, -ENOKEY, "the name of this host is none: NodeName=");
        if (!coordination->has_asked_etcd)
                ask_etcd(coordination);
        coordination->has_asked_etcd = true;
        return coordination->access ? 0
                                    : access_read(coordination->root_fd, cluster->kubeconfig,
                                              ASK_TIMEOUT, &coordination->access, reterr);
}

/* Our own memory is no reason to fail. */
static void remember(const Coordination *coordination)
{
        Error error = {};

        if (cluster_remember(coordination->cluster, coordination->root_fd,
                    coordination->config->state_directory, &error) < 0)
                log_debug("the cluster is not remembered: %s, ignoring", error.text);
}

/* False if that one does not say. */
static bool learn(Coordination *coordination, const ApiServer *server)
{
        Error error = {};
        int r = cluster_ask_servers(coordination->cluster, server, clock_now(), &error);

        if (r < 0)
                log_debug("the API servers are not known: %s, ignoring", error.text);
        else
                ask_etcd(coordination);
        return r >= 0;
}

void coordination_learn(Coordination *coordination)
{
        ApiServers known;
        ApiServer *servers;
        size_t n;

        if (!coordination || coordination->has_asked || prepare(coordination, NULL) < 0)
                return;
        known = known_to(coordination);
        servers = api_servers_all(&known, &n);
        for (size_t i = 0; i < n && !coordination->has_asked; i++)
                coordination->has_asked = learn(coordination, &servers[i]);
        free(servers);
        if (coordination->has_asked)
                remember(coordination);
}

static int describe_holder(const LeaseSeen *seen, int64_t now, Error *reterr)
{
        char span[SPAN_TEXT_SIZE];
        int64_t wait = lease_wait(seen, now);

        if (wait == INT64_MAX)
                return error_set(reterr, -EBUSY,
                        "'%s' holds the lease " COORDINATION_NAMESPACE "/" COORDINATION_LEASE
                        ", for as long as it likes",
                        seen->holder);
        return error_set(reterr, -EBUSY,
                "'%s' holds the lease " COORDINATION_NAMESPACE "/" COORDINATION_LEASE
                ", for %s more if it does not go on",
                seen->holder, span_format(wait / 1000 + 1, span));
}

/* What is wanted of the lease. */
typedef struct Wish {
        int64_t seconds;
        bool insists; /* though our rival has it */
} Wish;

/* It is held. Is it by the one who was known to hold it? */
static bool is_known_rival(Coordination *coordination, const char *holder, int64_t now)
{
        if (coordination->rival && streq(coordination->rival, holder))
                return true;
        free(coordination->rival);
        coordination->rival = xstrdup(holder);
        coordination->rival_since = now;
        return false;
}

/* A person's lease, who says for how long by giving it back, is only borrowed. */
static void note_displaced(Coordination *coordination, const Lease *lease)
{
        coordination->is_disputed = true;
        if (lease->duration == 0 && !coordination->displaced)
                coordination->displaced = xstrdup(lease->holder);
}

/* Asks one API server for the turn. -EBUSY if it is another one's. */
static int ask(Coordination *coordination, const ApiServer *server, const Wish *wish, Error *reterr)
{
        LeaseSeen *seen = &coordination->cluster->seen;
        autoptr(Lease) before = NULL;
        autoptr(Lease) lease = NULL;
        LeaseClaim claim;
        bool is_held = false;
        int64_t now;
        int r;

        r = lease_get(server, &lease_name, &before, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        now = clock_monotonic();
        if (before) {
                lease_see(seen, before, now);
                is_held =
                        lease_judge(seen, coordination->config->host.node_name, now) == LEASE_HELD;
        }
        if (is_held && !(is_known_rival(coordination, before->holder, now) && wish->insists))
                return describe_holder(seen, now, reterr);
        claim = (LeaseClaim){
                .holder = coordination->holder, .duration = wish->seconds, .now = clock_now()};
        coordination->may_hold = true; /* also where nobody says so */
        r = lease_write(server, &lease_name, before, &claim, &lease, reterr);
        if (r == -EEXIST)
                return error_set(reterr, -EBUSY, "somebody else was quicker");
        if (r < 0)
                return r;
        if (is_held)
                note_displaced(coordination, before);
        free(TAKE(coordination->rival));
        coordination->valid_until = now + wish->seconds * 1000;
        lease_seen_done(seen);
        coordination->has_asked = coordination->has_asked || learn(coordination, server);
        return 0;
}

/* Somebody who answers, and refuses, has more to say than who does not answer. */
static bool says_more(int r, int before)
{
        return before >= 0 || (r == -EACCES && before != -EACCES);
}

/* Asks one after the other until one knows. -EBUSY if it is another one's turn, -EACCES if nobody
 * will give it to us as we are. */
static int ask_all(Coordination *coordination, const Wish *wish, Error *reterr)
{
        ApiServer *servers;
        ApiServers known;
        Error error = {};
        size_t n;
        int r, answer;

        r = prepare(coordination, reterr);
        if (r < 0)
                return error_prefix(reterr, -EACCES, "no API server can be asked");
        known = known_to(coordination);
        servers = api_servers_all(&known, &n);
        for (size_t i = 0; i < n; i++) {
                answer = ask(coordination, &servers[i], wish, &error);
                if (answer >= 0 || answer == -EBUSY || says_more(answer, r))
                        r = error_set(reterr, answer, "%s", answer < 0 ? error.text : "");
                if (answer >= 0 || answer == -EBUSY)
                        break;
        }
        free(servers);
        return r;
}

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* May it go ahead without the turn? r: why there is none. Where somebody has it, and says so,
 * never; who does not know of any host has waited for all that there may be. */
static bool goes_alone(const Coordination *coordination, const Turn *turn, int r, int64_t waited)
{
        const Config *config = coordination->config;
        const char *address = api_servers_address(coordination->api, config);
        HostPlace place = host_order_place(coordination->cluster, config->host.node_name, address);
        int64_t span = config->cluster.lease_timeout;

        return r != -EBUSY && (turn->is_urgent || !turn->is_well) &&
               (host_order_is_due(place, clock_now(), span) ||
                       (place.n == 0 && waited >= span * 1000));
}

/* A person has had it for longer than a pass waits, or who says that he needs it for longer than
 * anybody does, and this cannot wait. A host that is alive ends by itself, and so does the time of
 * one that is not. Of several hosts for which that is so one is the first to write, and the others
 * have to do with that one then. */
static bool takes_over(const Coordination *coordination, const Turn *turn, int r)
{
        int64_t limit = coordination->config->cluster.lease_timeout * 1000;
        int64_t duration = coordination->cluster->seen.duration;

        return r == -EBUSY && turn->is_urgent && coordination->rival &&
               (duration == 0 || duration > ENDLESS) &&
               clock_monotonic() - coordination->rival_since >= limit;
}

static void tell(
        int priority, const char *event, const Turn *turn, const char *text, const char *why)
{
        const LogField fields[] = {{"COMPONENT", turn->component}, {"REASON", why}, {}};

        log_event(priority, event, fields, "Component '%s' %s: %s.", turn->component, text, why);
}

/* Until then it waits for somebody's answer. */
static void wait_a_little(const Coordination *coordination, int64_t waited)
{
        int64_t left = coordination->config->cluster.lease_timeout * 1000 - waited;

        log_wait(left);
        clock_sleep(smaller(POLL, left > 1 ? left : 1));
}

/* From our rival, and by the latest version, so that of two who do so one is told. */
static int take_over(Coordination *coordination, const Turn *turn, Error *reterr)
{
        const Wish wish = {.seconds = turn->seconds, .insists = true};
        Error before = *reterr;
        int r = ask_all(coordination, &wish, reterr);

        if (r < 0)
                return error_prefix(reterr, -EAGAIN, "it waits for its turn");
        tell(LOG_WARNING, EVENT_TURN_OVERRIDDEN, turn, "has taken the turn, since it cannot wait",
                before.text);
        return 0;
}

/* 1 if it goes without. */
static int wait_for_turn(Coordination *coordination, const Turn *turn, Error *reterr)
{
        int64_t limit = coordination->config->cluster.lease_timeout * 1000, waited;
        int64_t begin = clock_monotonic() - coordination->waited;
        Wish wish = {.seconds = turn->seconds};
        bool is_told = false;
        int r;

        log_status("Waiting for its turn to restart %s", turn->component);
        for (;;) {
                r = ask_all(coordination, &wish, reterr);
                waited = coordination->waited = clock_monotonic() - begin;
                if (r >= 0)
                        return 0;
                if (interrupt_is_pending())
                        return error_prefix(reterr, -EAGAIN, "it waits for its turn");
                if (goes_alone(coordination, turn, r, waited)) {
                        tell(LOG_WARNING, EVENT_TURN_OVERRIDDEN, turn,
                                "goes on without its turn, since it cannot wait", reterr->text);
                        return 1;
                }
                if (takes_over(coordination, turn, r))
                        return take_over(coordination, turn, reterr);
                if (waited >= limit || (r == -EACCES && turn->is_well && !turn->is_urgent))
                        return error_prefix(reterr, -EAGAIN, "it waits for its turn");
                if (!is_told)
                        tell(LOG_INFO, EVENT_TURN_AWAITED, turn, "waits for its turn",
                                reterr->text);
                is_told = true;
                wait_a_little(coordination, waited);
        }
}

/* Ours still, for as long as it takes: then an API that has gone since is no reason to wait. */
static bool is_ours_for(const Coordination *coordination, int64_t seconds)
{
        return clock_monotonic() + seconds * 1000 < coordination->valid_until;
}

int coordination_take_turn(Coordination *coordination, const Turn *turn, Error *reterr)
{
        const Wish wish = {.seconds = turn ? turn->seconds : 0};
        Error error = {};
        int r;

        if (!coordination)
                return 0;
        r = ask_all(coordination, &wish, &error);
        if (r < 0 && !(r != -EBUSY && is_ours_for(coordination, turn->seconds)))
                r = wait_for_turn(coordination, turn, &error);
        else
                r = 0;
        coordination->was_ready = false;
        coordination->may_be_last = r == 0 && turn->is_urgent && !coordination->is_disputed;
        remember(coordination);
        return r < 0 ? error_set(reterr, r, "%s", error.text) : 0;
}

void coordination_prolong(Coordination *coordination, int64_t seconds)
{
        const Wish wish = {.seconds = seconds};
        Error error = {};

        if (coordination && ask_all(coordination, &wish, &error) < 0)
                log_debug("the turn is not prolonged: %s, ignoring", error.text);
}

bool coordination_minds(const Coordination *coordination, const InventoryComponent *component)
{
        return coordination && api_gate_concerns(coordination->api, component);
}

bool coordination_forbids(Coordination *coordination, const InventoryComponent *component,
        bool is_of_use, Error *reterr)
{
        bool may_be_last, is_open;
        ApiServers known;

        if (!coordination_minds(coordination, component))
                return false;
        may_be_last = !is_of_use || coordination->may_be_last;
        if (prepare(coordination, reterr) < 0)
                return !may_be_last &&
                       error_prefix(reterr, -EBUSY, "other API servers cannot be asked") < 0;
        known = known_to(coordination);
        coordination->was_ready |= api_gate_ask_here(&known, NULL) >= 0;
        is_open = !is_of_use || api_gate_is_open(&known, reterr);
        return !is_open && !may_be_last;
}

bool coordination_is_back(
        Coordination *coordination, const InventoryComponent *component, Error *reterr)
{
        ApiServers known;
        int r;

        if (!coordination_minds(coordination, component) || prepare(coordination, NULL) < 0 ||
                (quorum_is_etcd(component) && !coordination->was_ready))
                return true;
        known = known_to(coordination);
        r = api_gate_ask_here(&known, reterr);
        return r >= 0 || r == -EACCES || r == -ENOENT;
}

/* Whoever answers first takes it back; where nobody does it comes to its end by itself. */
static void give_back(Coordination *coordination)
{
        const LeaseClaim claim = {.holder = coordination->displaced,
                .duration = coordination->displaced ? 0 : GIVEN_BACK,
                .now = clock_now()};
        ApiServers known = known_to(coordination);
        Error error = {};
        ApiServer *servers;
        bool is_done = false;
        size_t n;

        servers = api_servers_all(&known, &n);
        for (size_t i = 0; i < n && !is_done; i++) {
                autoptr(Lease) lease = NULL;
                autoptr(Lease) written = NULL;
                int r = lease_get(&servers[i], &lease_name, &lease, &error);

                if (r >= 0 && streq(lease->holder, coordination->holder))
                        r = lease_write(&servers[i], &lease_name, lease, &claim, &written, &error);
                is_done = r >= 0 || r == -EEXIST || r == -ENOENT;
        }
        if (!is_done)
                log_debug("the turn is not given back: %s, ignoring", error.text);
        free(servers);
}

const char *coordination_rival(const Coordination *coordination)
{
        return coordination ? coordination->rival : NULL;
}

void coordination_keep(Coordination *coordination)
{
        if (coordination)
                coordination->is_kept = true;
}

void coordination_free(Coordination *coordination)
{
        if (!coordination)
                return;
        if (coordination->may_hold && !coordination->is_kept)
                give_back(coordination);
        access_free(coordination->access);
        cluster_free(coordination->cluster);
        free(coordination->rival);
        free(coordination->displaced);
        free(coordination->holder);
        free(coordination);
}
