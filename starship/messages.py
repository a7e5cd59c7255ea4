"""
The nouns of HTTP/1: a request and a response, understood. words.py hands them on with all the others.

Floor 1, beside names: knows reasons.
"""

from __future__ import annotations

from typing import NamedTuple

from starship.nouns import noun
from starship.reasons import Reason

Field = tuple[bytes, bytes]
"""A field of an HTTP message: its name as it was spelled, its value without the white space around it."""


@noun(kw_only=False)
class Request:
    """
    One HTTP/1 request head, understood.

    `method` and `target` as they were sent; `path` is the target's path without its query, as it was sent (`/` where
    an absolute target has none, `*` for the server as a whole). `minor` is the client's version of HTTP/1, 0 or 1.
    `authority` is the Host field's value as it was sent, or the target's where there is none; empty: nobody was named.

    `lines` are its other fields as they are written to the next, `Name: value` CRLF each: none of those of `hops.py`
    that end at each hop. `is_plain`: all of them may pass on, whoever sent them; else some may be a claim of who that
    is, or be named by Connection.

    `length` is the Content-Length (octets), `chunked` says that the body comes in chunks; neither: there is no body.
    `close`: the client will send no other request on this connection. `expects`: it waits for `100 Continue`.
    `upgrade` is the Upgrade field's value where one is offered (never for HTTP/1.0, never h2c). `hops` are the fields
    that Connection names, in lower case: they end here. `trailers`: it takes them (TE).
    """

    method: bytes
    target: bytes
    path: str
    minor: int
    lines: bytes = b""
    length: int | None = None
    chunked: bool = False
    close: bool = False
    upgrade: bytes | None = None
    expects: bool = False
    authority: bytes = b""
    hops: tuple[bytes, ...] = ()
    is_plain: bool = True
    trailers: bool = False


@noun(kw_only=False)
class Response:
    """
    One HTTP/1 response head, understood. `minor` is the upstream's version of HTTP/1, 0 or 1. `lines` are all fields
    that pass on, as they are written to the client, `Name: value` CRLF each: none that ends at each hop, no framing.

    At most one of: `length` octets of body, `chunked`, or all `until_close`. `bodyless`: none of it comes, whatever
    `length` says (an answer to HEAD, 1xx, 204, 304). `close`: the upstream's connection is of no use afterwards.
    `upgrade` is the Upgrade field's value in an answer of 101 or 426. `consumed` counts the octets of the head.
    """

    status: int
    reason: bytes
    minor: int
    lines: bytes = b""
    length: int | None = None
    chunked: bool = False
    until_close: bool = False
    bodyless: bool = False
    close: bool = False
    upgrade: bytes | None = None
    consumed: int = 0


class Exchanged(NamedTuple):
    """
    How one request and its response went.

    `status` is the response's; 0 where none of a final response has gone to the client, so that it can still be told.
    `keep_client`, `keep_upstream`: the connection stands where the next message begins, and may go on.
    `cut`: the client would take what it has for all of the response if its connection ended in order.
    """

    reason: Reason
    detail: str
    status: int
    keep_client: bool
    keep_upstream: bool
    cut: bool = False
