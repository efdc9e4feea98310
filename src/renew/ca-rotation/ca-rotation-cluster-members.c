/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/endpoints.h"
#include "pki/probe.h"
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"
#include "renew/restart/quorum.h"

bool question_staying_signs(const Question *question)
{
        const CaRotation *rotation = question->rotation;

        return cert_equal(ca_phase_signer(rotation->record, rotation->phase), question->staying);
}

bool question_is_vouched_for(const Question *question)
{
        const CaRotation *rotation = question->rotation;
        const Cert *cross = ca_phase_cross(rotation->record, rotation->phase);

        return question_staying_signs(question) ||
               (cross && cross->not_after > question->input->now);
}

static bool is_of(const Question *question, const Cert *cert)
{
        return cert_is_issued_by(cert, question->staying) ||
               cert_is_issued_by(cert, question->leaving);
}

static bool shows_one_of(const Question *question, const char *host, uint16_t port)
{
        autoptr(CertList) chain = NULL;

        return probe_tls(host, port, NULL, question->server.timeout, &chain, NULL) >= 0 &&
               is_of(question, chain->certs[0]);
}

void question_look(Question *question, const Cert *administrator)
{
        question->signs_server =
                shows_one_of(question, question->server.host, question->server.port);
        question->signs_clients = is_of(question, administrator);
}

/* Vouched for, and by the phase that this host has reached too? The CA that goes may be taken away
 * when nobody shows a leaf of it, whatever stands behind: until then somebody signs with its key.
 */
static void add_vouched(const Question *question, const char *name, const Cert *leaf)
{
        if (!question_staying_signs(question))
                question_add_for(question, name, CHECK_DONE, CA_PHASE_REISSUE,
                        xstrdup("is vouched for by the CA that stays"));
        else if (cert_is_issued_by(leaf, question->staying))
                question_add(question, name, CHECK_DONE,
                        xstrdup("has a certificate of the CA that stays"));
        else
                question_add(question, name, CHECK_OPEN,
                        xstrdup("has a certificate of the CA that is to go still: run the same "
                                "phase there"));
}

static void add_refused(const Question *question, const char *name, const Error *error)
{
        question_add_for(question, name, CHECK_OPEN, CA_PHASE_REISSUE,
                xasprintf("the CA that stays does not vouch for it, or it does not know our "
                          "certificate; run the same phase there, with the same CA "
                          "(--certificate= --key=): %s",
                        error->text));
}

/* Does an API server elsewhere show what the CA that stays vouches for, and does it know whom that
 * one has vouched for? */
static void ask_member(const Question *question, const char *host, uint16_t port)
{
        autofree char *name = xasprintf("API server %s", host);
        autofree char *staying = cert_to_pem(question->staying);
        ApiServer member = question->server;
        autoptr(json_t) object = NULL;
        autoptr(CertList) chain = NULL;
        Error error = {};
        int r;

        member.host = host;
        member.port = port;
        member.tls.ca = staying;
        member.tls.ca_size = strlen(staying);
        r = api_get(&member, "/version", &object, &error);
        if (r == -EKEYREJECTED || r == -EACCES) {
                add_refused(question, name, &error);
                return;
        }
        if (r >= 0)
                r = probe_tls(host, port, NULL, member.timeout, &chain, &error);
        if (r < 0)
                question_fail(question, name, &error);
        else
                add_vouched(question, name, chain->certs[0]);
}

/* A list of API servers under way. */
typedef struct Listing {
        const Question *question;
        bool asks;
        char **hosts;
} Listing;

static void visit_server(const char *host, uint16_t port, void *userdata)
{
        Listing *listing = userdata;

        strv_add(&listing->hosts, host);
        if (listing->asks)
                ask_member(listing->question, host, port);
}

static int list_servers(const Question *question, bool asks, char ***ret_hosts, Error *reterr)
{
        Listing listing = {.question = question, .asks = asks};
        int r = endpoints_list(&question->server, visit_server, &listing, reterr);

        *ret_hosts = listing.hosts;
        return r;
}

void cluster_check_members(const Question *question)
{
        static const char name[] = "other control planes";
        bool asks = question->signs_server && question_is_vouched_for(question);
        autostrv hosts = NULL;
        Error error = {};
        int r;

        r = list_servers(question, asks, &hosts, &error);
        if (r < 0)
                question_fail(question, name, &error);
        else if (!asks && strv_length(hosts) > 1) {
                autofree char *text = strv_join(hosts, ", ");

                question_add(question, name, CHECK_UNKNOWN,
                        xasprintf("see that each has gone through the same phase of this CA, "
                                  "with the same new one: %s",
                                text));
        }
}

static const InventoryComponent *find_etcd(const Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_components; i++)
                if (quorum_is_etcd(&inventory->components[i]))
                        return &inventory->components[i];
        return NULL;
}

/* Peers and clients of one member; what of it does not answer from here says nothing. */
static void ask_etcd(const Question *question, const EtcdMember *member)
{
        autofree char *name = xasprintf("etcd %s", *member->name ? member->name : "(not started)");
        const CertList roots = {.certs = (Cert *[]){(Cert *)question->staying}, .n = 1};
        autoptr(CertList) shown = NULL;
        Error error = {};
        int r = error_set(&error, -ENOENT, "it has no https address");

        for (size_t i = 0; i < member->n; i++) {
                autoptr(CertList) chain = NULL;

                r = probe_tls(member->addresses[i].host, member->addresses[i].port, NULL,
                        question->server.timeout, &chain, &error);
                if (r < 0)
                        continue;
                r = cert_verify(chain->certs[0], chain, &roots, question->input->now, 0, &error);
                if (r < 0) {
                        add_refused(question, name, &error);
                        return;
                }
                if (!shown || !cert_is_issued_by(chain->certs[0], question->staying)) {
                        cert_list_free(shown);
                        shown = TAKE(chain);
                }
        }
        if (shown)
                add_vouched(question, name, shown->certs[0]);
        else
                question_fail(question, name, &error);
}

/* Is etcd's own certificate of this CA at all? */
static bool is_about_etcd(const Question *question, const InventoryComponent *etcd)
{
        const Manifest *manifest = etcd->manifest;

        for (size_t i = 0; i < manifest->n_endpoints; i++)
                if (shows_one_of(
                            question, manifest->endpoints[i].host, manifest->endpoints[i].port))
                        return true;
        return false;
}

void cluster_check_etcd(const Question *question)
{
        static const char name[] = "members of etcd";
        const InventoryComponent *etcd = find_etcd(question->input->inventory);
        autoptr(EtcdMembers) members = NULL;
        Error error = {};
        int r;

        if (!etcd)
                return;
        r = quorum_members(question->input->rotations->root_fd, etcd, &members, &error);
        if (!is_about_etcd(question, etcd))
                return;
        if (r < 0)
                question_fail(question, name, &error);
        else if (question_is_vouched_for(question))
                for (size_t i = 0; i < members->n; i++)
                        ask_etcd(question, &members->list[i]);
        else if (members->n > 1)
                question_add(question, name, CHECK_UNKNOWN,
                        xstrdup("see that each has gone through the same phase of this CA, with "
                                "the same new one"));
}

/* Those of etcd by their names, for the API servers of the others need not be up. */
static void list_etcd(const Question *question, char ***ret_names)
{
        const InventoryComponent *etcd = find_etcd(question->input->inventory);
        autoptr(EtcdMembers) members = NULL;

        if (!etcd || quorum_members(question->input->rotations->root_fd, etcd, &members, NULL) < 0)
                return;
        for (size_t i = 0; i < members->n; i++)
                strv_add(ret_names, members->list[i].name);
}

void cluster_check_alone(const Question *question, const Error *error)
{
        static const char name[] = "other control planes";
        autostrv servers = NULL;
        autostrv members = NULL;
        autofree char *text = NULL;
        Error failure = {};

        if (!error && list_servers(question, false, &servers, &failure) < 0)
                error = &failure;
        list_etcd(question, &members);
        if (strv_length(servers) > 1 || strv_length(members) > 1) {
                text = strv_join(strv_length(servers) > 1 ? servers : members, ", ");
                question_add_for(question, name, CHECK_OPEN, CA_PHASE_PREPARE,
                        xasprintf("there are several (%s), and each must get the same new CA: "
                                  "--force makes one here, and --certificate= --key= gives it to "
                                  "the others",
                                text));
        } else if (error)
                question_fail(question, name, error);
}
