"""
Whose pages these are: name, colours, logo and support link, ready to be written into HTML.

Part of `refuse`. Reads the logo's file once; knows nothing of templates and refusals.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from starship.errors import BadPages
from starship.refuse.colour import DARK_PAPER, LIGHT_PAPER, Colour, ink, readable

LOGO_LIMIT_BYTES: Final = 32768
_SUPPORT_LIMIT: Final = 2048
_MIMES: Final = {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


@frozen
class Logo:
    """An image that travels inside the page."""

    data: bytes
    mime: str

    @classmethod
    def load(cls, path: Path) -> Logo:
        """Read an image file; the kind is told by its suffix. Raises: BadPages."""
        mime = _MIMES.get(path.suffix.lower())
        if mime is None:
            raise BadPages([f"logo: {path}: is none of {', '.join(sorted(_MIMES))}"])
        try:
            with path.open("rb") as file:
                data = file.read(LOGO_LIMIT_BYTES + 1)
        except OSError as error:
            raise BadPages([f"logo: {path}: {error.strerror or error}"]) from error
        if not 0 < len(data) <= LOGO_LIMIT_BYTES:
            raise BadPages([f"logo: {path}: is empty or larger than {LOGO_LIMIT_BYTES} bytes"])
        return cls(data, mime)

    @property
    def uri(self) -> str:
        """The image as a data: URI."""
        return f"data:{self.mime};base64,{b64encode(self.data).decode('ascii')}"


@frozen(kw_only=True)
class Brand:
    """Whose pages these are. `support` is an https:, http: or mailto: link, checked by `support_link`."""

    name: str
    colour: Colour
    logo: Logo | None = None
    support: str | None = None

    def values(self) -> dict[str, str]:
        """
        The placeholders that are the same on every page, as HTML.

        `accent_*` is the colour made readable on `paper_*`, `ink_*` what reads on `accent_*`; `logo` is an image,
        or the first letter of the name; `support` a link, or empty.
        """
        light, dark = Colour.parse(LIGHT_PAPER), Colour.parse(DARK_PAPER)
        accent_light, accent_dark = readable(self.colour, light), readable(self.colour, dark)
        return {
            "brand": escape(self.name),
            "logo": self._logo(),
            "support": self._support(),
            "colour": str(self.colour),
            "paper_light": str(light),
            "paper_dark": str(dark),
            "accent_light": str(accent_light),
            "accent_dark": str(accent_dark),
            "ink_light": str(ink(accent_light)),
            "ink_dark": str(ink(accent_dark)),
        }

    def _logo(self) -> str:
        if self.logo is None:
            return f'<span class="logo" aria-hidden="true">{escape(self.name.strip()[:1].upper())}</span>'
        return f'<img class="logo" alt="" src="{escape(self.logo.uri)}">'

    def _support(self) -> str:
        if self.support is None:
            return ""
        return f'<a class="support" rel="noreferrer" href="{escape(self.support)}">Contact support</a>'


def support_link(text: str) -> str:
    """Shape: an absolute https:, http: or mailto: URI of visible ASCII. Raises: BadPages for everything else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = None
    visible = len(text) <= _SUPPORT_LIMIT and all("!" <= character <= "~" for character in text)
    if parts and visible and (parts.hostname if parts.scheme in ("https", "http") else parts.scheme == "mailto"):
        return text
    raise BadPages([f"support: {text[:80]!r} is no https:, http: or mailto: link"])
