/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grpc-server.h"

#include "base/fs.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 16
#define REQUEST_MAX     ((size_t)64 << 10)

typedef struct Connection {
        nghttp2_session *session;
        GrpcHandler *handler;
        unsigned char *request;
        size_t request_size;
        GrpcAnswer answer;
        size_t sent;
        int fd;
        bool done;
        char path[128];
} Connection;

static void spoil(GrpcAnswer *answer)
{
        size_t size = answer->size;

        switch (answer->fault->trick) {
        case GRPC_BROKEN_FRAME:
                answer->frame[4]++;
                break;
        case GRPC_TWO_FRAMES:
                answer->frame = xreallocarray(answer->frame, 2, size);
                memcpy(answer->frame + size, answer->frame, size);
                answer->size = 2 * size;
                break;
        case GRPC_COMPRESSED:
                answer->frame[0] = 1;
                break;
        case GRPC_GARBAGE:
                memset(answer->frame + 5, 0xff, size - 5);
                break;
        case GRPC_OVERSIZED:
                answer->size = (size_t)2 << 20;
                answer->frame = xreallocarray(answer->frame, answer->size, 1);
                memset(answer->frame, 0, answer->size);
                break;
        default:
                break;
        }
}

static nghttp2_nv pair(const char *name, const char *value)
{
        return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
                NGHTTP2_NV_FLAG_NONE};
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
        uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
        Connection *c = user_data;
        size_t n = c->answer.size - c->sent < size ? c->answer.size - c->sent : size;
        nghttp2_nv trailer;

        memcpy(buffer, c->answer.frame + c->sent, n);
        c->sent += n;
        if (c->sent < c->answer.size)
                return (ssize_t)n;
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (c->answer.fault->trick != GRPC_NO_STATUS) {
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
                trailer = pair("grpc-status", c->answer.fault->status);
                nghttp2_submit_trailer(session, stream, &trailer, 1);
        }
        return (ssize_t)n;
}

/* An error is "trailers only": all of it in the head. */
static void submit(Connection *c, int32_t stream)
{
        nghttp2_data_provider provider = {.read_callback = read_answer};
        const GrpcFault *fault = c->answer.fault;
        nghttp2_nv head[4] = {
                pair(":status", fault->http_status), pair("content-type", "application/grpc")};
        size_t n = 2;

        spoil(&c->answer);
        if (!c->answer.frame) {
                head[n++] = pair("grpc-status", fault->status);
                if (fault->message)
                        head[n++] = pair("grpc-message", fault->message);
        }
        nghttp2_submit_response(c->session, stream, head, n, c->answer.frame ? &provider : NULL);
}

static void respond(Connection *c, int32_t stream)
{
        static const char other[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

        if (c->request_size < 5) {
                c->done = true;
                return;
        }
        c->answer = c->handler(c->path, c->request + 5, c->request_size - 5);
        switch (c->answer.fault->trick) {
        case GRPC_HANG:
                break;
        case GRPC_HTTP1:
                (void)!write(c->fd, other, strlen(other));
                c->done = true;
                break;
        case GRPC_CLOSE:
                c->done = true;
                break;
        case GRPC_RESET:
                nghttp2_submit_rst_stream(
                        c->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
                break;
        case GRPC_SLOW:
                sleep(2);
                submit(c, stream);
                break;
        default:
                submit(c, stream);
        }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
        size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user_data)
{
        Connection *c = user_data;

        if (streq((const char *)name, ":path"))
                snprintf(c->path, sizeof(c->path), "%s", (const char *)value);
        return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
        size_t size, void *user_data)
{
        Connection *c = user_data;

        if (c->request_size + size > REQUEST_MAX)
                return NGHTTP2_ERR_CALLBACK_FAILURE;
        c->request = xreallocarray(c->request, c->request_size + size, 1);
        memcpy(c->request + c->request_size, data, size);
        c->request_size += size;
        return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *user_data)
{
        bool carries = f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS;

        if (carries && f->hd.flags & NGHTTP2_FLAG_END_STREAM)
                respond(user_data, f->hd.stream_id);
        return 0;
}

static void connection_open(Connection *c, int fd, GrpcHandler *handler)
{
        nghttp2_session_callbacks *callbacks;

        *c = (Connection){.fd = fd, .handler = handler};
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_server_new(&c->session, callbacks, c);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void connection_close(Connection *c)
{
        nghttp2_session_del(c->session);
        close(c->fd);
        free(c->request);
        free(c->answer.frame);
        *c = (Connection){.fd = -1};
}

/* What can be read is read, and what is to be said is said. */
static void connection_serve(Connection *c)
{
        unsigned char buffer[16384];
        const uint8_t *data;
        ssize_t n = read(c->fd, buffer, sizeof(buffer));

        if (n <= 0 || nghttp2_session_mem_recv(c->session, buffer, (size_t)n) < 0)
                c->done = true;
        while (!c->done && (n = nghttp2_session_mem_send(c->session, &data)) > 0)
                if (fs_write_all(c->fd, data, (size_t)n) < 0)
                        c->done = true;
        if (c->done)
                connection_close(c);
}

void grpc_serve(int listener, GrpcHandler *handler)
{
        Connection connections[CONNECTIONS_MAX];
        struct pollfd fds[CONNECTIONS_MAX + 1];

        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
                connections[i].fd = -1;
        for (;;) {
                size_t slot = CONNECTIONS_MAX;

                for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
                        fds[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
                        slot = connections[i].fd < 0 ? i : slot;
                }
                fds[CONNECTIONS_MAX] = (struct pollfd){
                        .fd = slot < CONNECTIONS_MAX ? listener : -1, .events = POLLIN};
                if (poll(fds, CONNECTIONS_MAX + 1, -1) < 0)
                        return;
                for (size_t i = 0; i < CONNECTIONS_MAX; i++)
                        if (fds[i].revents)
                                connection_serve(&connections[i]);
                if (fds[CONNECTIONS_MAX].revents)
                        connection_open(&connections[slot], accept(listener, NULL, NULL), handler);
        }
}
