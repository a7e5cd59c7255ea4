"""What is said to an endpoint, and what its answer means: any cut, any bytes."""

from __future__ import annotations

import re
import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.dial.health.check import Finding, Ill, Question, Well
from starship.dial.health.dialogue import (
    HANDSHAKE_LIMIT_BYTES,
    HEAD_LIMIT_BYTES,
    Dialogue,
    Handshake,
    Request,
    Touch,
    dialogue,
    unverified,
)
from tests.config.material import certificate_and_key

PAGE = Question(kind="http", path="/healthz", statuses=(range(200, 400), range(418, 419)))
CONTEXT = unverified()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def finding_of(*pieces: bytes) -> Finding | None:
    """What an HTTP check thinks of an answer that comes in pieces."""
    asked = Request(PAGE, "a.com")
    asked.begin()
    for piece in pieces:
        if asked.finding is None:
            asked.hear(piece)
    return asked.finding


def why_of(*pieces: bytes) -> str:
    finding = finding_of(*pieces)
    assert isinstance(finding, Ill)
    return finding.why


def test_each_kind_has_its_dialogue() -> None:
    kinds = {kind: type(dialogue(Question(kind=kind), CONTEXT, "192.0.2.1:80")) for kind in ("tcp", "http", "tls")}
    assert kinds == {"tcp": Touch, "http": Request, "tls": Handshake}


def test_who_takes_a_connection_is_well_to_a_tcp_check() -> None:
    touch = Touch()
    assert (touch.begin(), touch.finding) == (b"", Well())
    assert (touch.hear(b"220 mail"), touch.end()) == (b"", Well())


@pytest.mark.parametrize(("host", "said"), [("a.com", b"Host: a.com\r\n"), ("", b"Host: [::1]:80\r\n")])
def test_a_request_names_its_host_and_asks_for_the_end_of_the_connection(host: str, said: bytes) -> None:
    head = dialogue(Question(kind="http", host=host, path="/up?x=1"), CONTEXT, "[::1]:80").begin()
    assert head.startswith(b"GET /up?x=1 HTTP/1.1\r\n" + said)
    assert head.endswith(b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (OK, Well()),
        (b"HTTP/1.0 302 \r\n\r\n", Well()),
        (b"HTTP/1.1 204\r\n\r\n", Well()),
        (b"HTTP/1.1 418 I'm a teapot\r\n\r\n", Well()),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Well()),
        (b"HTTP/1.1 500 Oops\r\n\r\n", Ill("the status is 500")),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Ill("the status is 101")),
        (b"HTTP/1.1 999 ?\r\n\r\n", Ill("the status is 999")),
    ],
)
def test_the_status_of_the_final_answer_decides(answer: bytes, finding: Finding) -> None:
    assert finding_of(answer) == finding


@pytest.mark.parametrize(
    "answer", [OK, b"HTTP/1.1 102 \r\n\r\n" + OK, b"HTTP/1.1 503 No\r\nA: b\r\n\r\n", b"SSH-2.0-x\r\n"]
)
def test_any_cut_of_an_answer_means_the_same(answer: bytes) -> None:
    whole = finding_of(answer)
    assert whole is not None
    assert finding_of(*(answer[at : at + 1] for at in range(len(answer)))) == whole
    for at in range(len(answer)):
        assert finding_of(answer[:at], b"", answer[at:]) == whole


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x03\0\2\2\x0a",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n" + b" " * 9 + b"\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
    ],
)
def test_what_is_no_http_is_said_so_in_our_words(answer: bytes) -> None:
    assert why_of(answer) == "the answer is not HTTP/1"


def test_a_first_byte_that_begins_no_http_is_not_waited_on() -> None:
    assert why_of(b"\x16") == "the answer is not HTTP/1"
    assert finding_of(b"H") is None


def test_a_head_may_be_as_long_as_the_limit_and_no_longer_however_it_is_cut() -> None:
    start, end = b"HTTP/1.1 200 OK\r\nX: ", b"\r\n\r\n"
    longest = start + b"x" * (HEAD_LIMIT_BYTES - len(start) - len(end)) + end
    longer = longest.replace(b"xx", b"xxx", 1)
    for cut in (1, 1000, HEAD_LIMIT_BYTES - 1, HEAD_LIMIT_BYTES, HEAD_LIMIT_BYTES + 1):
        assert finding_of(longest[:cut], longest[cut:]) == Well()
        assert "does not end within 16384 bytes" in why_of(longer[:cut], longer[cut:])


def test_neither_a_head_without_end_nor_interim_answers_without_end_are_read_for_ever() -> None:
    for piece in (b"X-Again: and again\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"):
        asked = Request(PAGE, "a.com")
        asked.hear(b"HTTP/1.1 100 \r\n")
        heard = 0
        while asked.finding is None:
            asked.hear(piece)
            heard += len(piece)
            assert heard < 2 * HEAD_LIMIT_BYTES
        assert isinstance(asked.finding, Ill)


def test_an_answer_that_ends_too_soon_is_none() -> None:
    asked = Request(PAGE, "a.com")
    asked.hear(b"HTTP/1.1 200 OK\r\n")
    assert asked.finding is None
    assert asked.end() == Ill("the connection ended before the answer")


STARTS = st.sampled_from([b"HTTP/1.1 2", b"HTTP/1.1 204 ", b"HTTP/1.0 503 Marked\r\n", b"HTTP/1.1 100 \r\n\r\n"])
PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"00 Marked\r\n", b"X: Marked", b"\r\n\r\n", b"HTTP/1.1 302 Marked\r\n", b" "]
)


@settings(max_examples=200, deadline=None)
@given(STARTS, st.lists(PIECES | st.binary(max_size=40), max_size=12))
def test_no_answer_raises_and_none_is_repeated(start: bytes, pieces: list[bytes]) -> None:
    asked = Request(PAGE, "a.com")
    for piece in (start, *pieces):
        if asked.finding is None:
            asked.hear(piece)
    found = asked.finding or asked.end()
    assert isinstance(found, Well) or re.fullmatch(
        r"the (answer|head|connection) [ a-zHTP0-9/]+|the status is \d{3}", found.why
    )


# TLS


@cache
def server_context() -> ssl.SSLContext:
    with TemporaryDirectory() as directory:
        certificate, key = certificate_and_key(Path(directory), "wrong.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    return context


class Server:
    """The other end of a handshake, and the name that it was asked for."""

    def __init__(self, version: ssl.TLSVersion) -> None:
        self.name: str | None = "nobody said"
        context = server_context()
        context.minimum_version = context.maximum_version = version
        context.sni_callback = self._named
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.closed = False

    def _named(self, session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.name = name

    def hear(self, data: bytes) -> bytes:
        self.incoming.write(data)
        try:
            self.session.do_handshake()
            if not self.session.read(1):
                self.closed = True
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


def handshake(client: Dialogue, server: Server) -> None:
    said = client.begin()
    for _ in range(10):
        answer = server.hear(said) if said else b""
        if client.finding is not None or not answer:
            return
        said = client.hear(answer)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", ["a.com", ""])
def test_a_handshake_to_its_end_is_well_whoever_the_certificate_is_for_and_ends_in_order(
    version: ssl.TLSVersion, host: str
) -> None:
    client, server = Handshake(host, CONTEXT), Server(version)
    handshake(client, server)
    assert client.finding == Well()
    assert server.name == (host or None)
    assert server.closed


def test_a_handshake_may_come_byte_by_byte() -> None:
    client, server = Handshake("a.com", CONTEXT), Server(ssl.TLSVersion.TLSv1_2)
    said = client.begin()
    while client.finding is None:
        answer, said = server.hear(said), b""
        assert answer
        for at in range(len(answer)):
            if client.finding is None:
                said += client.hear(answer[at : at + 1])
    assert client.finding == Well()


def test_an_alert_and_garbage_are_told_in_the_words_of_openssl() -> None:
    for answer, why in (
        (b"\x15\x03\x03\x00\x02\x02\x28", "handshake failure"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"),
    ):
        client = Handshake("a.com", CONTEXT)
        client.begin()
        client.hear(answer)
        assert isinstance(client.finding, Ill)
        assert why in client.finding.why


def test_a_handshake_without_end_is_given_up() -> None:
    client = Handshake("a.com", CONTEXT)
    client.begin()
    heard = 0
    while client.finding is None:
        client.hear(b"\x16\x03\x03\x40\x00" + b"\x02\x03\xff\xff" + bytes(16380))
        heard += 16389
        assert heard <= HANDSHAKE_LIMIT_BYTES + 16389
    assert isinstance(client.finding, Ill)


def test_a_handshake_that_is_cut_off_has_failed() -> None:
    client = Handshake("a.com", CONTEXT)
    client.begin()
    assert client.finding is None
    assert client.end() == Ill("the connection ended in the handshake")


# the start of a record, a ServerHello that says too little, alerts
RECORDS = [b"\x16\x03\x03\0\x2a", b"\x02\0\0\x26\x03\x03" + bytes(32) + b"\0\x13\x01\0", b"\x15\x03\x03\0\2\1\0"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(RECORDS) | st.binary(max_size=60), min_size=1, max_size=6))
def test_no_bytes_raise_in_a_handshake(pieces: list[bytes]) -> None:
    client = Handshake("a.com", CONTEXT)
    client.begin()
    for piece in pieces:
        if client.finding is None:
            client.hear(piece)
    assert not isinstance(client.finding, Well)
