"""
The PROXY header in front of a client's first byte: who the client is, in the words of a balancer.

Part of `sniff`, floor 4, pure. Read before any other sniffer, and only where the ini file says that a header comes: it
is never guessed. Knows nothing of who may be believed.
Source: haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv6Address
from typing import Final

from attrs import define, field
from zope.interface import implementer

from starship.interfaces import IPrefaceReader
from starship.reasons import Reason
from starship.tlv import CRC32C, CRC32C_OCTETS, NOOP, SIGNATURE, UNIQUE_ID, UNIQUE_ID_LIMIT_BYTES, crc32c
from starship.words import NEED_MORE, Address, NeedMore, Preface, Refusal, Tlv

LINE_START: Final = b"PROXY "
LINE_LIMIT_BYTES: Final = 107
"""A header of version 1 with its CRLF."""

HEAD_OCTETS: Final = 16
BLOCK_LIMIT_BYTES: Final = 8192
"""What follows the first 16 octets of version 2: room for a client's certificate. The kept fields live as long as the
connection."""

FIELDS_LIMIT: Final = 64

LOCAL: Final = 0
PROXY: Final = 1
UNSPEC: Final = 0
STREAM: Final = 1
V4_OCTETS: Final = 4
SIZES: Final = {1: V4_OCTETS, 2: 16}
ADDRESS_OCTETS: Final = {UNSPEC: 0, 1: 12, 2: 36, 3: 216}
LAST_PROTOCOL: Final = 2

_NOT_OF_A_LINE = re.compile(rb"[^ -~]")
_PORT = re.compile(r"0|[1-9][0-9]{0,4}")
_FAMILIES: Final = {"TCP4": socket.AF_INET, "TCP6": socket.AF_INET6}

Found = Preface | Refusal | NeedMore


class _Malformed(Exception):
    """What is wrong with a header, in our words. Leaves this module as a Refusal."""


@implementer(IPrefaceReader)
@define(eq=False)
class PrefaceReader:
    """Reads one header of either version. Keeps no more of the stream than a header may be long."""

    _seen: bytearray = field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> Found:
        """
        Take the next bytes and say what is known so far.

        Shape: any split of the stream, empty chunks too; what comes behind the header is left alone.
        Returns: NeedMore until sure, then a Preface, or a Refusal of reason bad_preface, once.
        Raises: nothing, whatever the bytes.
        """
        self._seen += data[: HEAD_OCTETS + BLOCK_LIMIT_BYTES - len(self._seen)]
        try:
            return _read(self._seen)
        except _Malformed as error:
            return Refusal(reason=Reason.BAD_PREFACE, detail=str(error))


def _read(seen: bytearray) -> Preface | NeedMore:
    if seen[:1] == LINE_START[:1]:
        _begins(seen, LINE_START)
        return _line(seen)
    _begins(seen, SIGNATURE)
    return _block(seen) if len(seen) > len(SIGNATURE) else NEED_MORE


def _begins(seen: bytearray, start: bytes) -> None:
    if not start.startswith(bytes(seen[: len(start)])):
        raise _Malformed("the connection does not begin with a PROXY header")


# Version 1


def _line(seen: bytearray) -> Preface | NeedMore:
    """A line of printable characters that ends in CRLF. The first character that is none decides, at any cut."""
    found = _NOT_OF_A_LINE.search(seen, 0, LINE_LIMIT_BYTES - 1)
    if found is None:
        if len(seen) >= LINE_LIMIT_BYTES - 1:
            raise _Malformed(f"the PROXY line is longer than {LINE_LIMIT_BYTES} bytes")
        return NEED_MORE
    end = found.start()
    tail = bytes(seen[end : end + 2])
    if tail == b"\r":
        return NEED_MORE
    if tail != b"\r\n":
        raise _Malformed("the PROXY line has a character that is not printable")
    return _said(bytes(seen[:end]).decode("ascii").split(" "), end + 2)


def _said(words: list[str], consumed: int) -> Preface:
    if words[1] == "UNKNOWN":  # whatever follows it
        return Preface(consumed=consumed)
    family = _FAMILIES.get(words[1])
    if family is None or len(words) != 6:
        raise _Malformed("the PROXY line is neither of TCP4, TCP6 with two addresses and ports, nor of UNKNOWN")
    hosts = [_ip(word, family) for word in words[2:4]]
    ports = [_port(word) for word in words[4:]]
    return Preface(consumed=consumed, client=Address(hosts[0], ports[0]), local=Address(hosts[1], ports[1]))


def _ip(text: str, family: socket.AddressFamily) -> str:
    try:
        return _shown(socket.inet_pton(family, text))
    except OSError:
        raise _Malformed("the PROXY line has an address that is not one of its family") from None


def _shown(packed: bytes) -> str:
    """The one spelling of an address; libc has another one for some of IPv6."""
    if len(packed) == V4_OCTETS:
        return socket.inet_ntop(socket.AF_INET, packed)
    ip = IPv6Address(packed)
    return str(ip.ipv4_mapped or ip)


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise _Malformed("the PROXY line has a port that is not a number from 0 to 65535")
    return int(text)


# Version 2


def _block(seen: bytearray) -> Preface | NeedMore:
    version, command = divmod(seen[12], 16)
    if version != 2 or command not in (LOCAL, PROXY):
        raise _Malformed("the PROXY header is of no known version and command")
    if len(seen) == 13:
        return NEED_MORE
    family, protocol = divmod(seen[13], 16)
    if command == PROXY and (family not in ADDRESS_OCTETS or protocol > LAST_PROTOCOL):
        raise _Malformed("the PROXY header is of no known family and protocol")
    if len(seen) < HEAD_OCTETS:
        return NEED_MORE
    consumed = HEAD_OCTETS + int.from_bytes(seen[14:16], "big")
    if consumed > HEAD_OCTETS + BLOCK_LIMIT_BYTES:
        raise _Malformed(f"the PROXY header is longer than {BLOCK_LIMIT_BYTES} bytes")
    if len(seen) < consumed:
        return NEED_MORE
    if command == LOCAL:  # the balancer itself, looking whether we live: all else is to be skipped
        return Preface(consumed=consumed)
    return _proxied(bytes(seen[:consumed]), family, protocol)


def _proxied(header: bytes, family: int, protocol: int) -> Preface:
    start = HEAD_OCTETS + ADDRESS_OCTETS[family]
    if start > len(header):
        raise _Malformed("the PROXY header is shorter than its addresses")
    try:
        tlvs = _fields(header, start)
    except _Malformed:
        if family != UNSPEC or protocol != UNSPEC:
            raise
        tlvs = ()  # what an unspecified header holds is to be skipped
    if family not in SIZES or protocol != STREAM:
        return Preface(consumed=len(header), tlvs=tlvs)
    size = SIZES[family]
    hosts = [_shown(header[at : at + size]) for at in (HEAD_OCTETS, HEAD_OCTETS + size)]
    ports = [int.from_bytes(header[at : at + 2], "big") for at in (start - 4, start - 2)]
    client, local = map(Address, hosts, ports)
    return Preface(consumed=len(header), client=client, local=local, tlvs=tlvs)


def _fields(header: bytes, start: int) -> tuple[Tlv, ...]:
    """All fields but those that are spent once the header is read: the padding, and the checksum, which is right."""
    kept: list[Tlv] = []
    checked = False
    while start < len(header):
        kind, end = header[start], start + 3 + int.from_bytes(header[start + 1 : start + 3], "big")
        if start + 3 > len(header) or end > len(header):
            raise _Malformed("a field of the PROXY header is longer than the rest")
        if kind == CRC32C:
            if checked or end - start - 3 != CRC32C_OCTETS or not _is_intact(header, start + 3):
                raise _Malformed("the checksum of the PROXY header is wrong")
            checked = True
        elif kind != NOOP:
            kept.append(Tlv(kind, header[start + 3 : end]))
        start = end
    if len(kept) > FIELDS_LIMIT:
        raise _Malformed(f"the PROXY header has more than {FIELDS_LIMIT} fields")
    if any(tlv.kind == UNIQUE_ID and len(tlv.value) > UNIQUE_ID_LIMIT_BYTES for tlv in kept):
        raise _Malformed(f"the id in the PROXY header is longer than {UNIQUE_ID_LIMIT_BYTES} bytes")
    return tuple(kept)


def _is_intact(header: bytes, at: int) -> bool:
    blank = header[:at] + bytes(CRC32C_OCTETS) + header[at + CRC32C_OCTETS :]
    return crc32c(blank) == int.from_bytes(header[at : at + CRC32C_OCTETS], "big")
