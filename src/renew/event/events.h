/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The MESSAGE_IDs of all events, for log_event(). Each has an entry in systemd/kube-renewd.catalog
 * that tells an operator what to do, and a line in the manual. An id never changes its meaning;
 * a new event gets a new one (systemd-id128 new). */

#define EVENT_CERTIFICATE_RENEWED   "7c0683027e384cdcb22ab5d58522d546"
#define EVENT_CA_DATA_REPAIRED      "b3ec055807a84f47885bddea092f3571"
#define EVENT_RENEWAL_FAILED        "deb7a143138f4ddb94a3a952f0b3a96b"
#define EVENT_REQUEST_PENDING       "3cfc5a105bf4406d8a05546a35703482"
#define EVENT_REQUEST_REFUSED       "8817c09e061345e1a0c19429ed16b909"
#define EVENT_COPY_REFRESHED        "a66c9f7e4e7146b4a1880598a3f9025c"
#define EVENT_PASS_SUMMARY          "761ea697f80d48c7a3c8efe68579c1ea"
#define EVENT_PASS_FAILED           "eb45213695be462fba594494508e583f"
#define EVENT_PASS_POSTPONED        "114f9f90fc2f41a7ab0ae7af5070d6c6"
#define EVENT_TRANSACTION_RECOVERED "9637727256c143518a670f1a16cfb8e4"
#define EVENT_FOREIGN_CHANGE        "de9ec36573eb4e2bb261212c091f13db"
#define EVENT_RESTART_OWED          "f8d790e4bf504fb29f0c1dc5db3bc59f"
#define EVENT_TURN_AWAITED          "15bb43d09dcd438f89ce031c4eb7aa35"
#define EVENT_TURN_OVERRIDDEN       "fd98175d9b7d4a5d9c393831642de0b1"
#define EVENT_COMPONENT_PROVEN      "f16d5e77cf484acabb40a2ecaa41b2d2"
#define EVENT_COMPONENT_RESTARTED   "4fa470ad427d4ff8ad254be3ec45f94d"
#define EVENT_COMPONENT_ROLLED_BACK "c9a8c3f7da554d39929077a14e9ea2e9"
#define EVENT_RESTART_FAILED        "7d8df1ed90134e1f8061252595a97d14"
#define EVENT_MANIFEST_RETURNED     "80129f2556ec4704ace62c3a492d2b7b"
#define EVENT_HOOK_DONE             "07d793806b854974ac98c1ba89451dc6"
#define EVENT_HOOK_FAILED           "bdeb0e10cb1e407490041cd362e6bb43"
#define EVENT_PUBLISHED             "12dbb48cbf8748c58bd03890831904a5"
#define EVENT_PUBLISH_FAILED        "f60dff4509de4fcc8ad0ce7e672a883d"
#define EVENT_FETCH_REFUSED         "171c0390704846e192410ffd07b13c5f"
#define EVENT_ROTATION_RECOVERED    "8a68e474ca794fd081765ad90e41eec7"
#define EVENT_CA_PHASE              "bca2acc5c1a94dcf93ea47e9b5a4f7b6"
#define EVENT_ALARM_RAISED          "89c36d50e6934274b5b0a3fd46e617e8"
#define EVENT_ALARM_CLEARED         "7d9a337da9a84990a268d2c6b7ce6ea2"
#define EVENT_ALARM_SHELVED         "9cf99fec73ef44ddba7630d7d52455dc"
#define EVENT_CONFIG_INVALID        "c2c850c9a8254bf29ac4b384db426a5f"
#define EVENT_CONFIG_WARNING        "9c6e6a002bc84c99ac086d10a6d6dc88"
