"""Makes ClientHellos and records by the book, each part replaceable; and the feeding of sniffers in every cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import pack

from starship.interfaces import ISniffer
from starship.words import NEED_MORE, Hello, Refusal, Verdict

NAME = b"shop.example.com"
Extension = tuple[int, bytes]


def sized(width: int, content: bytes) -> bytes:
    """The content behind its length in `width` octets."""
    return len(content).to_bytes(width, "big") + content


def server_names(*entries: tuple[int, bytes]) -> Extension:
    """A server_name extension: (name_type, name) each."""
    return 0, sized(2, b"".join(bytes([kind]) + sized(2, name) for kind, name in entries))


def sni(name: bytes) -> Extension:
    return server_names((0, name))


def alpn(*offers: bytes) -> Extension:
    return 16, sized(2, b"".join(sized(1, offer) for offer in offers))


GROUPS: Extension = (10, sized(2, pack(">HHH", 0x1A1A, 0x11EC, 29)))
VERSIONS: Extension = (43, sized(1, pack(">HH", 0x0304, 0x0303)))
ORDINARY: tuple[Extension, ...] = (GROUPS, VERSIONS, sni(NAME), alpn(b"h2", b"http/1.1"), (23, b""))


def message_of(body: bytes, kind: int = 1) -> bytes:
    return bytes([kind]) + sized(3, body)


def block(extensions: Iterable[Extension]) -> bytes:
    return sized(2, b"".join(pack(">H", kind) + sized(2, content) for kind, content in extensions))


def hello(
    extensions: Iterable[Extension] | None = ORDINARY,
    *,
    version: int = 0x0303,
    session: bytes = bytes(32),
    ciphers: bytes = b"\x13\x01\x13\x02",
    compressions: bytes = b"\0",
    after: bytes = b"",
) -> bytes:
    """A ClientHello message without records. extensions None: no block at all."""
    body = pack(">H", version) + bytes(range(32)) + sized(1, session) + sized(2, ciphers) + sized(1, compressions)
    return message_of(body + (b"" if extensions is None else block(extensions)) + after)


def record(content: bytes, kind: int = 22, version: int = 0x0301) -> bytes:
    return bytes([kind]) + pack(">H", version) + sized(2, content)


def records(message: bytes, cuts: Iterable[int] = (), version: int = 0x0301) -> bytes:
    """The message in records that end at the cuts; parts over 16384 octets are cut again."""
    parts = split(message, {*cuts, *range(16384, len(message), 16384)})
    return b"".join(record(part, version=version) for part in parts)


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The pieces between the cuts, without empty ones."""
    ends = sorted({cut for cut in cuts if 0 < cut < len(data)} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def verdict_of(sniffer: ISniffer, pieces: Sequence[bytes]) -> Verdict:
    """Feed until there is a verdict, and none of the rest."""
    for piece in pieces:
        verdict = sniffer.feed(piece)
        if verdict is not NEED_MORE:
            return verdict
    return NEED_MORE


def by_bytes(sniffer: ISniffer, data: bytes) -> tuple[Verdict, int]:
    """Feed byte by byte; the verdict, and after how many bytes it came."""
    for count, byte in enumerate(data, 1):
        verdict = sniffer.feed(bytes([byte]))
        if verdict is not NEED_MORE:
            return verdict, count
    return NEED_MORE, len(data)


def steady(make: Callable[[], ISniffer], data: bytes) -> Verdict:
    """The verdict of the whole, seen to be the same byte by byte, with empty chunks and with more to come."""
    whole = make().feed(data)
    singly, count = by_bytes(make(), data)
    assert singly == whole
    assert verdict_of(make(), [b"", data[: count - 1], b"", data[count - 1 :]]) == whole
    if whole is not NEED_MORE:
        assert make().feed(data + b"\x16\x03\x01\0\0GET / HTTP/1.1\r\n\r\n") == whole
        assert make().feed(data[: count - 1]) is NEED_MORE
    return whole


def hello_of(verdict: Verdict) -> Hello:
    assert isinstance(verdict, Hello), verdict
    return verdict


def refusal_of(verdict: Verdict) -> Refusal:
    assert isinstance(verdict, Refusal), verdict
    assert verdict.detail.isascii()
    assert verdict.detail.isprintable()
    assert len(verdict.detail) <= 160
    return verdict
