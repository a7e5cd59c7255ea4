"""
Sequences of requests for one connection each, made from a seed: valid ones, and hostile ones at their end.

Valid: all methods, bodies of all framings, HTTP/1.0 and 1.1, pipelined or in cuts anywhere. Hostile: the smuggling
corpus, and mutations of it. What is to come of the valid part is known from its making, without any parser.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from tests.exchange.corpus import cases
from tests.sniff.making import split

METHODS = ("GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HOSTS = ("a.com", "A.com", "www.a.com", "a.com:80")
TAILS = ("", "?q=1", "?u=http://b.com/", "/%61/b;c", "?" + "q" * 400)
TOKENS = ("Accept", "X-A", "user-agent", "COOKIE", "If-None-Match", "X_Under", "!#$%&'*+-.^`|~", "Cache-Control")
VALUES = ("*/*", "", "a=b; c=d", '"quoted \\" text"', "x" * 300, "1\t2", "chunked", "Content-Length: 5", "\xe9\xff")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: b.com\r\n\r\n"
"""To another tenant."""

FIELDS = (b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b.com\r\n", SMUGGLED)
ODD = (b"", b"\0", b"\n", b"\r", b" ", b"\t", b":", b"0", b"\r\n", b"\r\n\r\n", b"\xff", *FIELDS)
CASES = cases()
_TARGET = re.compile(rb"/x? HTTP")


class Asked(NamedTuple):
    """One valid request as it was meant."""

    method: str
    uri: str
    body: str


class Sequence(NamedTuple):
    """
    The octets of one connection, in the pieces that they are sent in. Its `tag` is in each target.

    `valid` are the requests that must be answered. `outcome`: `over` (the last of them closes), the corpus's word on
    what follows them (head, body, clear N), or `mutated`.
    """

    tag: str
    pieces: tuple[bytes, ...]
    valid: tuple[Asked, ...]
    outcome: str
    name: str = ""


def tag_of(uri: str) -> str:
    """Whose request this was."""
    found = re.search("x[0-9]{7}", uri)
    return found[0] if found else ""


def sequence(number: int) -> Sequence:
    """The same for the same number, always."""
    random, tag = Random(number), f"x{number:07d}"
    hostile = random.random() < 0.5
    raw, valid = b"", []
    count = random.randint(0 if hostile else 1, 4)
    for index in range(count):
        octets, asked = _request(random, tag, str(index), last=not hostile and index == count - 1)
        raw += octets
        valid.append(asked)
    outcome, name = "over", ""
    if hostile:
        outcome, name, octets = _hostile(random, number, tag)
        raw += octets + f"GET /{tag}/last HTTP/1.1\r\nHost: a.com\r\nConnection: close\r\n\r\n".encode()
    cuts = [random.randrange(len(raw)) for _ in range(random.choice((0, 0, 1, 3, 12)))]
    return Sequence(tag, tuple(split(raw, cuts)), tuple(valid), outcome, name)


def _hostile(random: Random, number: int, tag: str) -> tuple[str, str, bytes]:
    case = CASES[number % len(CASES)]
    raw = _tagged(_TARGET.sub(f"/{tag}/hostile HTTP".encode(), case.raw, count=1), tag)
    mark = tag.encode()
    if random.random() < 0.6 or mark not in raw:
        return case.outcome, case.name, raw
    for _ in range(random.randint(1, 3)):
        at = random.choice([at for at in range(len(raw)) if mark not in raw[max(at - 7, 0) : at + 8]])
        raw = raw[:at] + _tagged(random.choice(ODD), tag) + raw[at + 1 :]
    return "mutated", case.name, raw


def _tagged(raw: bytes, tag: str) -> bytes:
    """What is smuggled, told from what others smuggle; of as many octets as before."""
    return raw.replace(b"/smuggled", f"/{tag}".encode()).replace(b"/next", f"/{tag}/next".encode())


def _request(random: Random, tag: str, index: str, *, last: bool) -> tuple[bytes, Asked]:
    method = random.choice(METHODS)
    host, uri = random.choice(HOSTS), f"/{tag}/{index}{random.choice(TAILS)}"
    minor = random.choice((1, 1, 1, 0))
    lines = [f"{random.choice(('Host', 'host', 'HOST'))}:{random.choice((' ', '', '   '))}{host}"]
    lines += [f"{name}: {random.choice(VALUES)}" for name in random.sample(TOKENS, random.randint(0, 6))]
    if last:
        lines.append("Connection: close")
    elif not minor:
        lines.append("Connection: keep-alive")
    body = _text(random, tag) if method not in ("GET", "HEAD") or random.random() < 0.1 else ""
    coded = body.encode()
    if body and minor and random.random() < 0.5:
        lines.append("Transfer-Encoding: chunked")
        coded = _chunked(random, coded)
    elif body or random.random() < 0.1:
        lines.append(f"Content-Length: {len(body)}")
    random.shuffle(lines)
    target = f"http://{host}{uri}" if random.random() < 0.1 else uri
    head = "\r\n".join([f"{method} {target} HTTP/1.{minor}", *lines, "", ""]).encode("latin-1")
    return head + coded, Asked(method, uri, body)


def _text(random: Random, tag: str) -> str:
    """A body, which is at times a request itself; printable, since it is looked for in a log."""
    kind, smuggled = random.random(), _tagged(SMUGGLED, tag).decode()
    if kind < 0.2:
        return smuggled
    if kind < 0.3:
        return "0\r\n\r\n" + smuggled
    size = random.choice((1, 2, 10, 100, 3000, 20000))
    return "".join(random.choice("abcdefghij\r\n:;/ 0123456789") for _ in range(size))


def _chunked(random: Random, body: bytes) -> bytes:
    raw = b""
    for piece in split(body, [random.randrange(len(body)) for _ in range(random.randint(0, 4))]):
        extension = random.choice(("", "", ";a", ';a="b;c"'))
        raw += f"{len(piece):{random.choice(('x', 'X', '06x'))}}{extension}\r\n".encode() + piece + b"\r\n"
    return raw + b"0\r\n" + random.choice((b"", b"X-Sum: 1\r\n", b"Content-Length: 9\r\n")) + b"\r\n"
