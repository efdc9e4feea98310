/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

/* clang-format off */
static const Verb verbs[] = {
        {"check", verb_check, "[NAME...]", "List every certificate and its state",
                .outputs = "table|tree|json|yaml|kubeadm-json|nagios|prometheus",
                .options = OPTIONS_TABLE | OPTIONS_MONITORING,
                .max_names = ANY_NUMBER, .judges = true,
                .asks_timer = "table"},
        {"plan", verb_plan, "[NAME...]", "Say what 'renew' would do, and why",
                .outputs = "text|json|yaml", .options = OPTIONS_ALL, .max_names = ANY_NUMBER,
                .fetches = true},
        {"renew", verb_renew, "[NAME...]", "Renew what is due, or what is named, or all",
                .options = OPTIONS_ALL | OPTIONS_DRY_RUN | OPTIONS_KUBELET,
                .max_names = ANY_NUMBER, .writes = true},
        {"run", verb_run, "", "Renew what is due, restart, verify, report",
                .options = OPTIONS_TRUST_CLOCK, .writes = true, .nightly = true,
                .asks_timer = ""},
        {"verify", verb_verify, "", "Prove that what runs uses what is on disk",
                .outputs = "table|json|yaml", .options = OPTIONS_TABLE, .judges = true},
        {"explain", verb_explain, "NAME...", "Say who signed it, who uses it, what breaks",
                .min_names = 1, .max_names = ANY_NUMBER},
        {"alarms", verb_alarms, "", "List what needs somebody's attention",
                .outputs = "table|json|yaml|nagios", .options = OPTIONS_TABLE | OPTIONS_SHELVED,
                .judges = true},
        {"backup", verb_backup, "list|verify|create [ID...]", "List, compare or make backups",
                .outputs = "table|json|yaml", .options = OPTIONS_TABLE,
                .min_names = 1, .max_names = ANY_NUMBER, .any_layout = true},
        {"restore", verb_restore, "ID", "Put the files of a backup back, all or none",
                .options = OPTIONS_DRY_RUN | OPTIONS_FORCE,
                .min_names = 1, .max_names = 1, .any_layout = true, .writes = true},
        {"rotate-ca", verb_rotate_ca, "", "Change a CA for another one, phase by phase",
                .outputs = "table|json|yaml",
                .options = OPTIONS_ROTATE | OPTIONS_FORCE | OPTIONS_TABLE, .writes = true},
        {"csr", verb_csr, "NAME...", "Print requests, for CAs that are elsewhere",
                .options = OPTIONS_CSR, .min_names = 1, .max_names = ANY_NUMBER, .writes = true},
        {"install", verb_install, "NAME FILE", "Put in place what was signed elsewhere",
                .options = OPTIONS_INSTALL, .min_names = 2, .max_names = 2, .writes = true},
        {"kubeconfig", verb_kubeconfig, "", "Print a new kubeconfig for a user",
                .options = OPTIONS_KUBECONFIG, .writes = true},
        {"init", verb_init, "", "Make PKI and kubeconfigs where there are none",
                .options = OPTIONS_INIT, .any_layout = true, .writes = true},
        {"recover", verb_recover, "", "Finish or undo an interrupted transaction",
                .any_layout = true, .writes = true, .recovers = true},
        {"config", verb_config, "[UNIT]", "Print the effective configuration and its origins",
                .outputs = "text|json|yaml", .options = OPTIONS_DROP_IN, .max_names = 1,
                .any_layout = true, .asks_timer = ""},
        {}
};
/* clang-format on */

int main(int argc, char **argv)
{
        return command_main(argc, argv, verbs);
}
