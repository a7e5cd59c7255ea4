/*
 * The upstreams: one thread, all addresses.
 *
 *     load upstreams ADDR:PORT=INDEX ...
 *
 * A ClientHello is answered with a short reply, with bulk, or with an echo of all that comes, as its random wishes. An
 * HTTP request is answered with a short response or with bulk, and the connection is kept. Says "ready", runs until
 * SIGTERM, and says at its end what it saw that no visitor sends.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

enum state { LISTENS, READS, DRAINS, SENDS, ECHOES };

struct end {
    enum state state;
    int fd, index, keep;          /* keep: another request may follow */
    uint32_t events;
    size_t held;
    uint64_t sent, left;
    struct end *next;
    uint8_t bytes[FLIGHT_MAX];
};

static int poll_fd;
static struct end *spare;
static uint64_t accepted, malformed;
static volatile sig_atomic_t stopped;

static void stop(int signal) { (void)signal; stopped = 1; }

static void leave(struct end *end) {
    close(end->fd);
    end->next = spare;
    spare = end;
}

static void spoil(struct end *end) {
    malformed++;
    leave(end);
}

static void wait_for(struct end *end, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = end};
    if (end->events == events) return;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, end->fd, &event);
    end->events = events;
}

static void send_bulk(struct end *end) {
    for (int i = 0; i < 2 && end->left; i++) {
        size_t len = end->left < CHUNK ? end->left : CHUNK;
        ssize_t sent = send(end->fd, pattern() + end->sent % PATTERN, len, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) break;
            leave(end);
            return;
        }
        end->sent += (uint64_t)sent;
        end->left -= (uint64_t)sent;
        if ((size_t)sent < len) break;
    }
    if (end->left) wait_for(end, EPOLLOUT);
    else if (!end->keep) leave(end);
    else {
        end->state = READS;
        wait_for(end, EPOLLIN);
    }
}

static int told(const struct end *end, char *out, size_t len, uint64_t token) {
    return sprintf(out, "LOAD index=%03d len=%05zu hash=%016" PRIx64 " token=%016" PRIx64 " ", end->index, len,
                   hash_of(end->bytes, len), token);
}

static void answer_hello(struct end *end, size_t len) {
    struct wish wish = wish_of(end->bytes, len);
    char out[TLS_REPLY + 1];
    end->held = end->sent = 0;
    if (wish.purpose == SHORT) {
        memset(out, '.', TLS_REPLY);
        out[told(end, out, len, 0)] = '.';
        end->state = DRAINS;
        if (send(end->fd, out, TLS_REPLY, MSG_NOSIGNAL) != TLS_REPLY) spoil(end);
    } else if (wish.purpose == BULK) {
        end->state = SENDS;
        end->left = wish.size;
        send_bulk(end);
    } else {
        end->state = ECHOES;
        if (send(end->fd, end->bytes, len, MSG_NOSIGNAL) != (ssize_t)len) spoil(end);
    }
}

static void answer_request(struct end *end, size_t len) {
    uint64_t token, size;
    char out[256 + HTTP_REPLY];
    end->bytes[len - 1] = 0;   /* a head ends with a line feed */
    int understood = sscanf((char *)end->bytes, "GET /%16" SCNx64 "/%12" SCNu64 " HTTP/1.1\r", &token, &size) == 2;
    end->bytes[len - 1] = '\n';
    if (!understood) {
        spoil(end);
        return;
    }
    size_t body = size ? (size_t)size : HTTP_REPLY;
    int head = sprintf(out, "HTTP/1.1 200 OK\r\nServer: load\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", body);
    int whole = head;
    end->keep = 1;
    end->held = end->sent = 0;
    if (!size) {
        memset(out + head, '.', HTTP_REPLY);
        out[head + told(end, out + head, len, token)] = '.';
        whole += (int)HTTP_REPLY;
    }
    if (send(end->fd, out, (size_t)whole, MSG_NOSIGNAL | (size ? MSG_MORE : 0)) != whole) {
        spoil(end);
    } else if (size) {
        end->state = SENDS;
        end->left = size;
        send_bulk(end);
    }
}

static void read_flight(struct end *end) {
    ssize_t got = recv(end->fd, end->bytes + end->held, sizeof end->bytes - end->held, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        if (end->held) spoil(end);   /* it left in the midst of a flight */
        else leave(end);
        return;
    }
    end->held += (size_t)got;
    long len = flight_length(end->bytes, end->held);
    if (len < 0 || (len && (size_t)len != end->held)) spoil(end);
    else if (len && end->bytes[0] == 22) answer_hello(end, (size_t)len);
    else if (len) answer_request(end, (size_t)len);
}

static void echo(struct end *end) {
    ssize_t got = recv(end->fd, end->bytes, sizeof end->bytes, 0);
    if (got > 0 && send(end->fd, end->bytes, (size_t)got, MSG_NOSIGNAL) != got) spoil(end);   /* visitors wait for it */
    else if (!got || (got < 0 && errno != EAGAIN)) leave(end);
}

static void drain(struct end *end) {
    ssize_t got = recv(end->fd, end->bytes, sizeof end->bytes, 0);
    if (got > 0) spoil(end);
    else if (!got || errno != EAGAIN) leave(end);
}

static void welcome(const struct end *listener) {
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener->fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        struct end *end = spare;
        if (end) spare = end->next;
        else if (!(end = malloc(sizeof *end))) die("malloc");
        end->state = READS;
        end->fd = fd;
        end->index = listener->index;
        end->keep = 0;
        end->held = 0;
        end->events = EPOLLIN;
        accepted++;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
    }
}

static void listen_at(char *text) {
    char *equals = strchr(text, '=');
    if (!equals) die("ADDR:PORT=INDEX is wanted, not %s", text);
    *equals = 0;
    struct sockaddr_in place = address(text);
    struct end *listener = calloc(1, sizeof *listener);
    if (!listener) die("calloc");
    int one = 1;
    listener->state = LISTENS;
    listener->index = atoi(equals + 1);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);   /* who is accepted has it too */
    if (bind(listener->fd, (void *)&place, sizeof place) || listen(listener->fd, 8192)) die("listening at %s", text);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener->fd, &event)) die("epoll_ctl");
}

int upstreams(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    signal(SIGTERM, stop);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 1; i < argc; i++) listen_at(argv[i]);
    pattern();
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        int count = epoll_wait(poll_fd, events, EVENTS, 500);
        for (int i = 0; i < count; i++) {
            struct end *end = events[i].data.ptr;
            if (end->state == LISTENS) welcome(end);
            else if (end->state == READS) read_flight(end);
            else if (end->state == DRAINS) drain(end);
            else if (end->state == ECHOES) echo(end);
            else send_bulk(end);
        }
    }
    printf("{\"accepted\": %" PRIu64 ", \"malformed\": %" PRIu64 "}\n", accepted, malformed);
    return 0;
}
