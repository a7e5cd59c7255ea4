/*
 * What the two sides of the load share: clocks, addresses, the first flights of clients, and the pattern of bulk.
 *
 * Every connection is verified from end to end. A first flight holds fresh random bytes; the upstream hashes it as it
 * arrived, and says which upstream it is; the visitor compares both with what it sent and where its name belongs.
 */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHT_MAX 2048
#define TLS_REPLY 200u    /* bytes of the whole short answer to a ClientHello */
#define HTTP_REPLY 200u   /* bytes of the body of a short response */
#define PATTERN 65536u    /* period of the bytes of bulk */
#define CHUNK (512u * 1024u)

enum purpose { SHORT, BULK, ECHO };   /* what a ClientHello asks its upstream for: stands in its random */

struct flight {
    size_t len, name_at, fresh_at;
    uint8_t bytes[FLIGHT_MAX];
};

/* What a ClientHello's random says to the upstream: 4 letters, and a number of bytes for BULK. */
struct wish {
    enum purpose purpose;
    uint64_t size;
};

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t now_ns(void);
void set_timer_slack(void);
struct sockaddr_in address(const char *text);                  /* ADDR:PORT, on loopback alone */
uint64_t hash_of(const uint8_t *bytes, size_t len);
const uint8_t *pattern(void);                                  /* PATTERN bytes and then CHUNK * 2 more of them */

void make_hello(struct flight *flight, const char *name);      /* a browser's TLS 1.3 hello, 517 bytes */
void make_request(struct flight *flight, const char *name);    /* a browser's GET */
void aim(struct flight *flight, int host);                     /* writes the number into the name: six digits */
void freshen_hello(struct flight *flight, struct wish wish);
uint64_t freshen_request(struct flight *flight, uint64_t size); /* the token it asks with; 0 bytes: a short response */
struct wish wish_of(const uint8_t *hello, size_t len);
long flight_length(const uint8_t *bytes, size_t len);          /* of a whole first flight; 0: not yet, -1: none */

int upstreams(int argc, char **argv);
int visitors(int argc, char **argv);

#endif
