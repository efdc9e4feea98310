/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a pass will do and why, in order. Pure: no file, no clock, no log.
 *
 *     r = plan_make(assessment, &request, &plan, reterr);
 *     for (i = 0; i < plan->n_steps; i++) ... plan->steps[i].text
 *
 * Every item that was asked for gets one step or one skip with the reason: nothing disappears
 * silently. Restarts follow from the files that change and the components that use them, etcd first
 * by Order=. */

#include "renew/assess/assess.h"

typedef struct PlanRequest {
        char *const *names;       /* kubeadm's names; NULL: all that is due */
        bool installs;            /* the names are of certificates that somebody has brought */
        bool all;                 /* everything that can be renewed, due or not */
        const char *kubelet_unit; /* instead: the client certificate that this service should have
                                     renewed by itself; NULL */
} PlanRequest;

typedef enum StepKind {
        STEP_RENEW,          /* new key and certificate with the identity of the old one */
        STEP_CREATE,         /* it is missing and its identity is configured */
        STEP_TAKE_OVER,      /* the pair of Item.source, as it is */
        STEP_RESTART,        /* whoever uses it renews it when it is started (RenewedBy=) */
        STEP_REPAIR_CA_DATA, /* append missing roots to a kubeconfig; no key is issued */
} StepKind;

typedef struct Step {
        StepKind kind;
        const Item *item;
        const Verdict *verdict;
        DueReason reason;
        char *text; /* why, one sentence */
} Step;

/* The file that a step changes first: the certificate's, or the kubeconfig whose CA data is
 * repaired. */
const char *step_path(const Step *step);

/* True if it makes a new certificate. */
bool step_issues(const Step *step);

/* True if the old key stays (ReuseKey=): it is there and belongs to the certificate. */
bool step_keeps_key(const Step *step);

/* What became of a certificate: each has its own. */
typedef enum Outcome {
        OUTCOME_RENEWED,
        OUTCOME_NOT_DUE,
        OUTCOME_FAILED,
        OUTCOME_EXTERNAL,
        OUTCOME_MISSING,
        OUTCOME_CA_LIMITED,
        OUTCOME_POSTPONED,
        OUTCOME_PENDING, /* somebody else was asked, and has not answered yet */
} Outcome;

const char *outcome_name(Outcome outcome);

typedef struct Skip {
        const Item *item;
        Outcome outcome; /* NOT_DUE, EXTERNAL, MISSING, POSTPONED (rolled back lately, or renewed
                            over and over) or FAILED (CA unusable, not understood) */
        bool is_failure; /* it was named, or is running out: the pass cannot end in 0 */
        char *text;
} Skip;

/* Why a certificate that is due is left alone by the loop breaker; the caller frees. */
char *plan_loop_text(const Verdict *verdict);

/* A component that uses something that changes. */
typedef struct Restart {
        const InventoryComponent *component;
        bool renews;    /* its start renews what steps of the plan are about */
        bool is_needed; /* false: it loads all of it by itself, and is only proven. With
                           Restart=never it is for the operator to act on */
        char **paths;   /* the files that change and that it uses, and those that it renews */
        char *text;     /* "uses /etc/kubernetes/scheduler.conf (--kubeconfig): keeps embedded
                           credentials; …" */
} Restart;

/* What becomes of a copy that its source's change concerns, or that an earlier pass still owes. */
typedef struct PlanCopy {
        const InventoryCopy *copy;
        bool is_written; /* false: it is left as it is */
        char *text;      /* why */
} PlanCopy;

/* A Secret that will be written. */
typedef struct PlanPublication {
        const SecretEntry *entry;
        char **keys; /* of it that change, as far as that can be known without asking for it */
} PlanPublication;

typedef struct Plan {
        const Assessment *assessment;
        Step *steps;
        size_t n_steps;
        Skip *skips; /* what was named, or due, and cannot be done; with names also what is not due
                      */
        size_t n_skips;
        Restart *restarts; /* in the order they are made, with those that are only proven */
        size_t n_restarts;
        PlanCopy *copies; /* files of one group behind each other */
        size_t n_copies;
        PlanPublication *publications;
        size_t n_publications;
} Plan;

/* For plan_make(): fills in plan->copies. changed: the files that the steps change. */
void plan_copies(Plan *plan, const PlanRequest *request, char *const *changed);
void plan_copies_free(Plan *plan);

/* The same for plan->publications. */
void plan_publications(Plan *plan, char *const *changed);
void plan_publications_free(Plan *plan);

/* The components that use any of these files, in the order in which they are restarted. One whose
 * manifest cannot be read may use any file: one restart too many is the lesser harm. */
Restart *restarts_of_paths(const Inventory *inventory, char *const *paths, size_t *ret_n);

/* Adds the kubelet, the first, if one of the paths is its kubeconfig (Watch=yes): it keeps what
 * that embeds, and no flag of it says that it has one. */
void restarts_add_kubelet(const Inventory *inventory, const Config *config, char *const *paths,
        Restart **restarts, size_t *n);

/* Adds those whose start renews what these steps are about, in the order of the restarts. */
void restarts_add_renewals(const Inventory *inventory, const Step *steps, size_t n_steps,
        Restart **restarts, size_t *n);

void restarts_free(Restart *restarts, size_t n);

void plan_free(Plan *plan);
DEFINE_AUTOPTR(Plan, plan_free)

/* The certificate of that name. -EINVAL if it is none (with the nearest that is one), or a CA. */
int plan_find_leaf(
        const Inventory *inventory, const char *name, const Item **ret, Error *reterr) MUST_USE;

/* How a certificate would be made anew that is there or, if its identity is known, is not. False if
 * it cannot be: then what is there cannot be read. */
bool plan_step_of(const Assessment *assessment, const Item *item, Step *ret);

/* -EINVAL for a name that is none (with the nearest that is one), -ENOENT if there is no kubelet
 * whose certificate could be renewed. */
int plan_make(const Assessment *assessment, const PlanRequest *request, Plan **ret,
        Error *reterr) MUST_USE;

/* The plan for request->kubelet_unit, which plan_make() hands on: one step, and the restart of that
 * service. */
int plan_kubelet(
        const Assessment *assessment, const char *unit, Plan **ret, Error *reterr) MUST_USE;
