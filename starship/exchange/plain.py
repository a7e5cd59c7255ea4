"""
The response head that nearly all upstreams send, read at one glance: one regular expression finds all of it.

Part of `exchange`, floor 4, pure. Whatever is not just so is for response.py, which has llhttp call out each field.
Both read the same in a head, which a test holds them to; llhttp is the judge here too.
"""

from __future__ import annotations

import re
from typing import Final

import httptools

from starship.framing import JUDGE, lines_but
from starship.hops import OF_RESPONSES
from starship.words import Response

_OTHERS = lines_but(OF_RESPONSES)
_SLOT = (
    rb"(?:[Cc]ontent-[Ll]ength: ([0-9]{1,18})|[Cc]onnection: ([Kk]eep-[Aa]live|close)|[Kk]eep-[Aa]live: [ -~]++"
    rb"|([Tt]ransfer-[Ee]ncoding: chunked))\r\n"
) + _OTHERS
GLANCE: Final = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) ([!-~](?:[\t -~\x80-\xff]*[!-~])?)\r\n"
    + _OTHERS
    + rb"(?:%b(?:%b(?:%b)?)?)?\r\n" % (_SLOT, _SLOT, _SLOT)
)
"""
A head of HTTP/1.1 with a reason, perhaps its framing and Connection in their usual words, and no other fields but such
as pass on as they are.
"""

NO_CONTENT: Final = 204
NOT_MODIFIED: Final = 304
UPGRADE_REQUIRED: Final = 426


def glance(found: re.Match[bytes], method: bytes) -> Response | None:
    """
    Read the head that GLANCE has `found`, of a response to a request of this method. None: it takes a closer look.

    What is left of the lines is as if written anew from what was understood: see `lines_but`.
    """
    code, reason, lines, length, option, coding, behind, *slots = found.groups()
    if behind is not None:
        lines += behind
        if slots[3] is not None:
            for more in (slots[:4], slots[4:]):
                if any(one and other for one, other in zip((length, option, coding), more, strict=False)):
                    return None  # one of them twice
                length, option, coding = length or more[0], option or more[1], coding or more[2]
                lines += more[3] or b""
    status = int(code)
    head = found[0]
    if (length and coding) or status in (NO_CONTENT, UPGRADE_REQUIRED):
        return None
    JUDGE.is_whole = False
    try:
        httptools.HttpResponseParser(JUDGE).feed_data(head)
    except httptools.HttpParserError:
        return None
    if not JUDGE.is_whole:
        return None
    bodyless = status == NOT_MODIFIED or method == b"HEAD"
    until_close = not (bodyless or length or coding)
    return Response(
        status,
        reason,
        1,
        lines,
        None if length is None else int(length),
        coding is not None,
        until_close,
        bodyless,
        until_close or option == b"close",
        None,
        len(head),
    )
