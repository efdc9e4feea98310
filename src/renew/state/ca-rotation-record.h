/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of a CA that is being changed for another one: one record for each,
 * STATE/ca-rotation/ID.json, and beside it ID.key, the one of the two keys that is not in the CA's
 * key file at the moment.
 *
 *     r = ca_record_read(root_fd, state_directory, id, &record, reterr);       NULL: there is none
 *     text = ca_record_text(record);
 *     r = ca_record_remove(root_fd, state_directory, id, reterr);
 *
 * Written as files of the transaction that makes a phase, so that a phase and its record are one.
 * The phase itself is not in it: renew/ca-rotation/ca-rotation-phase.h sees that on disk. No key is
 * in the JSON.
 */

#include "base/secret.h"
#include "pki/key.h"

/* The names of phases on the command line; a CA is in the last one that it went through. */
typedef enum CaPhase {
        CA_PHASE_NONE,
        CA_PHASE_PREPARE,    /* the new CA is made, and nobody has seen it */
        CA_PHASE_TRUST_BOTH, /* the old one signs, both are trusted */
        CA_PHASE_REISSUE,    /* the new one signs, both are trusted */
        CA_PHASE_TRUST_NEW,  /* the old one is trusted by nobody here */
        N_CA_PHASES,
} CaPhase;

/* "prepare", "trust-both", …; "none". */
const char *ca_phase_name(CaPhase phase);

/* N_CA_PHASES for a word that is none. */
CaPhase ca_phase_parse(const char *name);

/* One flag of a static pod that takes a single certificate and named the CA file, which is to hold
 * two. */
typedef struct CaManifestEdit {
        char *manifest, *container, *flag;
        char *value;        /* what the flag said */
        char *signer_value; /* what it says instead: a path in the container */
        char *signer;       /* the same file, on the host */
} CaManifestEdit;

typedef struct CaRecord {
        char *id; /* of the [ca] section */
        bool is_supplied;
        bool is_aborting;
        Cert *old_ca, *new_ca;
        Cert *old_by_new,
                *new_by_old;        /* name and key of one, signed by the other; NULL: not possible
                                     */
        int64_t times[N_CA_PHASES]; /* when each phase was made; 0: not yet. That of NONE is when
                                       it was last aborted */
        CaManifestEdit *edits;
        size_t n_edits;
} CaRecord;

void ca_record_free(CaRecord *record);
DEFINE_AUTOPTR(CaRecord, ca_record_free)

/* "STATE/ca-rotation"; and is this a file in it? The caller frees. */
char *ca_record_directory(const char *state_directory);
bool ca_record_is_file(const char *state_directory, const char *path);

/* The two files of one CA. The caller frees. */
char *ca_record_path(const char *state_directory, const char *id);
char *ca_record_key_path(const char *state_directory, const char *id);

/* *ret is NULL where there is none. -EBADMSG if it is not one of ours. */
int ca_record_read(int root_fd, const char *state_directory, const char *id, CaRecord **ret,
        Error *reterr) MUST_USE;

/* As it will stand in its file; the caller frees. */
char *ca_record_text(const CaRecord *record);

/* The latest phase forward, and when the latest one was made, forward or back. */
CaPhase ca_record_latest(const CaRecord *record);
int64_t ca_record_since(const CaRecord *record);

/* The edit of this flag, NULL if there is none. */
const CaManifestEdit *ca_record_find_edit(
        const CaRecord *record, const char *manifest, const char *container, const char *flag);

/* Takes the strings. */
void ca_record_add_edit(CaRecord *record, const CaManifestEdit *edit);

/* The key first: what a crash leaves is a record that says what is to be done. */
int ca_record_remove(
        int root_fd, const char *state_directory, const char *id, Error *reterr) MUST_USE;
