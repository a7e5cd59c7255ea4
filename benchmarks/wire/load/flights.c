/* The first flights of clients, and the small things that both sides need. See load.h. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define RANDOM_AT 11   /* of a ClientHello in its record */
#define TOKEN_AT 5     /* of "GET /<16 hex digits>/<12 digits> HTTP/1.1" */

static const char LETTERS[][5] = {"SHRT", "BULK", "ECHO"};

void die(const char *format, ...) {
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
    exit(2);
}

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void set_timer_slack(void) { prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0); }

struct sockaddr_in address(const char *text) {
    struct sockaddr_in found = {.sin_family = AF_INET};
    const char *colon = strchr(text, ':');
    char host[32];
    errno = 0;
    if (!colon || (size_t)(colon - text) >= sizeof host) die("no address: %s", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    found.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &found.sin_addr) != 1) die("no address: %s", text);
    if (ntohl(found.sin_addr.s_addr) >> 24 != 127) die("not on loopback: %s", text);
    return found;
}

uint64_t hash_of(const uint8_t *bytes, size_t len) {
    uint64_t hash = 0x9e3779b97f4a7c15u ^ len * 0xff51afd7ed558ccdu, word;
    for (; len >= 8; len -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0xc4ceb9fe1a85ec53u;
        hash ^= hash >> 29;
    }
    word = 0;
    memcpy(&word, bytes, len);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

static uint64_t random_word(void) {
    static uint64_t state;
    if (!state) state = now_ns() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

const uint8_t *pattern(void) {
    static uint8_t *bytes;
    if (bytes) return bytes;
    if (!(bytes = malloc(PATTERN + 2 * CHUNK))) die("malloc");
    uint32_t x = 2463534242u;
    for (uint32_t i = 0; i < PATTERN; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        bytes[i] = (uint8_t)x;
    }
    for (uint32_t i = PATTERN; i < PATTERN + 2 * CHUNK; i++) bytes[i] = bytes[i - PATTERN];
    return bytes;
}

/* ---- ClientHello ------------------------------------------------------------------------------------------------ */

static uint8_t *put16(uint8_t *p, unsigned value) {
    *p++ = (uint8_t)(value >> 8);
    *p++ = (uint8_t)value;
    return p;
}
static uint8_t *put(uint8_t *p, const void *bytes, size_t len) { return (uint8_t *)memcpy(p, bytes, len) + len; }
static uint8_t *put_random(uint8_t *p, size_t len) {
    while (len--) *p++ = (uint8_t)random_word();
    return p;
}
static uint8_t *extension(uint8_t *p, unsigned type, const char *hex) {   /* its body in hexadecimal digits */
    size_t len = strlen(hex) / 2;
    p = put16(put16(p, type), (unsigned)len);
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        *p++ = (uint8_t)byte;
    }
    return p;
}

/* RFC 8446 section 4.1.2; the extensions and their order are those of a Chromium, padded to 517 bytes (RFC 7685). */
void make_hello(struct flight *flight, const char *name) {
    static const char suites[] = "\x2a\x2a\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30"
                                 "\xcc\xa9\xcc\xa8\xc0\x13\xc0\x14\x00\x9c\x00\x9d\x00\x2f\x00\x35";
    size_t length = strlen(name);
    uint8_t *b = flight->bytes, *p = put(b, "\x16\x03\x01..\x01...\x03\x03", 11), *extensions;
    p = put_random(p, 32);
    *p++ = 32;
    p = put_random(p, 32);
    p = put(put16(p, sizeof suites - 1), suites, sizeof suites - 1);
    p = put(p, "\x01\x00", 2);
    extensions = p;
    p = put16(p, 0);
    p = extension(p, 0x4a4a, "");
    p = extension(p, 0x0017, "");
    p = extension(p, 0xff01, "00");
    p = extension(p, 0x000a, "00087a7a001d00170018");
    p = extension(p, 0x000b, "0100");
    p = extension(p, 0x0023, "");
    p = extension(p, 0x0010, "000c02683208687474702f312e31");
    p = put16(put16(put16(p, 0x0000), (unsigned)length + 5), (unsigned)length + 3);
    *p++ = 0;
    p = put16(p, (unsigned)length);
    flight->name_at = (size_t)(p - b);
    p = put(p, name, length);
    p = extension(p, 0x0005, "0100000000");
    p = extension(p, 0x000d, "001004030804040105030805050108060601");
    p = extension(p, 0x0012, "");
    p = put(p, "\x00\x33\x00\x2b\x00\x29\x7a\x7a\x00\x01\x00\x00\x1d\x00\x20", 15);
    p = put_random(p, 32);
    p = extension(p, 0x002d, "0101");
    p = extension(p, 0x002b, "066a6a03040303");
    p = extension(p, 0x001b, "020002");
    p = extension(p, 0x4469, "0003026832");
    p = extension(p, 0xdada, "00");
    size_t len = (size_t)(p - b), padding = len + 4 < 517 ? 517 - len - 4 : 0;
    p = put16(put16(p, 0x0015), (unsigned)padding);
    memset(p, 0, padding);
    p += padding;
    flight->len = (size_t)(p - b);
    put16(b + 3, (unsigned)(flight->len - 5));
    b[6] = 0;
    put16(b + 7, (unsigned)(flight->len - 9));
    put16(extensions, (unsigned)(p - extensions - 2));
    flight->fresh_at = RANDOM_AT;
}

void freshen_hello(struct flight *flight, struct wish wish) {
    uint8_t *p = put_random(flight->bytes + flight->fresh_at, 32) - 32;
    memcpy(p, LETTERS[wish.purpose], 4);
    memcpy(p + 4, &wish.size, 8);
}

struct wish wish_of(const uint8_t *hello, size_t len) {
    struct wish wish = {.purpose = SHORT};
    if (len < RANDOM_AT + 32) return wish;
    for (int i = SHORT; i <= ECHO; i++)
        if (!memcmp(hello + RANDOM_AT, LETTERS[i], 4)) wish.purpose = (enum purpose)i;
    memcpy(&wish.size, hello + RANDOM_AT + 4, 8);
    return wish;
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------- */

void make_request(struct flight *flight, const char *name) {
    char *b = (char *)flight->bytes;
    flight->len = (size_t)snprintf(b, sizeof flight->bytes,
        "GET /0000000000000000/000000000000 HTTP/1.1\r\nHost: %s\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n", name);
    flight->name_at = (size_t)(strstr(b, "Host: ") + 6 - b);
    flight->fresh_at = TOKEN_AT;
}

uint64_t freshen_request(struct flight *flight, uint64_t size) {
    uint64_t token = random_word();
    char text[32];
    snprintf(text, sizeof text, "%016" PRIx64 "/%012" PRIu64, token, size % 1000000000000u);
    memcpy(flight->bytes + flight->fresh_at, text, 29);
    return token;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

void aim(struct flight *flight, int host) {
    uint8_t *digit = memchr(flight->bytes + flight->name_at, '-', 16);
    for (int i = 6; i; i--, host /= 10) digit[i] = (uint8_t)('0' + host % 10);
}

long flight_length(const uint8_t *bytes, size_t len) {
    if (len && bytes[0] == 22) {
        if (len < 5) return 0;
        size_t whole = 5u + (size_t)(bytes[3] << 8 | bytes[4]);
        return whole > FLIGHT_MAX ? -1 : len >= whole ? (long)whole : 0;
    }
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    return end ? end - bytes + 4 : len >= FLIGHT_MAX ? -1 : 0;
}
