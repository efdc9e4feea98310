/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/event/alarm-types.h"

#include "base/time-util.h"

#define OPERATIONAL "operational-violation"
#define INTEGRITY   "integrity-violation"
#define UNSPECIFIED "unspecified-reason"
#define EXPIRATION  "certificate-expiration"

static const AlarmTypeInfo alarm_types[N_ALARM_TYPES] = {
        [ALARM_TYPE_RENEWAL_FAILED] =
                {
                        .name = "renewal-failed",
                        .alarm_id = "250.003",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "Kubernetes certificates renewal failed.",
                        .repair_action = "Remove the cause that the reason names, then start "
                                         "kube-renewd.service or run 'kube-renewd run'.",
                },
        [ALARM_TYPE_RESTART_OWED] =
                {
                        .name = "restart-owed",
                        .alarm_id = "250.003",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "Kubernetes certificates have been renewed but not all services "
                                "have been updated.",
                        .repair_action =
                                "Leave the new files as they are. Run 'kube-renewd run', which "
                                "tries again and says what is in the way; or restart the "
                                "component yourself, and the next pass sees it.",
                },
        [ALARM_TYPE_ROLLED_BACK] =
                {
                        .name = "rolled-back",
                        .alarm_id = "250.003",
                        .severity = ALARM_CRITICAL,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "A component did not come back with its new certificates and has "
                                "the old ones again.",
                        .repair_action = "Find out why it does not start with new ones (its log), "
                                         "then run 'kube-renewd renew' with their names.",
                },
        [ALARM_TYPE_EXPIRING] =
                {
                        .name = "expiring",
                        .alarm_id = "500.200",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .repair_action = "Run 'kube-renewd plan' to see what prevents the renewal, "
                                         "then 'kube-renewd renew' with the certificate's name.",
                },
        [ALARM_TYPE_EXPIRED] =
                {
                        .name = "expired",
                        .alarm_id = "500.210",
                        .severity = ALARM_CRITICAL,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .repair_action = "Run 'kube-renewd renew' with the certificate's name, and "
                                         "restart what uses it.",
                        .service_affecting = true,
                },
        [ALARM_TYPE_CA_EXPIRING] =
                {
                        .name = "ca-expiring",
                        .alarm_id = "500.200",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .repair_action = "Plan the rotation of this CA: it is never renewed "
                                         "automatically, and everything it has signed ends with "
                                         "it.",
                },
        [ALARM_TYPE_CA_EXPIRED] =
                {
                        .name = "ca-expired",
                        .alarm_id = "500.210",
                        .severity = ALARM_CRITICAL,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .repair_action = "Rotate this CA, or remove the certificate where it is no "
                                         "longer needed.",
                        .service_affecting = true,
                },
        [ALARM_TYPE_CA_LIMITED] =
                {
                        .name = "ca-limited",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .text = "A renewal would gain no time, because the CA ends first.",
                        .repair_action = "Rotate the CA of this certificate.",
                },
        [ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING] =
                {
                        .name = "externally-managed-expiring",
                        .alarm_id = "500.200",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .repair_action = "Have it renewed where the key of its CA is, and put "
                                         "certificate and key in place.",
                },
        [ALARM_TYPE_INVALID] =
                {
                        .name = "invalid",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = "corrupt-data",
                        .text = "The certificate cannot be used.",
                        .repair_action = "Put the right files in place ('kube-renewd backup list' "
                                         "names older ones), or run 'kube-renewd renew' with the "
                                         "certificate's name.",
                        .service_affecting = true,
                },
        [ALARM_TYPE_FOREIGN_CHANGE] =
                {
                        .name = "foreign-change",
                        .alarm_id = "",
                        .severity = ALARM_MINOR,
                        .event_type = INTEGRITY,
                        .probable_cause = "information-modification-detected",
                        .text = "Somebody else wrote the files of a certificate while they were "
                                "being replaced.",
                        .repair_action = "Let only one program renew certificates on this host; "
                                         "compare the saved bytes with the file in place.",
                },
        [ALARM_TYPE_POSTPONED] =
                {
                        .name = "postponed",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "The renewal is postponed, and little time is left.",
                        .repair_action = "Finish what the reason names, then run 'kube-renewd "
                                         "run'.",
                },
        [ALARM_TYPE_PENDING_CSR] =
                {
                        .name = "pending-csr",
                        .alarm_id = "",
                        .severity = ALARM_MINOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "A certificate was asked for and has not been issued yet.",
                        .repair_action = "Have the request approved where it waits ('kubectl get "
                                         "csr' shows those of the cluster), then run 'kube-renewd "
                                         "run'; 'kube-renewd explain' with the certificate's name "
                                         "says who was asked.",
                },
        [ALARM_TYPE_LOOPBACK_CERTIFICATE] =
                {
                        .name = "loopback-certificate",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .text = "A process holds a certificate in memory that ends a year after "
                                "its start.",
                        .repair_action = "Restart the component, or run 'kube-renewd run', which "
                                         "does it.",
                },
        [ALARM_TYPE_KUBELET_ROTATION_STUCK] =
                {
                        .name = "kubelet-rotation-stuck",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = EXPIRATION,
                        .text = "The kubelet cannot renew its client certificate.",
                        .repair_action = "Run 'kube-renewd renew --kubelet' on a host that has the "
                                         "key of its CA, or have this node join again.",
                        .service_affecting = true,
                },
        [ALARM_TYPE_STALE_COPY] =
                {
                        .name = "stale-copy",
                        .alarm_id = "",
                        .severity = ALARM_MINOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = "out-of-date",
                        .text = "A copy of renewed files is not what its source is.",
                        .repair_action = "Copy the source again, or remove the copy; if it is not "
                                         "meant to be one, write an empty Source= into its "
                                         "section.",
                },
        [ALARM_TYPE_CONFIG_INVALID] =
                {
                        .name = "config-invalid",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = "configuration-or-customization-error",
                        .text = "The configuration of kube-renewd cannot be used, and nothing is "
                                "renewed.",
                        .repair_action = "Correct the line that the reason names, look at the "
                                         "result with 'kube-renewd config', then run 'kube-renewd "
                                         "run'.",
                },
        [ALARM_TYPE_CLOCK_IMPLAUSIBLE] =
                {
                        .name = "clock-implausible",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = "timing-problem",
                        .text = "The clock of this host cannot be right: nothing is renewed.",
                        .repair_action =
                                "Set the clock ('timedatectl' shows it, and whether it is "
                                "synchronised); the next pass sees it. If it is right already "
                                "(it was wrong before, or nobody synchronises it), run "
                                "'kube-renewd run --trust-clock', and renew by name what is NOT "
                                "YET VALID.",
                },
        [ALARM_TYPE_RENEWAL_LOOP] =
                {
                        .name = "renewal-loop",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = "configuration-or-customization-error",
                        .text = "The certificate was renewed over and over, and is due again.",
                        .repair_action =
                                "Find out what makes it due again ('kube-renewd explain' with its "
                                "name; another program may write the old file back), then run "
                                "'kube-renewd renew' with its name.",
                },
        [ALARM_TYPE_CA_ROTATION_UNFINISHED] =
                {
                        .name = "ca-rotation-unfinished",
                        .alarm_id = "",
                        .severity = ALARM_MAJOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "The rotation of a CA is not finished, and waits for somebody.",
                        .repair_action = "See what it waits for ('kube-renewd rotate-ca "
                                         "--status'), then run "
                                         "its next phase, or go back by 'kube-renewd rotate-ca "
                                         "--phase=abort'.",
                },
        [ALARM_TYPE_MISSED_RUN] =
                {
                        .name = "missed-run",
                        .alarm_id = "",
                        .severity = ALARM_MINOR,
                        .event_type = OPERATIONAL,
                        .probable_cause = UNSPECIFIED,
                        .text = "No nightly pass came to its end for longer than two nights.",
                        .repair_action =
                                "See whether the timer is active and when it elapses next: "
                                "'systemctl status kube-renewd.timer'; and what became of its "
                                "passes: 'journalctl -u kube-renewd.service'.",
                },
};

const AlarmTypeInfo *alarm_type_info(AlarmType type)
{
        return &alarm_types[type];
}

/* The date as StarlingX prints it, and which zone it is of. */
char *alarm_text_expiring(const char *name, int64_t end)
{
        char text[TIME_TEXT_SIZE];

        time_format(end, text);
        return xasprintf("Certificate '%s' expiring soon on %.10s, %.8s UTC.", name, text,
                text + strlen("2027-11-11T"));
}

char *alarm_text_expired(const char *name)
{
        return xasprintf("Certificate '%s' expired.", name);
}

AlarmType alarm_type_find(const char *name)
{
        AlarmType type = 0;

        while (type < N_ALARM_TYPES && !streq(alarm_types[type].name, name))
                type++;
        return type;
}
