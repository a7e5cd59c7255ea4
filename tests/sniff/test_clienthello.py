"""What a ClientHello asks for, and every way in which it can be broken (L4, L5, L6, L7, L8)."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.reasons import Reason
from starship.sniff.clienthello import HelloReader, read_client_hello
from starship.sniff.glance import glance
from starship.sniff.tls import TlsSniffer
from starship.words import NEED_MORE, Verdict
from tests.sniff.making import (
    GROUPS,
    NAME,
    ORDINARY,
    VERSIONS,
    Extension,
    alpn,
    hello,
    hello_of,
    message_of,
    records,
    refusal_of,
    server_names,
    sized,
    sni,
    steady,
)

GREASE: tuple[Extension, ...] = ((0x0A0A, b""), (0xFAFA, b"\0"))


def read(message: bytes) -> Verdict:
    """The verdict on the message, seen to be the same in a record and byte by byte."""
    return steady(lambda: TlsSniffer(2**20), records(message))


@pytest.mark.parametrize("legacy", [0x0000, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7F1C, 0xFFFF])
def test_any_legacy_version_routes_and_is_answered_in_one_that_clients_accept(legacy: int) -> None:
    """L4; SEMANTICS 1: alerts go out as 3.1 to 3.3."""
    found = hello_of(read(hello(version=legacy)))
    assert found.name == NAME.decode()
    assert found.manner.tls_version == min(max(legacy, 0x0301), 0x0303)


def test_unknown_extensions_and_grease_do_not_change_the_route() -> None:
    """L4."""
    bare = hello_of(read(hello([sni(NAME)])))
    greased = [GREASE[0], (65000, bytes(9)), sni(NAME), GROUPS, VERSIONS, GREASE[1]]
    assert hello_of(read(hello(greased, ciphers=b"\x2a\x2a\x13\x01"))).name == bare.name == NAME.decode()


def test_the_order_of_extensions_does_not_matter() -> None:
    there, back = hello_of(read(hello(ORDINARY))), hello_of(read(hello(reversed(ORDINARY))))
    assert there == back


def test_alpn_offers_keep_their_order_and_lose_their_grease() -> None:
    found = hello_of(read(hello([alpn(b"\x3a\x3a", b"h2", b"acme-tls/1", b"\x0a\x1a"), sni(NAME)])))
    assert found.alpn == (b"h2", b"acme-tls/1", b"\x0a\x1a")


def test_an_encrypted_hello_is_noted_and_routes_by_its_outer_name() -> None:
    """L19."""
    found = hello_of(read(hello([sni(b"public.example"), (0xFE0D, bytes(200))])))
    assert (found.name, found.ech) == ("public.example", True)
    assert hello_of(read(hello([sni(NAME)]))).ech is False


def test_a_hello_that_announces_early_data_says_so_whoever_reads_it() -> None:
    """Source: RFC 8446 section 4.2.10: the extension is empty in a ClientHello."""
    for extensions, early in (([sni(NAME), (42, b""), (41, b"psk")], True), ([sni(NAME)], False)):
        assert hello_of(read(hello(extensions))).early is early
        seen = glance(records(hello(extensions)), 65536)
        assert seen is not None
        assert seen.early is early


@pytest.mark.parametrize("extensions", [None, (), (VERSIONS,), (server_names((7, b"x")),)])
def test_who_names_nobody_has_no_name(extensions: tuple[Extension, ...] | None) -> None:
    assert hello_of(read(hello(extensions))).name is None


@pytest.mark.parametrize("raw", [b"SHOP.example.COM", b"shop.example.com.", b"Shop.Example.Com."])
def test_case_and_a_final_dot_never_change_the_name(raw: bytes) -> None:
    """L8."""
    assert hello_of(read(hello([sni(raw)]))).name == NAME.decode()


def test_a_name_of_another_type_is_passed_over() -> None:
    assert hello_of(read(hello([server_names((1, b"x\0y"), (0, NAME))]))).name == NAME.decode()


@pytest.mark.parametrize("session", [b"", bytes(1), bytes(32)])
def test_any_session_id_up_to_32_octets_will_do(session: bytes) -> None:
    assert hello_of(read(hello(session=session))).name == NAME.decode()


BAD_NAMES = [
    b"a\0.com", b"shop.example.com\0.evil.com", b"a\n.com", b"a b.com", b"b\xc3\xbccher.de", b"a/b", b"a?b", b"a#b",
    b"a&b", b"a%00b", b"a@b.com", b"a.com:443", b"192.0.2.1", b"::1", b"[::1]", b"a..b", b".a.com", b".", b"*.a.com",
    b"a" * 64 + b".com", b".".join([b"a" * 50] * 6), b"a" * 65000,
]  # fmt: skip


@pytest.mark.parametrize("raw", BAD_NAMES, ids=lambda raw: repr(raw[:24]))
def test_what_is_no_hostname_is_refused_and_shown_escaped(raw: bytes) -> None:
    """L6: no route, no lookup, and a spelling that a log can bear."""
    refusal = refusal_of(TlsSniffer(2**20).feed(records(hello([sni(raw)]))))
    assert refusal.reason is Reason.BAD_NAME
    assert refusal.name is not None
    assert refusal.name.isascii()
    assert refusal.name.isprintable()
    assert len(refusal.name) <= 4 * 64 + 3


BROKEN: list[tuple[str, bytes, int]] = [
    ("two host names", hello([server_names((0, NAME), (0, b"evil.com"))]), 47),
    ("two equal host names", hello([server_names((0, NAME), (0, NAME))]), 47),
    ("two names of an unknown type", hello([server_names((9, NAME), (9, NAME))]), 47),
    ("two server_name extensions", hello([sni(NAME), VERSIONS, sni(b"evil.com")]), 47),
    ("two ALPN extensions", hello([sni(NAME), alpn(b"h2"), alpn(b"h2")]), 47),
    ("an unknown extension twice", hello([sni(NAME), (999, b""), (999, b"x")]), 47),
    ("an empty server_name extension", hello([(0, b"")]), 50),
    ("an empty list of names", hello([(0, sized(2, b""))]), 50),
    ("an empty name", hello([sni(b"")]), 50),
    ("a name without length", hello([(0, sized(2, b"\0\0\x01"))]), 50),
    ("a name header that is cut", hello([(0, sized(2, b"\0\0\x01a\0"))]), 50),
    ("a name beyond its list", hello([(0, sized(2, b"\0\0\x05abcd"))]), 50),
    ("a list beyond its extension", hello([(0, b"\0\x08" + b"\0\0\x04abcd")]), 50),
    ("bytes after the list", hello([(0, sized(2, b"\0" + sized(2, NAME)) + b"\0")]), 50),
    ("an empty ALPN extension", hello([(16, b"")]), 50),
    ("an empty list of protocols", hello([(16, b"\0\0")]), 50),
    ("an empty protocol", hello([alpn(b"h2", b"")]), 50),
    ("a protocol beyond its list", hello([(16, sized(2, b"\x03h2"))]), 50),
    ("bytes after the protocols", hello([(16, sized(2, b"\x02h2") + b"\0")]), 50),
    ("a session id of 33 octets", hello(session=bytes(33)), 50),
    ("a session id past the end", message_of(bytes(34) + b"\x20" + bytes(8)), 50),
    ("no ciphers", hello(ciphers=b""), 50),
    ("half a cipher", hello(ciphers=b"\x13\x01\x13"), 50),
    ("ciphers past the end", message_of(bytes(35) + b"\xff\xfe" + bytes(8)), 50),
    ("no compressions", hello(compressions=b""), 50),
    ("compressions past the end", message_of(bytes(35) + b"\0\2\x13\1\x09\0"), 50),
    ("a byte after the compressions", hello(None, after=b"\0"), 50),
    ("bytes after the extensions", hello(after=b"\0"), 50),
    ("extensions beyond the hello", hello(None, after=b"\0\x05\0\x17\0\0"), 50),
    ("an extension header that is cut", hello(None, after=sized(2, b"\0\x17\0")), 50),
    ("an extension beyond the block", hello(None, after=sized(2, b"\0\x17\0\1")), 50),
    ("a hello of 40 octets", message_of(bytes(40)), 50),
    ("an empty hello", message_of(b""), 50),
]


@pytest.mark.parametrize(("message", "code"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_hello_is_refused_with_its_alert(message: bytes, code: int) -> None:
    """L5, L7; SEMANTICS 1 and 2."""
    refusal = refusal_of(read(message))
    assert (refusal.reason, refusal.code) == (Reason.BAD_HELLO, code)


def _length_fields() -> list[tuple[str, int, int]]:
    """Every length in the ordinary hello that is read: what, where, how many octets."""
    message = hello()
    names, offers = message.index(NAME), message.index(b"\x02h2\x08http/1.1")
    session, ciphers, compressions = 38, 71, 77
    last = len(message) - 2
    return [
        ("hello", 1, 3), ("session id", session, 1), ("ciphers", ciphers, 2), ("compressions", compressions, 1),
        ("extensions", 79, 2), ("first extension", 83, 2), ("server_name", names - 7, 2), ("name list", names - 5, 2),
        ("name", names - 2, 2), ("ALPN", offers - 4, 2), ("protocol list", offers - 2, 2), ("protocol", offers, 1),
        ("last protocol", offers + 3, 1), ("last extension", last, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(("what", "at", "width"), _length_fields())
def test_a_length_that_lies_is_refused_and_never_waited_for(what: str, at: int, width: int) -> None:
    """L5: each length a little and much too small and too great, while the rest stays true."""
    message = hello()
    true = int.from_bytes(message[at : at + width], "big")
    most = 256**width - 1
    for lie in sorted({0, 1, true - 1, true + 1, true + 2, true + 100, most - 1, most} - {true}):
        if 0 <= lie <= most:
            lying = message[:at] + lie.to_bytes(width, "big") + message[at + width :]
            verdict = TlsSniffer(2**25).feed(records(lying))
            assert refusal_of(verdict).reason is Reason.BAD_HELLO, f"{what}: {lie} for {true}"


def test_a_record_that_lies_is_refused_and_never_waited_for() -> None:
    """L5: a record's length one too small and too great."""
    raw = records(hello())
    for lie in (1, 100, len(hello()) - 1, len(hello()) + 1, 16384):
        lying = raw[:3] + pack(">H", lie) + raw[5:]
        assert refusal_of(steady(lambda: TlsSniffer(65536), lying)).reason is Reason.BAD_HELLO


def test_handshake_bytes_alone_are_read_as_well() -> None:
    """For carriers without records: `consumed` counts the message, later bytes are not looked at."""
    message = hello()
    found = hello_of(read_client_hello(message + b"\x02\0"))
    assert (found.name, found.consumed) == (NAME.decode(), len(message))
    assert all(read_client_hello(message[:cut]) is NEED_MORE for cut in range(len(message)))


def test_a_refusal_knows_the_version_to_answer_in_as_soon_as_it_was_said() -> None:
    assert refusal_of(read(hello([sni(b"")], version=0x0301))).manner.tls_version == 0x0301
    assert refusal_of(read(message_of(b""))).manner.tls_version == 0x0303


@settings(max_examples=150, deadline=None)
@given(message=st.one_of(st.binary(max_size=120), st.binary(max_size=80).map(lambda tail: hello(None, after=tail))))
def test_no_bytes_raise_and_a_verdict_stays_for_every_longer_prefix(message: bytes) -> None:
    verdicts = [read_client_hello(message[:cut]) for cut in range(len(message) + 1)]
    decided = [verdict for verdict in verdicts if verdict is not NEED_MORE]
    assert all(verdict == decided[0] for verdict in decided)
    assert verdicts[-1] is NEED_MORE or decided[0] == verdicts[-1]


@pytest.mark.parametrize(
    "message",
    [
        hello([sni(NAME), *((kind, bytes(5000)) for kind in range(100, 111)), alpn(b"h2")]),
        hello([(21, bytes(60_000)), sni(NAME), alpn(b"h2")]),
        hello([sni(NAME), alpn(b"h2"), (21, bytes(60_000))], ciphers=b"\x13\x01" * 2000),
        hello([sni(NAME), alpn(b"h2")], ciphers=b"\x13\x01" * 30_000),
    ],
    ids=["many", "padding first", "padding last", "ciphers"],
)
def test_of_a_long_hello_little_is_kept_by_its_reader_and_the_verdict_is_the_same(message: bytes) -> None:
    """RELIABILITY's 64 KiB a client: its bytes wait for their upstream elsewhere, and are not to be held twice."""
    buffer, most = bytearray(), 0
    reader = HelloReader(buffer)
    for at in range(0, len(message), 1000):
        buffer += message[at : at + 1000]
        assert reader.advance() is None
        assert reader.is_whole == (at + 1000 >= len(message))
        reader.let_go(buffer)
        most = max(most, len(buffer))
    assert most < 6100
    assert reader.hello(len(message)) == read_client_hello(message)
    assert reader.hello(0).name == NAME.decode()
    assert reader.hello(0).alpn == (b"h2",)


def test_of_hundreds_of_alpn_offers_the_first_are_kept() -> None:
    """Each is an object for as long as the connection lives."""
    assert hello_of(read(hello([alpn(*[b"h%d" % number for number in range(700)])]))).alpn[60:] == (
        b"h60",
        b"h61",
        b"h62",
        b"h63",
    )


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (alpn(*[b"x" * 255] * 17), Reason.HELLO_TOO_BIG),
        (server_names((1, b"x" * 5000), (0, NAME)), Reason.HELLO_TOO_BIG),
        (server_names((0, b"x" * 4092)), Reason.BAD_NAME),
    ],
    ids=["offers", "names", "name"],
)
def test_a_list_longer_than_any_real_one_is_refused_by_its_first_octets(known: Extension, reason: Reason) -> None:
    """It would be held twice while it comes."""
    message = hello([VERSIONS, known])
    refusal = refusal_of(read(message))
    assert refusal.reason is reason
    assert read(message[: len(message) - 4000]) == refusal
