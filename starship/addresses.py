"""
Where something lives, read from text: an upstream, a network, an address. Pure.

Floor 2, beside words: knows names and words. The ini file and the lookup's answers are read by these same functions,
so that an endpoint means the same in both.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IAddress

from starship.names import BadName, from_text
from starship.words import Address, Network, PoolName, Upstream

TEXT_LIMIT: Final = 270
"""Characters that an endpoint may have: the longest name, its final dot, and a port, with room to spare."""

NOWHERE: Final = Address("0.0.0.0", 0)

POOL_NAMES: Final = "a name of 1 to 64 letters, digits, _ . @ or -"
SRV: Final = "srv:"
"""How one begins whose SRV records are asked for."""

POOL: Final = "pool:"
"""How an endpoint begins that is a pool of the ini file."""

_PORT = re.compile(r"[0-9]{1,5}")
_POOL_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


@frozen
class BadAddress:
    """Why a text is no address, in our words (no character of the text in it)."""

    why: str


def parse_upstream(text: str) -> Upstream | BadAddress:
    """
    Read `ip`, `ip:port`, `[v6]`, `[v6]:port`, `v6` (bare, so without a port), `name`, `name:port` or `srv:name`.

    A host may be called `srv`: a number behind it is its port.

    Returns: an Upstream with a canonical host, port None where none was said; or why it is none.
    Raises: nothing, whatever the text.
    """
    if len(text) > TEXT_LIMIT:
        return BadAddress(f"the endpoint is longer than {TEXT_LIMIT} characters")
    host, port_text = _split(text)
    if text.startswith(SRV) and not text.removeprefix(SRV).isdigit():
        return _services(text.removeprefix(SRV))
    if port_text is None:
        port = None
    elif _PORT.fullmatch(port_text) and 1 <= int(port_text) <= 65535:
        port = int(port_text)
    else:
        return BadAddress("the port is not a number from 1 to 65535")
    found = _bracketed(host) if host.startswith("[") else _host(host)
    return found if isinstance(found, BadAddress) else Upstream(host=found, port=port)


def parse_pool(text: str) -> PoolName | BadAddress | None:
    """Read `pool:NAME`; None where the text does not begin like a pool. Whether there is such a pool is not known."""
    if not text.startswith(POOL):
        return None
    name = text.removeprefix(POOL)
    return PoolName(name) if is_pool_name(name) else BadAddress(f"{POOL} goes before {POOL_NAMES}")


def is_ip(host: str) -> bool:
    """Whether an upstream's host is an address, else it is a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()  # no Hostname ends in a number


def is_pool_name(name: str) -> bool:
    """Whether a pool may be called so."""
    return _POOL_NAME.fullmatch(name) is not None


def parse_network(text: str) -> Network | BadAddress:
    """
    Read a CIDR range, or one address as the range that holds it alone. Bits beyond the prefix must be zero.

    An IPv4-mapped IPv6 range (::ffff:0:0/96 and below) becomes the IPv4 range, as the addresses themselves do.
    """
    address, _, prefix = text.partition("/")
    if len(text) > TEXT_LIMIT or not text.isascii() or "%" in text:
        return BadAddress("not a network in CIDR notation")
    if prefix and not _PORT.fullmatch(prefix):
        return BadAddress("the prefix is not a number of bits")
    try:
        network = ip_network(text)
    except ValueError:
        return BadAddress(_why_no_network(address, prefix))
    mapped = network.network_address.ipv4_mapped if isinstance(network.network_address, IPv6Address) else None
    if mapped is not None and network.prefixlen >= 96:
        return ip_network((mapped, network.prefixlen - 96))
    return network


def address_of(address: IAddress) -> Address:
    """An IP address of Twisted's as ours, in its one spelling; NOWHERE for one that has no host and port."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if not isinstance(host, str) or not isinstance(port, int):
        return NOWHERE
    return Address(plain_ip(host) if ":" in host else host, port)


def plain_ip(text: str) -> str:
    """
    The one spelling of an IP address: lower case, shortest, and IPv4 never in IPv6's clothes.

    Shape: what a socket names its peer, scope id and all (`fe80::1%eth0` keeps its scope).
    Returns: the text itself where it is no IP address, such as the path of a unix socket.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return text
    return str(_unmapped(address))


def _split(text: str) -> tuple[str, str | None]:
    """Host and port text; brackets stay on the host. A text with two colons and no brackets is a bare IPv6."""
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if rest.startswith(":"):
            return host + bracket, rest[1:]
        return text, None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _services(name: str) -> Upstream | BadAddress:
    if ":" in name:
        return BadAddress("an endpoint of SRV records has no port of its own")
    found = _host(name)
    if isinstance(found, BadAddress):
        return found
    return BadAddress("an address has no SRV records") if _looks_dotted_quad(found) else Upstream(host=found, srv=True)


def _bracketed(host: str) -> str | BadAddress:
    inner = host[1:-1]
    if not host.endswith("]") or ":" not in inner:
        return BadAddress("brackets hold an IPv6 address and nothing else")
    return _ip(inner)


def _host(host: str) -> str | BadAddress:
    if ":" in host or _looks_dotted_quad(host):
        return _ip(host)
    name = from_text(host)
    if not isinstance(name, BadName):
        return name
    if not host.isascii():  # idna's own words repeat the name
        return BadAddress("the endpoint is not an internationalised name")
    return BadAddress(name.why.replace("the name", "the endpoint"))


def source_of(host: str) -> str:
    """What a client is counted as: its IPv4 address, or the /64 of its IPv6 address (without its scope)."""
    if ":" not in host:
        return host
    return str(ip_network((host.partition("%")[0], 64), strict=False))


def _looks_dotted_quad(host: str) -> bool:
    return host.isascii() and host.count(".") == 3 and host.replace(".", "").isdigit()


def _ip(text: str) -> str | BadAddress:
    if "%" in text:
        return BadAddress("a scope id means nothing beyond one machine")
    if not text.isascii():
        return BadAddress("not an IP address")
    try:
        return str(_unmapped(ip_address(text)))
    except ValueError:
        return BadAddress("not an IP address")


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _why_no_network(address: str, prefix: str) -> str:
    try:
        bits = ip_address(address).max_prefixlen
    except ValueError:
        return "not a network in CIDR notation"
    if prefix and int(prefix) <= bits:
        return "the network has bits set beyond its prefix"
    return "the prefix is not a number of bits"
