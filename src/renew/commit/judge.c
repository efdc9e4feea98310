/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/judge.h"

#include "kube/kubeconfig.h"
#include "pki/ca.h"

typedef struct CaFiles {
        char *certificate, *key;
        bool has_token; /* the key is in no file */
} CaFiles;

struct PairJudge {
        int root_fd;
        CaFiles *cas; /* of the layout */
        size_t n_cas;
        CertList **bundles; /* of every CA file that could be read */
        size_t n_bundles;
};

PairJudge *pair_judge_empty(int root_fd, const Config *config)
{
        const Layout *layout = &config->layout;
        PairJudge *judge = xcalloc(1, sizeof(*judge));

        judge->root_fd = root_fd;
        judge->cas = xcalloc(layout->n_cas, sizeof(CaFiles));
        judge->bundles = xcalloc(layout->n_cas, sizeof(CertList *));
        for (size_t i = 0; i < layout->n_cas; i++)
                judge->cas[judge->n_cas++] = (CaFiles){xstrdup(layout->cas[i].certificate),
                        xstrdup(ca_key_path(&layout->cas[i])), ca_has_token(&layout->cas[i])};
        return judge;
}

void pair_judge_trust(PairJudge *judge, const FileImage *file)
{
        if (file && judge->n_bundles < judge->n_cas &&
                cert_list_parse(file->data, file->size, &judge->bundles[judge->n_bundles], NULL) >=
                        0)
                judge->n_bundles++;
}

PairJudge *pair_judge_new(int root_fd, const Config *config)
{
        PairJudge *judge = pair_judge_empty(root_fd, config);

        for (size_t i = 0; i < judge->n_cas; i++) {
                autoptr(FileImage) file = NULL;

                (void)!fs_read_file(root_fd, judge->cas[i].certificate, FS_SIZE_MAX, &file, NULL);
                pair_judge_trust(judge, file);
        }
        return judge;
}

void pair_judge_free(PairJudge *judge)
{
        if (!judge)
                return;
        for (size_t i = 0; i < judge->n_bundles; i++)
                cert_list_free(judge->bundles[i]);
        for (size_t i = 0; i < judge->n_cas; i++) {
                free(judge->cas[i].certificate);
                free(judge->cas[i].key);
        }
        free(judge->bundles);
        free(judge->cas);
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

static const TxnMember *find_member(const TxnMember *members, size_t n, const char *path)
{
        for (size_t i = 0; path && i < n; i++)
                if (streq(members[i].path, path))
                        return &members[i];
        return NULL;
}

/* The CA that one of these files is of, NULL if none is. */
static const CaFiles *find_ca(const PairJudge *judge, const TxnMember *members, size_t n)
{
        for (size_t i = 0; i < judge->n_cas; i++)
                if (find_member(members, n, judge->cas[i].certificate) ||
                        find_member(members, n, judge->cas[i].key))
                        return &judge->cas[i];
        return NULL;
}

/* What is in the transaction, or else on disk; *ret_image is the caller's. */
static TxnMember member_or_disk(const PairJudge *judge, const TxnMember *members, size_t n,
        const char *path, FileImage **ret_image)
{
        const TxnMember *member = find_member(members, n, path);

        if (member)
                return *member;
        if (!path || fs_read_file(judge->root_fd, path, FS_SIZE_MAX, ret_image, NULL) < 0)
                return (TxnMember){.path = path};
        return (TxnMember){path, (*ret_image)->data, (*ret_image)->size};
}

/* The signer is the first one, and its key is the CA's. One in a token is not asked: nobody is here
 * who could. */
static bool ca_is_whole(
        const PairJudge *judge, const CaFiles *ca, const TxnMember *members, size_t n)
{
        autoptr(FileImage) certificate_image = NULL;
        autoptr(FileImage) key_image = NULL;
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        const TxnMember certificate =
                member_or_disk(judge, members, n, ca->certificate, &certificate_image);
        const TxnMember key_file = member_or_disk(judge, members, n, ca->key, &key_image);

        if (!certificate.data ||
                cert_list_parse(certificate.data, certificate.size, &list, NULL) < 0 ||
                !list->certs[0]->is_ca)
                return false;
        return ca->has_token ||
               (key_file.data && key_parse(key_file.data, key_file.size, &key, NULL) >= 0 &&
                       key_matches(key, list->certs[0]));
}

bool pair_is_whole(void *userdata, const TxnMember *members, size_t n_members)
{
        const PairJudge *judge = userdata;
        const CaFiles *ca = find_ca(judge, members, n_members);

        for (size_t i = 0; i < n_members; i++)
                if (!members[i].data)
                        return false;
        if (ca)
                return ca_is_whole(judge, ca, members, n_members);
        if (n_members == 2)
                return credential_is_whole(judge, members[0].data, members[0].size, members[1].data,
                               members[1].size) ||
                       credential_is_whole(judge, members[1].data, members[1].size, members[0].data,
                               members[0].size);
        return n_members == 1 && (credential_is_whole(judge, members[0].data, members[0].size,
                                          members[0].data, members[0].size) ||
                                         kubeconfig_is_whole(judge, &members[0]));
}
