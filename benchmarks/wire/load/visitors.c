/*
 * The visitors: one thread, many connections, every byte that comes back is looked at.
 *
 *     load visitors MODE --to ADDR:PORT [--names N] [--prefix WORD] [--upstreams N] [--workers N] [--seconds S]
 *                        [--rate R] [--bytes N] [--tenants N] [--may-rewrite]
 *
 * MODE  tls, http    a new connection each, closed after the short reply; with --rate at scheduled moments (open loop)
 *       bulk         --bytes over a new TLS connection each
 *       echo         round trips of 100 bytes on connections that stay
 *       requests     HTTP requests on connections that stay, each for the next of --tenants names; with --bytes large ones
 *       idle         connections that have had their short reply, and stay
 *
 * Says "ready" (when those that stay are up), waits for a line, works for --seconds or until the next line, prints one
 * JSON object, and leaves when its input ends. A failure is counted under its cause, never retried.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define EVENTS 256
#define PING 100u
#define SOURCES 16
#define COMING_UP 64           /* connections that may come up at once */
#define TIMEOUT_NS 20000000000u
#define UP_WITHIN_NS 60000000000u
#define HOPELESS 1000
#define DOMAIN "-000000.bench.test"

enum mode { TLS, HTTP, BULKY, ECHOING, REQUESTS, IDLE };
static const char *const MODES[] = {"tls", "http", "bulk", "echo", "requests", "idle"};

enum cause { CONNECT, RESET, END, TIMEOUT, MISROUTED, DIFFERS, CAUSES };
static const char *const CAUSE_NAMES[] = {"connect", "reset", "end", "timeout", "misrouted", "differs"};

enum state { FREE, CONNECTING, REPLY, HEAD, BODY, FIRST_ECHO, PONG, STAYS };

struct visit {
    enum state state;
    int fd, host, turn, up, last;      /* up: its first exchange is over; last: the peer closes after this response */
    uint64_t began, hash, token, count, offset, left;
    size_t held;
    uint8_t ping[PING];
    uint8_t bytes[FLIGHT_MAX];
};

static enum mode mode;
static struct sockaddr_in proxy;
static int names = 32, upstream_count = 16, workers = 32, tenants = 1, may_rewrite;
static double seconds = 1, rate;
static uint64_t size;

static struct flight flight;
static struct visit *visits, **spare;
static int spares, poll_fd, standing, running, lines, input_over;
static uint64_t good, bytes_in, rewritten, reconnected, causes[CAUSES], failures, last_good, source, next_host;
static uint8_t *chunk;

/* ---- latencies: 32 steps to each power of two, so within 1.6 % --------------------------------------------------- */

#define STEPS 64u
static uint64_t histogram[64 * STEPS], taken;

static void took(uint64_t ns) {
    unsigned power = ns < STEPS ? 0 : 58u - (unsigned)__builtin_clzll(ns);
    histogram[power * STEPS + (power ? (ns >> power) & (STEPS - 1) : ns)]++;
    taken++;
}

static double percentile_us(double share) {
    uint64_t wanted = (uint64_t)(share * (double)taken), seen = 0;
    for (unsigned i = 0; i < 64 * STEPS; i++) {
        unsigned power = i / STEPS;
        if ((seen += histogram[i]) > wanted) return ((double)((uint64_t)(i % STEPS) << power) + (double)((1ull << power) / 2)) / 1e3;
    }
    return 0;
}

/* ---- a visit ----------------------------------------------------------------------------------------------------- */

static void leave(struct visit *visit) {
    close(visit->fd);
    standing -= visit->up;
    visit->up = 0;
    visit->state = FREE;
    spare[spares++] = visit;
}

static void fail(struct visit *visit, enum cause cause) {
    causes[cause]++;
    failures++;
    leave(visit);
}

static void begin(struct visit *visit, uint64_t at) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)(source++ % SOURCES))};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = visit};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (void *)&from, sizeof from)) die("bind");
    visit->fd = fd;
    visit->host = (int)(next_host++ % (uint64_t)names);
    visit->turn = 0;
    visit->began = at;
    visit->state = CONNECTING;
    if (connect(fd, (void *)&proxy, sizeof proxy) && errno != EINPROGRESS) fail(visit, CONNECT);
    else if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void say(struct visit *visit, const void *bytes, size_t len) {
    if (send(visit->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) fail(visit, CONNECT);
}

static void greet(struct visit *visit) {
    visit->held = 0;
    visit->offset = 0;
    visit->left = size;
    aim(&flight, (visit->host + visit->turn) % names);
    if (mode == HTTP || mode == REQUESTS) {
        visit->token = freshen_request(&flight, size);
        visit->state = HEAD;
    } else {
        freshen_hello(&flight, (struct wish){mode == BULKY ? BULK : mode == ECHOING ? ECHO : SHORT, size});
        visit->state = mode == BULKY ? BODY : mode == ECHOING ? FIRST_ECHO : REPLY;
        visit->token = 0;
    }
    visit->hash = hash_of(flight.bytes, flight.len);
    say(visit, flight.bytes, flight.len);
}

static void ping(struct visit *visit) {
    visit->count++;
    memcpy(visit->ping, &visit->count, sizeof visit->count);
    memcpy(visit->ping + sizeof visit->count, &visit->hash, sizeof visit->hash);
    visit->held = 0;
    visit->state = PONG;
    visit->began = now_ns();
    say(visit, visit->ping, PING);
}

static void go_on(struct visit *visit) {   /* on a connection that stays */
    if (mode == IDLE || !running) visit->state = STAYS;
    else if (mode == ECHOING) ping(visit);
    else {
        visit->turn = (visit->turn + 1) % tenants;
        visit->began = now_ns();
        greet(visit);
    }
}

static void succeed(struct visit *visit) {
    uint64_t now = now_ns();
    if (running) {
        took(now - visit->began);
        good++;
        last_good = now;
    }
    if (mode == TLS || mode == HTTP || mode == BULKY) leave(visit);
    else if (visit->last) {
        reconnected++;
        leave(visit);
        if (running) begin(visit = spare[--spares], now);
    } else {
        standing += !visit->up;
        visit->up = 1;
        go_on(visit);
    }
}

static int answer_fits(struct visit *visit, const uint8_t *answer) {   /* else it has failed */
    int index;
    size_t len;
    uint64_t hash, token;
    if (sscanf((const char *)answer, "LOAD index=%3d len=%5zu hash=%16" SCNx64 " token=%16" SCNx64, &index, &len, &hash, &token) != 4
        || token != visit->token) {
        fail(visit, DIFFERS);
        return 0;
    }
    if (index != (visit->host + visit->turn) % names % upstream_count) {
        fail(visit, MISROUTED);
        return 0;
    }
    if (hash == visit->hash && len == flight.len) return 1;
    rewritten++;
    if (!may_rewrite) fail(visit, DIFFERS);
    return may_rewrite;
}

static int bulk_fits(struct visit *visit, const uint8_t *bytes, size_t len) {
    for (size_t done = 0; done < len;) {
        size_t part = len - done < CHUNK ? len - done : CHUNK;
        if (len > visit->left || memcmp(bytes + done, pattern() + (visit->offset + done) % PATTERN, part)) {
            fail(visit, DIFFERS);
            return 0;
        }
        done += part;
    }
    visit->offset += len;
    visit->left -= len;
    if (running) bytes_in += len;
    return 1;
}

static void read_head(struct visit *visit) {
    visit->bytes[visit->held] = 0;
    char *head = (char *)visit->bytes, *end = strstr(head, "\r\n\r\n"), *length;
    if (!end) {
        if (visit->held >= FLIGHT_MAX - 1) fail(visit, DIFFERS);
        return;
    }
    size_t head_len = (size_t)(end - head) + 4, body = visit->held - head_len;
    end[2] = 0;
    length = strcasestr(head, "\r\nContent-Length:");
    visit->last = strcasestr(head, "\r\nConnection: close") != NULL;
    if (strncmp(head, "HTTP/1.1 200 ", 13) || !length || strtoull(length + 17, 0, 10) != (size ? size : HTTP_REPLY)) {
        fail(visit, DIFFERS);
        return;
    }
    end[2] = '\r';
    if (size) {
        visit->state = BODY;
        if (bulk_fits(visit, visit->bytes + head_len, body) && !visit->left) succeed(visit);
    } else if (body > HTTP_REPLY) fail(visit, DIFFERS);
    else if (body == HTTP_REPLY && answer_fits(visit, visit->bytes + head_len)) succeed(visit);
}

static void take(struct visit *visit, size_t got) {
    visit->held += got;
    switch (visit->state) {
    case REPLY:
        if (visit->held > TLS_REPLY) fail(visit, DIFFERS);
        else if (visit->held == TLS_REPLY && answer_fits(visit, visit->bytes)) succeed(visit);
        break;
    case HEAD:
        read_head(visit);
        break;
    case BODY:
        if (bulk_fits(visit, chunk, got) && !visit->left) succeed(visit);
        break;
    case FIRST_ECHO:
        if (visit->held < flight.len) break;
        if (visit->held > flight.len || hash_of(visit->bytes, visit->held) != visit->hash) fail(visit, DIFFERS);
        else succeed(visit);
        break;
    case PONG:
        if (visit->held < PING) break;
        if (visit->held > PING || memcmp(visit->bytes, visit->ping, PING)) fail(visit, DIFFERS);
        else succeed(visit);
        break;
    default:
        fail(visit, DIFFERS);   /* nothing was asked for */
    }
}

static void hear(struct visit *visit, uint32_t events) {
    if (visit->state == CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) fail(visit, CONNECT);
        else if (events & EPOLLOUT) greet(visit);
        return;
    }
    for (int i = 0; i < 16; i++) {
        if (visit->state == FREE || visit->state == CONNECTING) return;
        int bulky = visit->state == BODY;
        size_t room = bulky ? CHUNK : sizeof visit->bytes - 1 - visit->held;
        ssize_t got = recv(visit->fd, bulky ? chunk : visit->bytes + visit->held, room, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            fail(visit, got ? RESET : END);
            return;
        }
        take(visit, (size_t)got);
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = visit};   /* there is more */
    if (visit->state != FREE) epoll_ctl(poll_fd, EPOLL_CTL_MOD, visit->fd, &event);
}

/* ---- all visits -------------------------------------------------------------------------------------------------- */

static void hear_input(void) {
    char words[64];
    ssize_t got = read(0, words, sizeof words);
    if (got > 0) lines++;
    else if (!got || errno != EAGAIN) input_over = lines = 1 << 20;
}

static void give_up_late(uint64_t now) {
    static uint64_t looked;
    if (now - looked < 500000000u) return;
    looked = now;
    for (int i = 0; i < workers; i++)
        if (visits[i].state != FREE && visits[i].state != STAYS && visits[i].state != BODY && now > visits[i].began + TIMEOUT_NS)
            fail(&visits[i], TIMEOUT);
}

static void turn(double wait_s) {
    struct epoll_event events[EVENTS];
    struct timespec wait = {0, wait_s < 0 ? 0 : (long)(wait_s * 1e9)};
    int count = epoll_pwait2(poll_fd, events, EVENTS, &wait, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr) hear(events[i].data.ptr, events[i].events);
        else hear_input();
    }
    give_up_late(now_ns());
}

static void bring_up(void) {
    uint64_t end = now_ns() + UP_WITHIN_NS;
    while (standing < workers && !failures && now_ns() < end && !input_over) {
        while (spares && workers - spares - standing < COMING_UP) begin(spare[--spares], now_ns());
        turn(0.02);
    }
    if (standing < workers && !failures) causes[TIMEOUT]++, failures++;
}

static void work_on_new_connections(uint64_t start, uint64_t end) {
    uint64_t due = 0;
    while (lines < 2 && failures < HOPELESS && now_ns() < end + 2 * TIMEOUT_NS) {
        uint64_t now = now_ns();
        double wait = 0.02;
        while (now < end && spares) {
            uint64_t at = rate > 0 ? start + (uint64_t)((double)due / rate * 1e9) : now;
            if (at >= end) break;
            if (at > now) {
                if ((double)(at - now) / 1e9 < wait) wait = (double)(at - now) / 1e9;
                break;
            }
            due++;
            begin(spare[--spares], at);
        }
        if (now >= end && spares == workers) return;
        turn(wait);
    }
    if (lines < 2)
        for (int i = 0; i < workers; i++)
            if (visits[i].state != FREE) fail(&visits[i], TIMEOUT);
}

static void work_on_standing_connections(uint64_t end) {
    for (int i = 0; i < workers; i++)
        if (visits[i].state == STAYS && mode != IDLE) go_on(&visits[i]);
    while (lines < 2 && now_ns() < end && failures < HOPELESS) turn(0.02);
}

static void report(double elapsed) {
    printf("{\"good\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"standing\": %d, \"rewritten\": %" PRIu64
           ", \"reconnected\": %" PRIu64 ", \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"failures\": {",
           good, bytes_in, elapsed, standing, rewritten, reconnected,
           percentile_us(.5), percentile_us(.9), percentile_us(.99), percentile_us(.999));
    const char *comma = "";
    for (int i = 0; i < CAUSES; i++)
        if (causes[i]) {
            printf("%s\"%s\": %" PRIu64, comma, CAUSE_NAMES[i], causes[i]);
            comma = ", ";
        }
    puts("}}");
    fflush(stdout);
}

static void read_options(int argc, char **argv) {
    static const struct option options[] = {{"to", 1, 0, 't'}, {"names", 1, 0, 'n'}, {"prefix", 1, 0, 'p'},
        {"upstreams", 1, 0, 'u'}, {"workers", 1, 0, 'w'}, {"seconds", 1, 0, 's'}, {"rate", 1, 0, 'r'}, {"bytes", 1, 0, 'b'},
        {"tenants", 1, 0, 'x'}, {"may-rewrite", 0, 0, 'm'}, {0, 0, 0, 0}};
    const char *prefix = "tenant";
    char name[64];
    int option;
    if (argc < 2) die("which visitors?");
    for (mode = TLS; mode <= IDLE && strcmp(MODES[mode], argv[1]); mode++) {}
    if (mode > IDLE) die("no such visitors: %s", argv[1]);
    for (argc--, argv++; (option = getopt_long(argc, argv, "", options, 0)) != -1;) {
        if (option == 't') proxy = address(optarg);
        else if (option == 'n') names = atoi(optarg);
        else if (option == 'p') prefix = optarg;
        else if (option == 'u') upstream_count = atoi(optarg);
        else if (option == 'w') workers = atoi(optarg);
        else if (option == 's') seconds = atof(optarg);
        else if (option == 'r') rate = atof(optarg);
        else if (option == 'b') size = strtoull(optarg, 0, 10);
        else if (option == 'x') tenants = atoi(optarg);
        else if (option == 'm') may_rewrite = 1;
        else die("no such option");
    }
    if (!proxy.sin_port || names < 1 || upstream_count < 1 || workers < 1 || tenants < 1 || tenants > names || strlen(prefix) > 32)
        die("what is asked for makes no sense");
    snprintf(name, sizeof name, "%s" DOMAIN, prefix);
    if (mode == HTTP || mode == REQUESTS) make_request(&flight, name);
    else make_hello(&flight, name);
}

int visitors(int argc, char **argv) {
    read_options(argc, argv);
    set_timer_slack();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    visits = calloc((size_t)workers, sizeof *visits);
    spare = calloc((size_t)workers, sizeof *spare);
    chunk = malloc(CHUNK);
    if (!visits || !spare || !chunk) die("malloc");
    for (spares = 0; spares < workers; spares++) spare[spares] = &visits[workers - 1 - spares];
    struct epoll_event input = {.events = EPOLLIN};
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &input)) die("the input is no pipe");
    pattern();
    int stays = mode == ECHOING || mode == REQUESTS || mode == IDLE;
    if (stays) bring_up();
    puts("ready");
    fflush(stdout);
    while (!lines) turn(0.02);
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9);
    running = 1;
    if (!failures && stays) work_on_standing_connections(end);
    else if (!failures) work_on_new_connections(start, end);
    report((double)((stays || !last_good ? now_ns() : last_good) - start) / 1e9);
    running = 0;
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, 0, 0);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) & ~O_NONBLOCK);
    while (!input_over) hear_input();
    return 0;
}
