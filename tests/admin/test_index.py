"""The index links what can be seen, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from starship.admin.index import POLICY, index
from starship.admin.replies import Visit

PAGE = index(Visit()).body


def test_it_links_every_page_that_can_be_looked_at() -> None:
    links = {link.partition(b"?")[0] for link in re.findall(rb'href="([^"]+)"', PAGE)}
    pages = {b"/lookups", b"/pools", b"/connections", b"/cache", b"/cache/warm"}
    assert links == {b"/metrics", b"/healthz", b"/readyz", *pages}
    assert re.findall(rb'action="([^"]+)"', PAGE) == [b"/explain"]


def test_it_loads_nothing_from_elsewhere_and_its_style_alone_is_let_in() -> None:
    assert b"http" not in PAGE
    assert b"<script" not in PAGE
    (style,) = re.findall(rb"<style>(.*?)</style>", PAGE, re.DOTALL)
    assert b"'sha256-%b'" % b64encode(sha256(style).digest()) in POLICY
