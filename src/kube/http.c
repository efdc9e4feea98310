/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/http.h"

#include "base/fs.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>

#define HEADERS_MAX ((size_t)64 << 10) /* bytes of all headers and trailers of an answer */

/* What we call in libcurl. Loading it takes longer than judging all certificates of a host, and
 * most runs ask nobody. */
static struct {
        __typeof__(curl_global_init) *global_init;
        __typeof__(curl_easy_init) *easy_init;
        __typeof__(curl_easy_setopt) *easy_setopt;
        __typeof__(curl_easy_perform) *easy_perform;
        __typeof__(curl_easy_getinfo) *easy_getinfo;
        __typeof__(curl_easy_strerror) *easy_strerror;
        __typeof__(curl_easy_cleanup) *easy_cleanup;
        __typeof__(curl_slist_append) *slist_append;
        __typeof__(curl_slist_free_all) *slist_free_all;
        bool loaded;
} curl;

static const struct {
        const char *name;
        void *slot;
} symbols[] = {
        {"curl_global_init", &curl.global_init},
        {"curl_easy_init", &curl.easy_init},
        {"curl_easy_setopt", &curl.easy_setopt},
        {"curl_easy_perform", &curl.easy_perform},
        {"curl_easy_getinfo", &curl.easy_getinfo},
        {"curl_easy_strerror", &curl.easy_strerror},
        {"curl_easy_cleanup", &curl.easy_cleanup},
        {"curl_slist_append", &curl.slist_append},
        {"curl_slist_free_all", &curl.slist_free_all},
};

/* The library stays loaded until the process ends. */
static int load(Error *reterr)
{
        void *library;

        if (curl.loaded)
                return 0;
        library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        if (!library)
                library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
        if (!library)
                return error_set(reterr, -ELIBACC,
                        "cannot load libcurl, install package libcurl4 or libcurl: %s", dlerror());
        for (size_t i = 0; i < ELEMENTSOF(symbols); i++) {
                void *symbol = dlsym(library, symbols[i].name);

                if (!symbol)
                        return error_set(reterr, -ELIBACC, "libcurl has no %s()", symbols[i].name);
                memcpy(symbols[i].slot, &symbol, sizeof(symbol));
        }
        if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return error_set(reterr, -ELIBACC, "libcurl cannot be initialized");
        curl.loaded = true;
        return 0;
}

/* One call under way. */
typedef struct Call {
        CURL *easy;
        CURLcode code; /* the first failure in setting it up */
        struct curl_slist *headers, *connect_to;
        int memory[3]; /* ca, certificate, key: memory files, -1 if not used */
        size_t n_memory;
        HttpAnswer *answer;
        size_t header_size;
        bool too_big;
        char error[CURL_ERROR_SIZE];
} Call;

static void call_free(Call *call)
{
        if (!call)
                return;
        curl.easy_cleanup(call->easy);
        /* A token may be among them. */
        for (struct curl_slist *header = call->headers; header; header = header->next)
                explicit_bzero(header->data, strlen(header->data));
        curl.slist_free_all(call->headers);
        curl.slist_free_all(call->connect_to);
        for (size_t i = 0; i < call->n_memory; i++)
                close(call->memory[i]);
        http_answer_free(call->answer);
        free(call);
}

DEFINE_AUTOPTR(Call, call_free)

void http_answer_free(HttpAnswer *answer)
{
        if (!answer)
                return;
        if (answer->body)
                explicit_bzero(answer->body, answer->body_size);
        free(answer->body);
        strv_free(answer->headers);
        free(answer);
}

const char *http_header(const HttpAnswer *answer, const char *name)
{
        size_t length = strlen(name);
        const char *value = NULL;

        for (char **header = answer->headers; header && *header; header++)
                if (starts_with(*header, name) && starts_with(*header + length, ": "))
                        value = *header + length + 2;
        return value;
}

char *http_authority(const char *host, uint16_t port)
{
        return xasprintf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

static void set_number(Call *call, CURLoption option, long value)
{
        if (call->code == CURLE_OK)
                call->code = curl.easy_setopt(call->easy, option, value);
}

static void set_pointer(Call *call, CURLoption option, const void *value)
{
        if (call->code == CURLE_OK)
                call->code = curl.easy_setopt(call->easy, option, value);
}

static void set_function(Call *call, CURLoption option, curl_write_callback function)
{
        if (call->code == CURLE_OK)
                call->code = curl.easy_setopt(call->easy, option, function);
}

static void add_word(struct curl_slist **list, const char *word)
{
        *list = xcheck(curl.slist_append(*list, word));
}

static size_t on_body(char *data, size_t one, size_t size, void *userdata)
{
        Call *call = userdata;
        HttpAnswer *answer = call->answer;
        char *body;

        if (size > HTTP_BODY_MAX - answer->body_size) {
                call->too_big = true;
                return 0;
        }
        /* Moved by hand: what realloc() leaves behind may be a key. */
        body = xmalloc(answer->body_size + size + 1);
        memcpy(body, answer->body, answer->body_size);
        memcpy(body + answer->body_size, data, size);
        explicit_bzero(answer->body, answer->body_size);
        free(answer->body);
        answer->body = body;
        answer->body_size += size;
        answer->body[answer->body_size] = 0;
        return size;
}

/* Is this the name of a header: a token of RFC 9110, 5.6.2? The rest of a folded line is none. */
static bool is_name(const char *name, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (!isalnum((unsigned char)name[i]) &&
                        (!name[i] || !strchr("!#$%&'*+-.^_`|~", name[i])))
                        return false;
        return size > 0;
}

/* A line of the head or of the trailers: "Name: value\r\n". The status line, and what has no name,
 * is left out. */
static size_t on_header(char *data, size_t one, size_t size, void *userdata)
{
        Call *call = userdata;
        char *colon = memchr(data, ':', size), *value;
        size_t length = size;

        call->header_size += size;
        if (call->header_size > HEADERS_MAX) {
                call->too_big = true;
                return 0;
        }
        if (!colon || !is_name(data, (size_t)(colon - data)))
                return size;
        while (isspace((unsigned char)data[length - 1]))
                length--;
        for (value = colon + 1; value < data + length && isblank((unsigned char)*value);)
                value++;
        for (char *c = data; c < colon; c++)
                *c = (char)tolower((unsigned char)*c);
        strv_take(&call->answer->headers, xasprintf("%.*s: %.*s", (int)(colon - data), data,
                                                  (int)(data + length - value), value));
        return size;
}

/* Some backends of libcurl read certificates from files only, and a key must not lie in one. */
static int set_memory_file(
        Call *call, CURLoption option, const void *data, size_t size, Error *reterr)
{
        int fd = memfd_create("kube-renewd", MFD_CLOEXEC), r;
        char path[64];

        if (fd < 0)
                return error_errno(reterr, -errno, "cannot make a file in memory");
        call->memory[call->n_memory++] = fd;
        r = fs_write_all(fd, data, size);
        if (r < 0)
                return error_errno(reterr, r, "cannot write a file in memory");
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        set_pointer(call, option, path);
        return 0;
}

static int set_tls(Call *call, const HttpRequest *request, Error *reterr)
{
        const HttpTls *tls = &request->tls;
        int r = 0;

        set_number(call, CURLOPT_SSL_VERIFYPEER, request->insecure ? 0 : 1);
        set_number(call, CURLOPT_SSL_VERIFYHOST, request->insecure ? 0 : 2);
        if (tls->ca) {
                /* Otherwise the CAs of the system would be good as well. */
                set_pointer(call, CURLOPT_CAPATH, NULL);
                r = set_memory_file(call, CURLOPT_CAINFO, tls->ca, tls->ca_size, reterr);
        }
        if (r >= 0 && tls->certificate)
                r = set_memory_file(
                        call, CURLOPT_SSLCERT, tls->certificate, tls->certificate_size, reterr);
        if (r >= 0 && tls->certificate) {
                /* Nobody is there to be asked for a password. GnuTLS takes the empty one for a
                 * reason to read no plain key. */
                if (memmem(tls->key, tls->key_size, "ENCRYPTED", strlen("ENCRYPTED")))
                        set_pointer(call, CURLOPT_KEYPASSWD, "");
                r = set_memory_file(call, CURLOPT_SSLKEY, tls->key, tls->key_size, reterr);
        }
        return r;
}

/* The library that is loaded may be older than the headers, or newer: 7.85 brought
 * CURLOPT_PROTOCOLS_STR for CURLOPT_PROTOCOLS. */
static void set_protocols(Call *call)
{
        const CURLoption by_name = (CURLoption)(CURLOPTTYPE_STRINGPOINT + 318);
        const CURLoption by_number = (CURLoption)(CURLOPTTYPE_LONG + 181);

        set_pointer(call, by_name, "http,https");
        if (call->code == CURLE_UNKNOWN_OPTION)
                call->code = curl.easy_setopt(
                        call->easy, by_number, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}

static void set_connection(Call *call, const HttpRequest *request)
{
        set_protocols(call);
        set_pointer(call, CURLOPT_URL, request->url);
        set_pointer(call, CURLOPT_PROXY, "");
        set_number(call, CURLOPT_FOLLOWLOCATION, 0);
        set_number(call, CURLOPT_NOSIGNAL, 1);
        set_number(call, CURLOPT_TIMEOUT_MS, (long)request->timeout * 1000);
        /* libcurl 7.88 fails every second request on a reused HTTP/2 connection. */
        set_number(call, CURLOPT_FORBID_REUSE, 1);
        set_number(call, CURLOPT_HTTP_VERSION,
                request->http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1);
        set_number(call, CURLOPT_CONNECT_ONLY, request->connect_only);
        if (request->unix_socket)
                set_pointer(call, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
        if (request->connect_to) {
                autofree char *rule = xasprintf("::%s", request->connect_to);

                add_word(&call->connect_to, rule);
                set_pointer(call, CURLOPT_CONNECT_TO, call->connect_to);
        }
}

/* What is no such token could be the end of one header and the beginning of another. */
bool http_is_token(const Secret *token)
{
        for (size_t i = 0; i < token->size; i++)
                if (!isalnum(token->data[i]) &&
                        !memchr("-._~+/=", token->data[i], strlen("-._~+/=")))
                        return false;
        return token->size > 0;
}

static int set_token(Call *call, const HttpRequest *request, Error *reterr)
{
        const Secret *token = request->token;
        autofree char *header = NULL;

        if (!token)
                return 0;
        if (!starts_with(request->url, "https:"))
                return error_set(reterr, -EINVAL, "%s: a token goes over https only", request->url);
        if (!http_is_token(token))
                return error_set(
                        reterr, -EINVAL, "%s: the token that is to be shown is none", request->url);
        header = xasprintf("authorization: Bearer %.*s", (int)token->size, (char *)token->data);
        add_word(&call->headers, header);
        explicit_bzero(header, strlen(header));
        return 0;
}

static void set_content(Call *call, const HttpRequest *request)
{
        add_word(&call->headers, "Expect:");
        for (char *const *header = request->headers; header && *header; header++)
                add_word(&call->headers, *header);
        if (request->body) {
                autofree char *type = xasprintf("content-type: %s", request->content_type);

                add_word(&call->headers, type);
                set_number(call, CURLOPT_POSTFIELDSIZE, (long)request->body_size);
                set_pointer(call, CURLOPT_POSTFIELDS, request->body);
        }
        if (request->method)
                set_pointer(call, CURLOPT_CUSTOMREQUEST, request->method);
        set_pointer(call, CURLOPT_HTTPHEADER, call->headers);
        set_pointer(call, CURLOPT_ERRORBUFFER, call->error);
        set_function(call, CURLOPT_WRITEFUNCTION, on_body);
        set_pointer(call, CURLOPT_WRITEDATA, call);
        set_function(call, CURLOPT_HEADERFUNCTION, on_header);
        set_pointer(call, CURLOPT_HEADERDATA, call);
}

static const struct {
        CURLcode code;
        int r;
} meanings[] = {
        {CURLE_COULDNT_RESOLVE_HOST, -ECONNREFUSED},
        {CURLE_COULDNT_CONNECT, -ECONNREFUSED},
        {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT},
        {CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED},
        {CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED},
        {CURLE_SSL_CERTPROBLEM, -EKEYREJECTED},
        {CURLE_SSL_CONNECT_ERROR, -EKEYREJECTED},
        {CURLE_SSL_ISSUER_ERROR, -EKEYREJECTED},
        {CURLE_OUT_OF_MEMORY, -ENOMEM},
        {CURLE_URL_MALFORMAT, -EINVAL},
};

static int error_of(const Call *call, const HttpRequest *request, CURLcode code)
{
        if (call->too_big)
                return -EFBIG;
        /* In TLS 1.3 the server judges our certificate after its own handshake has ended: its no is
         * an alert where we wait for the answer. Every backend calls it so. */
        if (starts_with(request->url, "https:") && strstr(call->error, "alert"))
                return -EKEYREJECTED;
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (meanings[i].code == code)
                        return meanings[i].r;
        return -EPROTO;
}

/* CURLOPT_NOSIGNAL leaves it to us to survive a peer that goes away in the middle. */
static CURLcode perform(Call *call)
{
        struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
        CURLcode code;

        if (call->code != CURLE_OK)
                return call->code;
        sigaction(SIGPIPE, &ignore, &before);
        code = curl.easy_perform(call->easy);
        sigaction(SIGPIPE, &before, NULL);
        return code;
}

int http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        autoptr(Call) call = NULL;
        CURLcode code;
        int r;

        r = load(reterr);
        if (r < 0)
                return r;
        call = xcalloc(1, sizeof(*call));
        call->answer = xcalloc(1, sizeof(*call->answer));
        call->answer->body = xstrdup("");
        call->easy = xcheck(curl.easy_init());
        set_connection(call, request);
        r = set_token(call, request, reterr);
        if (r < 0)
                return r;
        set_content(call, request);
        r = set_tls(call, request, reterr);
        if (r < 0)
                return r;
        code = perform(call);
        if (code != CURLE_OK)
                return error_set(reterr, error_of(call, request, code), "%s: %s", request->url,
                        call->too_big  ? "the answer is too large"
                        : *call->error ? call->error
                                       : curl.easy_strerror(code));
        /* Some versions of libcurl take any row of digits for one. */
        curl.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->answer->status);
        if (call->answer->status < 0 || call->answer->status > 999)
                return error_set(
                        reterr, -EPROTO, "%s: the answer has no HTTP status", request->url);
        *ret = TAKE(call->answer);
        return 0;
}
