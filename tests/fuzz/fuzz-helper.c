/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/escape.h"
#include "base/time-util.h"
#include "host/command.h"
#include "pki/csr.h"
#include "renew/issue/issuer.h"

#include <assert.h>

/* The helper: -Wl,--wrap puts it in the place of systemd. */
static const unsigned char *said;
static size_t said_size;

int __wrap_command_ask(Bus *bus, const Command *command, CommandAnswer *ret, Error *reterr);
int __wrap_running_bus(Running *running, Bus **ret, Error *reterr);
bool __wrap_running_is_live(const Running *running);

/* The first byte is its exit status; what it has printed has no NUL in it. */
int __wrap_command_ask(Bus *bus, const Command *command, CommandAnswer *ret, Error *reterr)
{
        *ret = (CommandAnswer){said[0], xstrndup((const char *)said + 1, said_size - 1)};
        return 0;
}

int __wrap_running_bus(Running *running, Bus **ret, Error *reterr)
{
        *ret = NULL;
        return 0;
}

bool __wrap_running_is_live(const Running *running)
{
        return true;
}

static char *new_request(void)
{
        const LeafIdentity identity = {"cp-1", NULL, NULL, CERT_USAGE_CLIENT};
        autoptr(Key) key = NULL;
        char *pem = NULL;
        int r;

        r = key_generate(KEY_KIND_ECDSA_P256, &key, NULL);
        assert(r >= 0);
        r = csr_make(key, NULL, &identity, NULL, &pem, NULL);
        assert(r >= 0);
        return pem;
}

/* For people: one line. */
static void check_line(const char *text)
{
        autofree char *escaped = escape_text(text);

        assert(streq(escaped, text) && !strchr(text, '\n') && strlen(text) < 2000);
}

/* For the environment of the next question: no byte of it is changed there. */
static void check_cookie(const char *cookie)
{
        autofree char *line = xstrdup(cookie);

        assert(*cookie);
        for (char *c = line; *c; c++)
                if (*c == '\n')
                        *c = ' ';
        autofree char *escaped = escape_text(line);
        assert(streq(escaped, line));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static char *argv[] = {(char *)"/helper", NULL};
        static char *request;
        CredentialEntry entry = {
                .name = (char *)"x", .issuer = {.command = argv, .request_timeout = 1}};
        const Item item = {};
        const IssuerInput input = {.entry = &entry, .item = &item};
        Pending pending = {};
        IssuerAnswer answer;

        if (size == 0)
                return 0;
        if (!request)
                request = new_request();
        pending.request_pem = request;
        said = data;
        said_size = size;
        answer = issuer_command_ask(&input, &pending);
        assert(!answer.certificate_pem == (answer.verdict != ISSUER_ISSUED));
        assert(!pending.handle == (answer.verdict != ISSUER_WAIT));
        assert(answer.wait <= DAY);
        if (answer.text)
                check_line(answer.text);
        if (pending.handle)
                check_cookie(pending.handle);
        free(pending.handle);
        issuer_answer_done(&answer);
        return 0;
}
