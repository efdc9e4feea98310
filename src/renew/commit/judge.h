/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Judges a certificate-key pair that somebody else has written, for the transaction.
 *
 *     autoptr(PairJudge) judge = pair_judge_new(root_fd, config);
 *     r = txn_recover(txn, pair_judge_txn(judge), &outcome, reterr);
 *
 * Whole means: every certificate parses, has its key among the members of the pair (or beside it in
 * a kubeconfig), and chains to a CA of the layout. A CA file is whole with the key of its first
 * certificate, which is in the transaction or on disk: never is one CA's certificate left beside
 * another one's key. Whatever cannot be judged is not whole. Dates do not matter: who wrote it may
 * have meant it. */

#include "base/txn.h"
#include "pki/cert.h"
#include "renew/config/config.h"

typedef struct PairJudge PairJudge;

/* Reads the CA files of the layout. Keeps no reference to config. */
PairJudge *pair_judge_new(int root_fd, const Config *config);

/* The same, but trusts nobody yet: for who knows better what the CA files will hold. */
PairJudge *pair_judge_empty(int root_fd, const Config *config);

/* One more CA file; NULL and what holds no certificate is passed over. */
void pair_judge_trust(PairJudge *judge, const FileImage *file);

void pair_judge_free(PairJudge *judge);
DEFINE_AUTOPTR(PairJudge, pair_judge_free)

/* For base/txn.h; valid as long as the judge is. */
TxnJudge pair_judge_txn(PairJudge *judge);

/* True if the first certificate of the list chains to a CA of the layout through the others, dates
 * aside. */
bool chain_is_ours(const PairJudge *judge, const CertList *list);

/* The judgement itself. */
bool pair_is_whole(void *judge, const TxnMember *members, size_t n_members);
