/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/backup/backup.h"
#include "renew/commit/commit.h"
#include "renew/commit/owed.h"
#include "renew/issue/compose.h"

#define STATE   "/var/lib/kube-renewd"
#define PASS_ID "0123456789abcdef0123456789abcdef"

typedef struct Run {
        Host host;
        Plan *plan;
        Issuance *issuance;
} Run;

static Run run_issue(Host host)
{
        Run run = {.host = host};

        host_look(&run.host);
        assert_int_equal(plan_make(run.host.assessment, &(PlanRequest){}, &run.plan, NULL), 0);
        run.issuance = issue_run(run.host.root_fd, run.plan, NULL, run.host.config, run.host.now);
        return run;
}

static int run_commit(Run *run, TxnOutcome *outcome)
{
        autoptr(PairJudge) judge = pair_judge_new(run->host.root_fd, run->host.config);
        const TxnJudge txn_judge = pair_judge_txn(judge);
        autoptr(Txn) txn = NULL;
        TxnOutcome recovery = {};
        Error error = {};
        int r;

        assert_int_equal(txn_open(run->host.root_fd, STATE, &txn, NULL), 0);
        assert_int_equal(txn_recover(txn, &txn_judge, &recovery, NULL), 0);
        txn_outcome_done(&recovery);
        r = commit_run(&(CommitInput){.root_fd = run->host.root_fd,
                               .txn = txn,
                               .judge = judge,
                               .config = run->host.config,
                               .pass_id = PASS_ID,
                               .now = run->host.now,
                               .reason = "test"},
                run->issuance, outcome, &error);
        if (r < 0)
                print_message("# %s\n", error.text);
        return r;
}

static void run_free(Run *run)
{
        issuance_free(run->issuance);
        plan_free(run->plan);
        host_free(&run->host);
}

static void test_all_new_then_nothing_due(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
        TxnOutcome outcome = {};

        assert_int_equal(run_commit(&run, &outcome), 7 * 2 + 3);
        assert_int_equal(outcome.n_conflicts, 0);
        txn_outcome_done(&outcome);

        issuance_free(TAKE(run.issuance));
        plan_free(TAKE(run.plan));
        host_look(&run.host);
        assert_int_equal(run.host.assessment->n_due, 0);
        run_free(&run);
}

static void test_t19_edited_meanwhile_drops_out_with_its_partner(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
        size_t size;
        autofree char *certificate =
                tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.crt", &size);
        autofree char *key = tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.key", NULL);
        TxnOutcome outcome = {};

        /* A newline more is an edit. */
        autofree char *edited = xasprintf("%s\n", key);
        tree_write_text(run.host.root, "/etc/kubernetes/pki/apiserver.key", edited);
        assert_int_equal(run_commit(&run, &outcome), 6 * 2 + 3);
        txn_outcome_done(&outcome);

        autofree char *certificate_now =
                tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.crt", NULL);
        autofree char *key_now =
                tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.key", NULL);
        assert_string_equal(certificate_now, certificate);
        assert_string_equal(key_now, edited);
        for (size_t i = 0; i < run.issuance->n; i++)
                if (streq(run.issuance->results[i].step->item->name, "apiserver"))
                        assert_int_equal(run.issuance->results[i].outcome, OUTCOME_FAILED);
                else
                        assert_int_equal(run.issuance->results[i].outcome, OUTCOME_RENEWED);
        run_free(&run);
}

/* Its owner would get the new key, whatever is in it. */
static void test_t19_another_file_of_the_same_content_drops_out(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
        autofree char *path = xasprintf("%s/etc/kubernetes/pki/apiserver.key", run.host.root);
        autofree char *seen = xasprintf("%s.seen", path);
        autofree char *key = tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.key", NULL);
        TxnOutcome outcome = {};

        assert_int_equal(rename(path, seen), 0);
        tree_write_text(run.host.root, "/etc/kubernetes/pki/apiserver.key", key);
        assert_int_equal(run_commit(&run, &outcome), 6 * 2 + 3);
        txn_outcome_done(&outcome);
        autofree char *now = tree_read(run.host.root, "/etc/kubernetes/pki/apiserver.key", NULL);
        assert_string_equal(now, key);
        run_free(&run);
}

static void test_nothing_left_to_write(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD));
        TxnOutcome outcome = {};

        assert_int_equal(run_commit(&run, &outcome), 0);
        autofree char *backups = xasprintf("%s%s/backups", run.host.root, STATE);
        assert_int_equal(access(backups, F_OK), -1);
        run_free(&run);
}

static void test_restarts_are_owed(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
        autoptr(OwedList) owed = NULL;
        TxnOutcome outcome = {};

        assert_true(run_commit(&run, &outcome) > 0);
        txn_outcome_done(&outcome);
        assert_int_equal(owed_read(run.host.root_fd, STATE, &owed, NULL), 0);
        assert_int_equal(owed->n, 4);
        assert_string_equal(owed->entries[0].pass_id, PASS_ID);
        run_free(&run);
}

static void test_t33_backup_holds_what_was_replaced(void **state)
{
        Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
        autoptr(BackupList) list = NULL;
        TxnOutcome outcome = {};

        assert_true(run_commit(&run, &outcome) > 0);
        txn_outcome_done(&outcome);
        assert_int_equal(backup_list(run.host.root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 1);
        assert_null(list->backups[0].problem);
        assert_string_equal(list->backups[0].reason, "test");
        assert_int_equal(strv_length(list->backups[0].paths), 7 * 2 + 3);
        assert_int_equal(backup_verify(run.host.root_fd, STATE, list->backups[0].id, NULL), 0);
        run_free(&run);
}

/* I9: whoever composed it. */
static void test_no_file_of_a_ca_is_ever_written_by_a_pass(void **state)
{
        static const char *const paths[] = {
                "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/etcd/ca.key"};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                Run run = run_issue(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));
                autofree char *before = tree_read(run.host.root, paths[i], NULL);
                autoptr(FileImage) old = NULL;
                TxnOutcome outcome = {};

                assert_int_equal(
                        fs_read_file(run.host.root_fd, paths[i], FS_SIZE_MAX, &old, NULL), 0);
                issuance_add_change(run.issuance, &(FileChange){.path = xstrdup(paths[i]),
                                                          .content = secret_new("x", 1),
                                                          .old = old});
                assert_int_equal(run_commit(&run, &outcome), -EPERM);
                autofree char *after = tree_read(run.host.root, paths[i], NULL);
                assert_string_equal(after, before);
                run_free(&run);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_new_then_nothing_due),
                cmocka_unit_test(test_t19_edited_meanwhile_drops_out_with_its_partner),
                cmocka_unit_test(test_t19_another_file_of_the_same_content_drops_out),
                cmocka_unit_test(test_nothing_left_to_write),
                cmocka_unit_test(test_restarts_are_owed),
                cmocka_unit_test(test_no_file_of_a_ca_is_ever_written_by_a_pass),
                cmocka_unit_test(test_t33_backup_holds_what_was_replaced),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
