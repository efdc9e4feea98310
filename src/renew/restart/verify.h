/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Proof: does the running process use what is on disk? Reads only, and shakes hands.
 *
 *     verify_component(running, component, &what, &proof);       one component, some files
 *     verification = verify_all(running, inventory, owed);       every component of this host
 *     verify_apply(verification, assessment);                    NOT LOADED into the verdicts
 *
 * Servers: a fresh handshake shows the certificates that the file has, the leaf and those
 * behind it (SHA-256). Clients and trusted CAs:
 * the process began after the file changed, or reads the file again by itself (and is said to),
 * or has made it (RenewedBy=), which is always later than its own beginning.
 * When a file changed: its content by mtime; what the ledger has (or may have: an entry that cannot
 * be read) was put in place by us, and is judged by ctime, which a rename moves too. */

#include "renew/assess/assess.h"
#include "renew/commit/owed.h"
#include "renew/unit/running.h"

typedef enum ProofKind {
        PROOF_SERVED,        /* by a handshake */
        PROOF_STARTED_AFTER, /* by the age of the process */
        PROOF_READS_ITSELF,  /* not to be seen from outside */
        PROOF_MADE,          /* the process has made it */
} ProofKind;

/* "served", "started after it", "reads it by itself", "makes it by itself" */
const char *proof_kind_name(ProofKind kind);

typedef struct Proof {
        const Item *item;
        const char *path; /* of its certificate, or of its key where the component knows only that
                           */
        const char *flag;
        char *endpoint; /* "127.0.0.1:6443" for PROOF_SERVED */
        ProofKind kind;
        Loaded loaded;
        char *text;      /* what is not proven, and how it was seen; NULL if it is */
        int64_t expires; /* end of what it serves instead of the file's; 0: not known */
} Proof;

typedef struct ComponentProof {
        const InventoryComponent *component;
        RunLook look;
        Proof *proofs;
        size_t n;
        int health;           /* as running_ask_health() */
        char *health_problem; /* why it is not healthy, NULL otherwise */
} ComponentProof;

typedef struct Verification {
        ComponentProof *components; /* parallel to inventory->components */
        size_t n;
} Verification;

void component_proof_done(ComponentProof *proof);
void verification_free(Verification *verification);
DEFINE_AUTOPTR(Verification, verification_free)

typedef struct VerifyRequest {
        char *const *paths; /* only proofs for these files; NULL: for all */
        const Owed *owed;   /* the component's entry in the ledger, NULL if it has none */
        bool witnessed;     /* somebody has seen it end, and come back, after the change */
} VerifyRequest;

/* Cannot fail: what is not known is LOADED_UNKNOWN with its text. */
void verify_component(Running *running, const InventoryComponent *component,
        const VerifyRequest *request, ComponentProof *ret);

Verification *verify_all(Running *running, const Inventory *inventory, const OwedList *owed);

/* Its process is older than its LoopbackAge= allows. */
bool component_is_too_old(const ComponentProof *proof, int64_t now);

/* Seconds since the epoch; 0 if it is not known to run. */
int64_t component_started_at(const ComponentProof *proof);

/* LOADED_NO if one is, else LOADED_UNKNOWN if one is, else LOADED_YES. */
Loaded component_proof_loaded(const ComponentProof *proof);

/* The first text of a proof that is LOADED_NO, or else UNKNOWN; NULL if all is proven. */
const char *component_proof_problem(const ComponentProof *proof);

/* Sets `loaded` of each verdict, and the state of a certificate that is well but not loaded. */
void verify_apply(const Verification *verification, Assessment *assessment);
