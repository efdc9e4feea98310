/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"
#include "base/time-util.h"
#include "host/command.h"
#include "pki/csr.h"
#include "renew/issue/issuer.h"

/* certmonger's protocol between its daemon and the helpers that know a CA: what is asked stands in
 * the environment, the exit status and standard output are the answer. Source: doc/submit.txt and
 * doc/helpers.txt of certmonger, src/submit-e.h. */
enum {
        HELPER_ISSUED = 0,
        HELPER_WAIT = 1, /* output: a cookie, to ask again with */
        HELPER_REJECTED = 2,
        HELPER_UNREACHABLE = 3,
        HELPER_UNCONFIGURED = 4,
        HELPER_WAIT_SECONDS = 5, /* output: how long, and in the next line the cookie */
        HELPER_UNSUPPORTED = 6,  /* the operation */
        HELPER_NEEDS_SCEP = 16,
        HELPER_NEEDS_NEW_KEY = 17,
};

/* Of what a helper says people read a line. */
#define SAYING_MAX 400
/* Whatever a helper says, it is asked again in the next night. */
#define WAIT_MOST (unsigned)DAY

#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"

static void set(char ***environment, const char *name, const char *value)
{
        if (value)
                strv_take(environment, xasprintf("%s=%s", name, value));
}

/* The SANs of one kind, one a line. */
static void set_sans(char ***environment, const char *name, char *const *sans, const char *prefix)
{
        autostrv matching = NULL;
        autofree char *lines = NULL;

        for (; sans && *sans; sans++)
                if (starts_with(*sans, prefix))
                        strv_add(&matching, *sans + strlen(prefix));
        if (!matching)
                return;
        lines = strv_join(matching, "\n");
        set(environment, name, lines);
}

static char **helper_environment(const IssuerInput *input, const Pending *pending, const Csr *csr)
{
        autofree char *old = input->item->cert ? cert_to_pem(input->item->cert) : NULL;
        char **environment = NULL;

        set(&environment, "CERTMONGER_OPERATION", pending->handle ? "POLL" : "SUBMIT");
        set(&environment, "CERTMONGER_CA_COOKIE", pending->handle);
        set(&environment, "CERTMONGER_CSR", pending->request_pem);
        set(&environment, "CERTMONGER_REQ_SUBJECT", csr->wanted->subject);
        set_sans(&environment, "CERTMONGER_REQ_HOSTNAME", csr->wanted->sans, "DNS:");
        set_sans(&environment, "CERTMONGER_REQ_IP_ADDRESS", csr->wanted->sans, "IP:");
        set_sans(&environment, "CERTMONGER_REQ_EMAIL", csr->wanted->sans, "email:");
        set(&environment, "CERTMONGER_CERTIFICATE", old);
        set(&environment, "KUBE_RENEWD_CERTIFICATE", input->entry->name);
        return environment;
}

static int ask_helper(
        const IssuerInput *input, const Pending *pending, CommandAnswer *ret, Error *reterr)
{
        autofree char *name = xasprintf("issuer-%s", input->entry->name);
        autostrv environment = NULL;
        autoptr(Csr) csr = NULL;
        Bus *bus;
        int r;

        r = csr_parse(pending->request_pem, strlen(pending->request_pem), &csr, reterr);
        if (r >= 0)
                r = running_bus(input->running, &bus, reterr);
        if (r < 0)
                return r;
        environment = helper_environment(input, pending, csr);
        return command_ask(bus,
                &(Command){.name = name,
                        .argv = input->entry->issuer.command,
                        .environment = environment,
                        .timeout = (unsigned)input->entry->issuer.request_timeout},
                ret, reterr);
}

/* Text that can stand in the environment of a service and in a file of ours: UTF-8, no control
 * characters but ends of lines. */
static bool is_text(const char *text)
{
        char unit[ESCAPE_UNIT_SIZE];

        for (size_t n; *text; text += n) {
                n = escape_unit(text, unit);
                if (unit[0] == '\\' && *text != '\\' && *text != '\n')
                        return false;
        }
        return true;
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
        size_t length;

        text += strspn(text, " \t\r\n");
        for (length = strlen(text); length > 0 && strchr(" \t\r\n", text[length - 1]); length--)
                text[length - 1] = '\0';
        return text;
}

/* Takes text. */
static IssuerAnswer answer_with(IssuerVerdict verdict, char *text)
{
        return (IssuerAnswer){.verdict = verdict, .text = text};
}

/* "IssuerCommand= '/usr/libexec/helper' refuses it: no such host" */
static IssuerAnswer helper_says(
        const IssuerInput *input, IssuerVerdict verdict, const char *what, const char *output)
{
        autofree char *cut = xstrndup(output, SAYING_MAX), *escaped = NULL;

        for (char *c = cut; *c; c++)
                if (*c == '\n' || *c == '\t')
                        *c = ' ';
        escaped = escape_text(trim(cut));
        return answer_with(
                verdict, xasprintf("IssuerCommand= '%s' %s%s%s", input->entry->issuer.command[0],
                                 what, *escaped ? ": " : "", escaped));
}

static IssuerAnswer take_certificate(const IssuerInput *input, char *output)
{
        if (!strstr(output, BEGIN_CERTIFICATE))
                return helper_says(input, ISSUER_UNCONFIGURED,
                        "says that it is issued, and has printed no certificate", output);
        return (IssuerAnswer){.verdict = ISSUER_ISSUED, .certificate_pem = xstrdup(output)};
}

/* Without a cookie the next question would be the first one again: also what a script exits with
 * that has failed in another way. */
static IssuerAnswer take_cookie(
        const IssuerInput *input, Pending *pending, char *output, unsigned seconds)
{
        char *cookie = trim(output);

        if (!*cookie || !is_text(cookie))
                return helper_says(input, ISSUER_UNCONFIGURED,
                        "says that we have to wait, and has given no cookie to ask again with",
                        cookie);
        free(pending->handle);
        pending->handle = xstrdup(cookie);
        return (IssuerAnswer){.verdict = ISSUER_WAIT, .wait = seconds};
}

static IssuerAnswer take_delay(const IssuerInput *input, Pending *pending, char *output)
{
        char *end;
        unsigned long seconds = strtoul(output, &end, 10);

        if (output[0] < '0' || output[0] > '9' || *end != '\n')
                return helper_says(input, ISSUER_UNCONFIGURED,
                        "says that we have to wait, and not for how many seconds", output);
        return take_cookie(
                input, pending, end + 1, seconds < WAIT_MOST ? (unsigned)seconds : WAIT_MOST);
}

/* The cookie is of a request that has come to its end. */
static IssuerAnswer forget_cookie(Pending *pending, IssuerAnswer answer)
{
        free(TAKE(pending->handle));
        return answer;
}

static IssuerAnswer judge(const IssuerInput *input, Pending *pending, CommandAnswer *answer)
{
        static const struct {
                int status;
                IssuerVerdict verdict;
                const char *what;
        } sayings[] = {
                {HELPER_REJECTED, ISSUER_REJECTED, "refuses it"},
                {HELPER_UNREACHABLE, ISSUER_UNREACHABLE, "cannot reach the CA"},
                {HELPER_UNCONFIGURED, ISSUER_UNCONFIGURED, "is not configured"},
                {HELPER_UNSUPPORTED, ISSUER_UNCONFIGURED, "does not do what it is asked for"},
                {HELPER_NEEDS_SCEP, ISSUER_UNCONFIGURED, "wants SCEP, which is not spoken here"},
                {HELPER_NEEDS_NEW_KEY, ISSUER_NEW_KEY, "wants another key"},
        };
        autofree char *what = NULL;

        if (answer->status == HELPER_ISSUED)
                return take_certificate(input, answer->output);
        if (answer->status == HELPER_WAIT)
                return take_cookie(input, pending, answer->output, 0);
        if (answer->status == HELPER_WAIT_SECONDS)
                return take_delay(input, pending, answer->output);
        for (size_t i = 0; i < ELEMENTSOF(sayings); i++)
                if (sayings[i].status == answer->status)
                        return helper_says(
                                input, sayings[i].verdict, sayings[i].what, answer->output);
        what = xasprintf("has ended with exit status %d, which is no answer", answer->status);
        return helper_says(input, ISSUER_UNCONFIGURED, what, answer->output);
}

IssuerAnswer issuer_command_ask(const IssuerInput *input, Pending *pending)
{
        CommandAnswer helper = {};
        IssuerAnswer answer;
        Error error = {};
        int r;

        if (!running_is_live(input->running))
                return answer_with(ISSUER_UNREACHABLE,
                        xstrdup("the root is not that of this host, so IssuerCommand= is not run"));

        /* 1. What did not answer at all may do so another time. */
        r = ask_helper(input, pending, &helper, &error);
        if (r < 0)
                return answer_with(error_is_transient(r) ? ISSUER_UNREACHABLE : ISSUER_UNCONFIGURED,
                        xasprintf("IssuerCommand=: %s", error.text));

        /* 2. A request that has come to its end needs no cookie any more. */
        answer = judge(input, pending, &helper);
        free(helper.output);
        return answer.verdict == ISSUER_REJECTED || answer.verdict == ISSUER_NEW_KEY
                       ? forget_cookie(pending, answer)
                       : answer;
}
