/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/verify.h"

#include "base/log.h"
#include "base/time-util.h"
#include "host/clock.h"
#include "pki/probe.h"
#include "renew/inventory/reload.h"

#define NANOSECONDS ((int64_t)1000000000)

/* A server on this host that has not shown its certificate by then will not. */
#define HANDSHAKE_TIMEOUT 5

static const char *const kind_names[] = {
        [PROOF_SERVED] = "served",
        [PROOF_STARTED_AFTER] = "started after it",
        [PROOF_READS_ITSELF] = "reads it by itself",
        [PROOF_MADE] = "makes it by itself",
};

const char *proof_kind_name(ProofKind kind)
{
        return kind_names[kind];
}

void component_proof_done(ComponentProof *proof)
{
        for (size_t i = 0; i < proof->n; i++) {
                free(proof->proofs[i].endpoint);
                free(proof->proofs[i].text);
        }
        free(proof->proofs);
        free(proof->health_problem);
        run_look_done(&proof->look);
        *proof = (ComponentProof){};
}

void verification_free(Verification *verification)
{
        if (!verification)
                return;
        for (size_t i = 0; i < verification->n; i++)
                component_proof_done(&verification->components[i]);
        free(verification->components);
        free(verification);
}

/* What one proof rests on. */
typedef struct Evidence {
        const Running *running;
        const InventoryComponent *component;
        const RunLook *look;
        const VerifyRequest *request;
} Evidence;

static int64_t nanoseconds(struct timespec t)
{
        return (int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec;
}

/* The file that the component opens. */
static const FileImage *file_of(const Item *item)
{
        return item->kubeconfig_file ? item->kubeconfig_file : item->file;
}

static const char *path_of(const Item *item)
{
        const FileImage *file = file_of(item);

        return file ? file->path : item->path;
}

static const ManifestEndpoint *find_endpoint(
        const InventoryComponent *component, const ComponentUse *use)
{
        const Manifest *manifest = component->manifest;

        for (size_t i = 0; manifest && use->container && i < manifest->n_endpoints; i++)
                if (streq(manifest->endpoints[i].container, use->container) &&
                        streq(manifest->endpoints[i].flag, use->how))
                        return &manifest->endpoints[i];
        return NULL;
}

/* In a CA rotation the certificates behind the leaf change, and nothing else of the file. */
static void compare_served(const CertList *served, Proof *proof)
{
        const Cert *leaf = served->certs[0];
        const Item *item = proof->item;

        if (cert_list_equal(served, item->chain)) {
                proof->loaded = LOADED_YES;
                return;
        }
        proof->loaded = LOADED_NO;
        proof->expires = leaf->not_after;
        if (cert_equal(leaf, item->cert))
                proof->text = xasprintf("%s serves the certificate of '%s', but behind it %zu "
                                        "that are not the %zu of the file",
                        proof->endpoint, item->path, served->n - 1, item->chain->n - 1);
        else
                proof->text = xasprintf("%s serves the certificate with serial %s, '%s' has %s",
                        proof->endpoint, leaf->serial, item->path, item->cert->serial);
}

static void prove_served(const Evidence *evidence, const ManifestEndpoint *endpoint, Proof *proof)
{
        autoptr(CertList) served = NULL;
        Error error = {};

        proof->kind = PROOF_SERVED;
        proof->endpoint = xasprintf(
                strchr(endpoint->host, ':') ? "[%s]:%u" : "%s:%u", endpoint->host, endpoint->port);
        if (!running_is_live(evidence->running))
                proof->text = xstrdup(evidence->look->problem);
        else if (!proof->item->cert)
                proof->text = xasprintf("'%s' has no certificate", proof->item->path);
        else if (probe_tls(endpoint->host, endpoint->port, NULL, HANDSHAKE_TIMEOUT, &served,
                         &error) < 0)
                proof->text = xstrdup(error.text);
        else
                compare_served(served, proof);
}

/* When the file became what it is: for our own doing the moment of the rename, else the moment its
 * content was written (a later chmod changes nothing for who has read it), unless that is a lie. */
static int64_t changed_at(const Evidence *evidence, const FileImage *file)
{
        const Owed *owed = evidence->request->owed;
        bool is_ours = owed && (owed->since == 0 || strv_contains(owed->paths, file->path));

        int64_t written = nanoseconds(file->st.st_mtim);

        return is_ours || clock_is_future(written) ? nanoseconds(file->st.st_ctim) : written;
}

static bool is_of_key(const Proof *proof)
{
        return proof->path != proof->item->path;
}

/* Of a kubeconfig that names its certificate's file, whichever of the two changed last. */
static const FileImage *last_changed(const Evidence *evidence, const Proof *proof)
{
        const FileImage *file = file_of(proof->item), *named = proof->item->file;

        if (is_of_key(proof))
                return proof->item->key_file;
        return file && named && changed_at(evidence, named) > changed_at(evidence, file) ? named
                                                                                         : file;
}

static void prove_by_age(const Evidence *evidence, Proof *proof)
{
        const FileImage *file = last_changed(evidence, proof);
        char began[TIME_TEXT_SIZE], changed[TIME_TEXT_SIZE];
        int64_t at;

        proof->kind = PROOF_STARTED_AFTER;
        if (!file)
                proof->text = xasprintf("'%s' is not there", proof->path);
        else if (evidence->request->witnessed || evidence->look->state == RUN_IDLE)
                proof->loaded = LOADED_YES;
        else if (evidence->look->state != RUN_RUNNING)
                proof->text = xstrdup(evidence->look->problem);
        else if (run_look_is_misdated(evidence->look)) {
                proof->loaded = LOADED_NO;
                proof->text = xasprintf("runs since %s, which is yet to come",
                        time_format(evidence->look->started_at / NANOSECONDS, began));
        } else if (clock_is_future(at = changed_at(evidence, file)))
                proof->text = xasprintf("'%s' changed %s, which is yet to come", file->path,
                        time_format(at / NANOSECONDS, changed));
        else if (at < evidence->look->started_at)
                proof->loaded = LOADED_YES;
        else {
                proof->loaded = LOADED_NO;
                proof->text = xasprintf("runs since %s, '%s' changed %s",
                        time_format(evidence->look->started_at / NANOSECONDS, began), file->path,
                        time_format(at / NANOSECONDS, changed));
        }
}

static void prove_reader(const Evidence *evidence, ProofKind kind, Proof *proof)
{
        proof->kind = kind;
        if (evidence->look->state >= RUN_IDLE || evidence->request->witnessed)
                proof->loaded = LOADED_YES;
        else
                proof->text = xstrdup(evidence->look->problem);
}

static void prove(const Evidence *evidence, const ComponentUse *use, Proof *proof)
{
        const InventoryComponent *component = evidence->component;
        const ManifestEndpoint *endpoint = find_endpoint(component, use);
        ReloadKind kind = component_reload_kind(component, use);

        if (endpoint)
                prove_served(evidence, endpoint, proof);
        else if (kind == RELOAD_NEVER)
                prove_by_age(evidence, proof);
        else
                prove_reader(
                        evidence, kind == RELOAD_MADE ? PROOF_MADE : PROOF_READS_ITSELF, proof);
}

/* Of several proofs for one file the one that says most is kept: not loaded before unknown. */
static bool is_graver(const Proof *proof, const Proof *than)
{
        static const int gravity[] = {[LOADED_YES] = 0, [LOADED_UNKNOWN] = 1, [LOADED_NO] = 2};

        return gravity[proof->loaded] > gravity[than->loaded];
}

/* Each file once, whatever number of flags and certificates it has. */
static void add_proof(ComponentProof *result, Proof proof)
{
        for (size_t i = 0; i < result->n; i++) {
                Proof *known = &result->proofs[i];

                if (!streq(path_of(known->item), path_of(proof.item)) ||
                        (known->kind == PROOF_SERVED && proof.kind == PROOF_SERVED))
                        continue;
                Proof lesser = proof;
                if (is_graver(&proof, known)) {
                        lesser = *known;
                        *known = proof;
                }
                free(lesser.endpoint);
                free(lesser.text);
                return;
        }
        result->proofs = xreallocarray(result->proofs, result->n + 1, sizeof(Proof));
        result->proofs[result->n++] = proof;
}

static bool is_asked(const VerifyRequest *request, const Item *item)
{
        return !request->paths || strv_contains(request->paths, path_of(item)) ||
               strv_contains(request->paths, item->path) ||
               (item->key_path && strv_contains(request->paths, item->key_path));
}

/* The first certificate of each file stands for it. */
static bool is_first_of_its_file(const Item *item)
{
        return item->kind == ITEM_CA || item->kind == ITEM_CERTIFICATE ||
               item->kind == ITEM_KUBECONFIG;
}

static void prove_item(const Evidence *evidence, const Item *item, ComponentProof *result)
{
        const InventoryComponent *component = evidence->component;
        bool by_key = item->key_path && !component_uses(component, path_of(item), NULL);
        ComponentUse use;

        for (size_t at = 0; component_next_use(
                     component, by_key ? item->key_path : path_of(item), &at, &use);) {
                Proof proof = {.item = item,
                        .path = by_key ? item->key_path : item->path,
                        .flag = use.how};

                prove(evidence, &use, &proof);
                add_proof(result, proof);
        }
}

void verify_component(Running *running, const InventoryComponent *component,
        const VerifyRequest *request, ComponentProof *ret)
{
        const Inventory *inventory = component->inventory;
        ComponentProof result = {.component = component};
        Error error = {};

        running_look(running, component, &result.look);
        const Evidence evidence = {running, component, &result.look, request};
        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (is_first_of_its_file(item) && is_asked(request, item))
                        prove_item(&evidence, item, &result);
        }
        result.health = running_ask_health(running, component, &error);
        if (result.health < 0 && result.health != -EOPNOTSUPP)
                result.health_problem = xstrdup(error.text);
        *ret = result;
}

Verification *verify_all(Running *running, const Inventory *inventory, const OwedList *owed)
{
        Verification *verification = xcalloc(1, sizeof(*verification));

        verification->components = xcalloc(inventory->n_components, sizeof(ComponentProof));
        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];
                const char *name = component->entry->name;
                const VerifyRequest request = {.owed = owed ? owed_find(owed, name) : NULL};

                log_step(i + 1, inventory->n_components);
                log_status("Verifying %s", name);
                verify_component(
                        running, component, &request, &verification->components[verification->n++]);
        }
        log_step(0, 0);
        return verification;
}

int64_t component_started_at(const ComponentProof *proof)
{
        return proof->look.started_at / NANOSECONDS;
}

bool component_is_too_old(const ComponentProof *proof, int64_t now)
{
        int64_t age = proof->component->entry->loopback_age;

        return age > 0 && proof->look.state == RUN_RUNNING &&
               now - component_started_at(proof) >= age;
}

static const Proof *gravest(const ComponentProof *proof)
{
        const Proof *found = NULL;

        for (size_t i = 0; i < proof->n; i++)
                if (proof->proofs[i].loaded != LOADED_YES &&
                        (!found || is_graver(&proof->proofs[i], found)))
                        found = &proof->proofs[i];
        return found;
}

Loaded component_proof_loaded(const ComponentProof *proof)
{
        const Proof *worst = gravest(proof);

        return worst ? worst->loaded : LOADED_YES;
}

const char *component_proof_problem(const ComponentProof *proof)
{
        const Proof *worst = gravest(proof);

        return worst ? worst->text : NULL;
}

/* A fault of the file itself is graver than that nobody has loaded it. */
static void apply_proof(const Proof *proof, const char *component, Verdict *verdict)
{
        verdict->loaded = proof->loaded;
        if (proof->loaded != LOADED_NO || state_severity(verdict->state) > 1)
                return;
        if (verdict->state != STATE_NOT_LOADED)
                verdict->covered = verdict->state;
        verdict->state = STATE_NOT_LOADED;
        free(verdict->text);
        verdict->text = xasprintf("%s %s", component, proof->text);
}

void verify_apply(const Verification *verification, Assessment *assessment)
{
        /* The worst that any component says of a file is said last. */
        static const Loaded order[] = {LOADED_YES, LOADED_UNKNOWN, LOADED_NO};

        for (size_t pass = 0; pass < ELEMENTSOF(order); pass++)
                for (size_t i = 0; i < verification->n; i++) {
                        const ComponentProof *component = &verification->components[i];

                        for (size_t k = 0; k < component->n; k++) {
                                const Proof *proof = &component->proofs[k];
                                size_t item = (size_t)(proof->item - assessment->inventory->items);

                                if (proof->loaded == order[pass])
                                        apply_proof(proof, component->component->entry->name,
                                                &assessment->verdicts[item]);
                        }
                }
}
