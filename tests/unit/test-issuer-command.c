/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/command.h"
#include "pki/csr.h"
#include "renew/issue/issuer.h"

#define HELPER "/usr/libexec/helper"
#define WORDS  "IssuerCommand= '" HELPER "' "

/* The helper of this test, in the place of host/command.c and renew/unit/running.c. */
static struct {
        bool is_live;
        int error; /* of command_ask() */
        int status;
        const char *output;
        unsigned asked; /* how often */
        char *name;
        char **environment;
        unsigned timeout;
} helper;

bool running_is_live(const Running *running)
{
        return helper.is_live;
}

int running_bus(Running *running, Bus **ret, Error *reterr)
{
        *ret = NULL;
        return 0;
}

int command_ask(Bus *bus, const Command *command, CommandAnswer *ret, Error *reterr)
{
        helper.asked++;
        free(helper.name);
        strv_free(helper.environment);
        helper.name = xstrdup(command->name);
        helper.environment = strv_copy(command->environment);
        helper.timeout = command->timeout;
        assert_string_equal(command->argv[0], HELPER);
        if (helper.error)
                return error_set(reterr, helper.error, "'" HELPER "' took longer");
        *ret = (CommandAnswer){helper.status, xstrdup(helper.output)};
        return 0;
}

/* One who asks. */
typedef struct Asker {
        Pending pending;
        CredentialEntry entry;
        Item item;
        IssuerInput input;
        char *argv[2];
} Asker;

static Asker *asker_new(void)
{
        static char *sans[] = {
                (char *)"DNS:cp-1", (char *)"IP:192.0.2.7", (char *)"DNS:cp-1.example", NULL};
        static char *groups[] = {(char *)"system:nodes", NULL};
        const LeafIdentity identity = {"system:node:cp-1", groups, sans, CERT_USAGE_SERVER};
        Asker *asker = xcalloc(1, sizeof(*asker));
        autoptr(Key) key = NULL;

        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        assert_int_equal(
                csr_make(key, NULL, &identity, NULL, &asker->pending.request_pem, NULL), 0);
        asker->argv[0] = (char *)HELPER;
        asker->entry = (CredentialEntry){.name = (char *)"serving",
                .issuer = {.kind = ISSUER_KIND_COMMAND,
                        .command = asker->argv,
                        .request_timeout = 120}};
        asker->input = (IssuerInput){.entry = &asker->entry, .item = &asker->item};
        helper.is_live = true;
        helper.error = helper.status = 0;
        helper.asked = 0;
        return asker;
}

static void asker_free(Asker *asker)
{
        free(asker->pending.request_pem);
        free(asker->pending.handle);
        free(asker);
        free(TAKE(helper.name));
        strv_free(TAKE(helper.environment));
}

static IssuerAnswer ask(Asker *asker, int status, const char *output)
{
        helper.status = status;
        helper.output = output;
        return issuer_command_ask(&asker->input, &asker->pending);
}

static const char *variable(const char *name)
{
        size_t length = strlen(name);

        for (char **e = helper.environment; e && *e; e++)
                if (starts_with(*e, name) && (*e)[length] == '=')
                        return *e + length + 1;
        return "";
}

static const struct {
        int status;
        const char *output;
        IssuerVerdict verdict;
        unsigned wait;
        const char *text, *handle; /* NULL: none */
} answers[] = {
        {0, "-----BEGIN CERTIFICATE-----\nxx", ISSUER_ISSUED, 0, NULL, "old"},
        {0, "", ISSUER_UNCONFIGURED, 0,
                WORDS "says that it is issued, and has printed no certificate", "old"},
        {0, "see\nthe \x1b[31mlog\n", ISSUER_UNCONFIGURED, 0,
                WORDS "says that it is issued, and has printed no certificate: see the "
                      "\\x1b[31mlog",
                "old"},
        {1, "cookie 1\n", ISSUER_WAIT, 0, NULL, "cookie 1"},
        {1, "two\nlines\n\n", ISSUER_WAIT, 0, NULL, "two\nlines"},
        {1, "", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and has given no cookie to ask again "
                      "with",
                "old"},
        {1, " \n\t\n", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and has given no cookie to ask again "
                      "with",
                "old"},
        {1, "a\x01", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and has given no cookie to ask again "
                      "with: a\\x01",
                "old"},
        {1, "\xff", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and has given no cookie to ask again "
                      "with: \\xff",
                "old"},
        {2, "no such\nhost\n", ISSUER_REJECTED, 0, WORDS "refuses it: no such host", NULL},
        {2, "", ISSUER_REJECTED, 0, WORDS "refuses it", NULL},
        {3, "timeout\n", ISSUER_UNREACHABLE, 0, WORDS "cannot reach the CA: timeout", "old"},
        {4, "", ISSUER_UNCONFIGURED, 0, WORDS "is not configured", "old"},
        {5, "7\nnext\n", ISSUER_WAIT, 7, NULL, "next"},
        {5, "0\nnext", ISSUER_WAIT, 0, NULL, "next"},
        {5, "86399\nnext", ISSUER_WAIT, 86399, NULL, "next"},
        {5, "31536000\nnext", ISSUER_WAIT, 86400, NULL, "next"},
        {5, "99999999999999999999\nnext", ISSUER_WAIT, 86400, NULL, "next"},
        {5, "-1\nnext", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and not for how many seconds: -1 next", "old"},
        {5, "soon\nnext", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and not for how many seconds: soon next", "old"},
        {5, "7", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and not for how many seconds: 7", "old"},
        {5, "7\n\n", ISSUER_UNCONFIGURED, 0,
                WORDS "says that we have to wait, and has given no cookie to ask again "
                      "with",
                "old"},
        {6, "", ISSUER_UNCONFIGURED, 0, WORDS "does not do what it is asked for", "old"},
        {7, "?", ISSUER_UNCONFIGURED, 0,
                WORDS "has ended with exit status 7, which is no answer: ?", "old"},
        {16, "", ISSUER_UNCONFIGURED, 0, WORDS "wants SCEP, which is not spoken here", "old"},
        {17, "", ISSUER_NEW_KEY, 0, WORDS "wants another key", NULL},
        {255, "", ISSUER_UNCONFIGURED, 0,
                WORDS "has ended with exit status 255, which is no answer", "old"},
};

static void test_each_answer_of_the_protocol(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                Asker *asker = asker_new();
                IssuerAnswer answer;

                asker->pending.handle = xstrdup("old");
                answer = ask(asker, answers[i].status, answers[i].output);
                if (answer.verdict != answers[i].verdict || answer.wait != answers[i].wait)
                        fail_msg("%zu: %d, %u", i, answer.verdict, answer.wait);
                assert_string_equal(answer.text ?: "-", answers[i].text ?: "-");
                assert_string_equal(asker->pending.handle ?: "-", answers[i].handle ?: "-");
                assert_string_equal(answer.certificate_pem ?: "-",
                        answer.verdict == ISSUER_ISSUED ? answers[i].output : "-");
                issuer_answer_done(&answer);
                asker_free(asker);
        }
}

static void test_what_the_helper_is_told(void **state)
{
        Asker *asker = asker_new();
        IssuerAnswer answer = ask(asker, 1, "cookie");

        assert_string_equal(helper.name, "issuer-serving");
        assert_int_equal(helper.timeout, 120);
        assert_string_equal(variable("CERTMONGER_OPERATION"), "SUBMIT");
        assert_string_equal(variable("CERTMONGER_CSR"), asker->pending.request_pem);
        assert_string_equal(
                variable("CERTMONGER_REQ_SUBJECT"), "CN=system:node:cp-1,O=system:nodes");
        assert_string_equal(variable("CERTMONGER_REQ_HOSTNAME"), "cp-1\ncp-1.example");
        assert_string_equal(variable("CERTMONGER_REQ_IP_ADDRESS"), "192.0.2.7");
        assert_string_equal(variable("CERTMONGER_CA_COOKIE"), "");
        assert_string_equal(variable("CERTMONGER_CERTIFICATE"), "");
        assert_string_equal(variable("KUBE_RENEWD_CERTIFICATE"), "serving");
        assert_int_equal(strv_length(helper.environment), 6);
        issuer_answer_done(&answer);

        answer = ask(asker, 3, "");
        assert_string_equal(variable("CERTMONGER_OPERATION"), "POLL");
        assert_string_equal(variable("CERTMONGER_CA_COOKIE"), "cookie");
        assert_string_equal(variable("CERTMONGER_CSR"), asker->pending.request_pem);
        issuer_answer_done(&answer);
        asker_free(asker);
}

/* A long answer is cut, and never in the middle of an escape. */
static void test_who_talks_at_length_is_cut_short(void **state)
{
        Asker *asker = asker_new();
        autofree char *long_text = xcalloc(1, 60000);
        IssuerAnswer answer;

        memset(long_text, 'a', 59999);
        answer = ask(asker, 2, long_text);
        assert_int_equal(strlen(answer.text), strlen(WORDS "refuses it: ") + 400);
        issuer_answer_done(&answer);
        asker_free(asker);
}

static void test_who_does_not_answer(void **state)
{
        static const struct {
                int error;
                IssuerVerdict verdict;
        } table[] = {
                {-ETIMEDOUT, ISSUER_UNREACHABLE},
                {-EBUSY, ISSUER_UNREACHABLE},
                {-EREMOTEIO, ISSUER_UNCONFIGURED},
                {-EFBIG, ISSUER_UNCONFIGURED},
                {-EBADMSG, ISSUER_UNCONFIGURED},
        };
        Asker *asker = asker_new();
        IssuerAnswer answer;

        asker->pending.handle = xstrdup("old");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                helper.error = table[i].error;
                answer = ask(asker, 0, "");
                assert_int_equal(answer.verdict, table[i].verdict);
                assert_string_equal(answer.text, "IssuerCommand=: '" HELPER "' took longer");
                assert_string_equal(asker->pending.handle, "old");
                issuer_answer_done(&answer);
        }
        asker_free(asker);
}

static void test_nobody_is_asked_about_another_root(void **state)
{
        Asker *asker = asker_new();
        IssuerAnswer answer;

        helper.is_live = false;
        answer = ask(asker, 0, "");
        assert_int_equal(answer.verdict, ISSUER_UNREACHABLE);
        assert_int_equal(helper.asked, 0);
        issuer_answer_done(&answer);
        asker_free(asker);
}

static void test_a_request_that_is_none_is_not_handed_over(void **state)
{
        Asker *asker = asker_new();
        IssuerAnswer answer;

        asker->pending.request_pem[40] ^= 1;
        answer = ask(asker, 0, "");
        assert_int_equal(answer.verdict, ISSUER_UNCONFIGURED);
        assert_int_equal(helper.asked, 0);
        issuer_answer_done(&answer);
        asker_free(asker);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_answer_of_the_protocol),
                cmocka_unit_test(test_what_the_helper_is_told),
                cmocka_unit_test(test_who_talks_at_length_is_cut_short),
                cmocka_unit_test(test_who_does_not_answer),
                cmocka_unit_test(test_nobody_is_asked_about_another_root),
                cmocka_unit_test(test_a_request_that_is_none_is_not_handed_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
