/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One certificate as people and monitoring agents see it: plain data, from an assessment or from
 * status.json.
 *
 *     rows = rows_from_assessment(assessment);
 *     json = rows_to_json(rows);                         an array; vCluster's names, and ours
 *     r = rows_from_json(json, &rows, reterr);           for `check --cached`
 *
 * This is all that cli needs to know of a certificate. Never sorted here: the order is the
 * inventory's. */

#include "base/json.h"
#include "base/time-util.h"
#include "renew/assess/assess.h"

typedef struct Row {
        char *name;
        char *kind;            /* "ca", "certificate", "chain", "kubeconfig", "embedded-ca" */
        char *path, *filename; /* filename: last component, as vCluster has it */
        char *embedded_kind;   /* "user" or "cluster" of a kubeconfig that holds it, NULL: a file */
        char *embedded_key;    /* which one */
        char *subject,
                *issuer; /* common names (the whole DN where there is none), as vCluster has them */
        char *subject_dn, *issuer_dn;
        char *serial, *sha256, *key_algorithm;
        char **sans, **usages;
        char *ca_name;                 /* row name of the CA that signed it, NULL if none of ours */
        char *expected_ca_name;        /* of the CA that the layout names, NULL if it is not here */
        int64_t not_before, not_after; /* 0 if there is no certificate */
        int64_t residual;
        int64_t renewal_time;  /* when it will be due, or was; 0 if never */
        char *status;          /* state_name() */
        char *due_reason;      /* due_reason_name(), "" if not due */
        char *text;            /* one sentence, or NULL */
        char *issued_by;       /* issuer_kind_name(); NULL: a CA, or somebody else's */
        int64_t pending_since; /* since when there is a request for it; 0: none */
        bool externally_managed, watched, missing;
        Loaded loaded;
        int severity; /* 0, 1, 2 */
} Row;

typedef struct Rows {
        Row *rows;
        size_t n;
} Rows;

void rows_free(Rows *rows);
DEFINE_AUTOPTR(Rows, rows_free)

Rows *rows_from_assessment(const Assessment *assessment);

/* Keys: name kind filename path embeddedKind embeddedKey subject issuer subjectDN issuerDN serial
 * sha256 keyAlgorithm sans usages notBefore expiryTime residualSeconds renewalTime status dueReason
 * reason caName expectedCAName issuedBy pendingSince externallyManaged watched missing loaded
 * (true, false, null: not known). Times RFC 3339, null where there is none. */
json_t *rows_to_json(const Rows *rows);

/* true, false, or null where it is not known. */
json_t *loaded_to_json(Loaded loaded);

/* The reverse of rows_to_json(). -EBADMSG for a key that is missing or of another type (which, in
 * the error); issuedBy and pendingSince may be missing, unknown keys are passed over. */
int rows_from_json(const json_t *json, Rows **ret, Error *reterr) MUST_USE;

/* `kubeadm certs check-expiration -o json`: CertificateExpirationInfo,
 * output.kubeadm.k8s.io/v1alpha3. Only what kubeadm would list: certificates and kubeconfigs by
 * name, with the CA they should have; not watched ones, nor those of a CA that this host does not
 * have (external etcd); CAs apart. residualTime counts from the time of the assessment. */
json_t *rows_to_kubeadm_json(const Rows *rows);

/* The worst severity of all rows: exit status of `check`. */
int rows_severity(const Rows *rows);
