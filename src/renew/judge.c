/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/judge.h"

#include "kube/kubeconfig.h"
#include "pki/ca.h"

struct PairJudge {
        CertList **bundles; /* of every CA file that could be read */
        size_t n_bundles;
};

PairJudge *pair_judge_new(int root_fd, const Config *config)
{
        const Layout *layout = &config->layout;
        PairJudge *judge = xcalloc(1, sizeof(*judge));

        judge->bundles = xcalloc(layout->n_cas, sizeof(CertList *));
        for (size_t i = 0; i < layout->n_cas; i++) {
                autoptr(FileImage) file = NULL;

                if (fs_read_file(root_fd, layout->cas[i].certificate, FS_SIZE_MAX, &file, NULL) >=
                                0 &&
                        cert_list_parse(file->data, file->size, &judge->bundles[judge->n_bundles],
                                NULL) >= 0)
                        judge->n_bundles++;
        }
        return judge;
}

void pair_judge_free(PairJudge *judge)
{
        if (!judge)
                return;
        for (size_t i = 0; i < judge->n_bundles; i++)
                cert_list_free(judge->bundles[i]);
        free(judge->bundles);
        free(judge);
}

TxnJudge pair_judge_txn(PairJudge *judge)
{
        return (TxnJudge){.is_whole = pair_is_whole, .userdata = judge};
}

bool chain_is_ours(const PairJudge *judge, const CertList *list)
{
        for (size_t i = 0; i < judge->n_bundles; i++)
                if (cert_verify(list->certs[0], list, judge->bundles[i], 0, 0, NULL) >= 0)
                        return true;
        return false;
}

/* One credential: certificates here, the key there (perhaps in the same bytes). */
static bool credential_is_whole(const PairJudge *judge, const void *certificate,
        size_t certificate_size, const void *key, size_t key_size)
{
        autoptr(CertList) list = NULL;
        autoptr(Key) parsed = NULL;

        return certificate && key &&
               cert_list_parse(certificate, certificate_size, &list, NULL) >= 0 &&
               key_parse(key, key_size, &parsed, NULL) >= 0 &&
               key_matches(parsed, list->certs[0]) && chain_is_ours(judge, list);
}

/* Every user whose certificate and key are embedded; at least one. */
static bool kubeconfig_is_whole(const PairJudge *judge, const TxnMember *member)
{
        autoptr(Kubeconfig) config = NULL;
        size_t n_embedded = 0;

        if (kubeconfig_parse(member->data, member->size, &config, NULL) < 0)
                return false;
        for (size_t i = 0; i < config->n_users; i++) {
                const KubeconfigUser *user = &config->users[i];

                if (!user->certificate)
                        continue;
                n_embedded++;
                if (!user->key || !credential_is_whole(judge, user->certificate,
                                          user->certificate_size, user->key->data, user->key->size))
                        return false;
        }
        return n_embedded > 0;
}

bool pair_is_whole(void *userdata, const TxnMember *members, size_t n_members)
{
        const PairJudge *judge = userdata;

        for (size_t i = 0; i < n_members; i++)
                if (!members[i].data)
                        return false;
        if (n_members == 2)
                return credential_is_whole(judge, members[0].data, members[0].size, members[1].data,
                               members[1].size) ||
                       credential_is_whole(judge, members[1].data, members[1].size, members[0].data,
                               members[0].size);
        return n_members == 1 && (credential_is_whole(judge, members[0].data, members[0].size,
                                          members[0].data, members[0].size) ||
                                         kubeconfig_is_whole(judge, &members[0]));
}
