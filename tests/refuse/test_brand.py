"""The operator's name, logo and link become HTML that is safe whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.errors import BadPages
from starship.refuse.brand import LOGO_LIMIT_BYTES, Brand, Logo, support_link
from starship.refuse.colour import Colour

COLOUR = Colour.parse("#4f46e5")


@pytest.mark.parametrize("link", ["https://a.example/help?x=1&y=2", "http://a.example", "mailto:help@a.example"])
def test_a_support_link_may_be_web_or_mail(link: str) -> None:
    assert support_link(link) == link


@pytest.mark.parametrize(
    "link",
    ["", "help", "//a.example", "javascript:alert(1)", "data:text/html,x", "https://", "https:///x", "http://[::1",
     "https://a b", "https://a\r\n", "https://\u00e4.example", "ftp://a.example", "https://a/" + "x" * 2048],
)  # fmt: skip
def test_any_other_support_link_is_a_mistake(link: str) -> None:
    with pytest.raises(BadPages, match=r"^support: "):
        support_link(link)


def test_a_logo_travels_inside_the_page(tmp_path: Path) -> None:
    (tmp_path / "logo.SVG").write_bytes(b"<svg/>")
    logo = Logo.load(tmp_path / "logo.SVG")
    assert logo == Logo(b"<svg/>", "image/svg+xml")
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in Brand(name="A", colour=COLOUR, logo=logo).values()["logo"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("logo.txt", b"x", "is none of .gif, .ico"),
        ("logo.png", b"", "is empty or larger"),
        ("logo.png", b"x" * (LOGO_LIMIT_BYTES + 1), "is empty or larger"),
        ("logo.png", None, "No such file"),
    ],
)
def test_a_logo_that_cannot_be_used_is_a_mistake_naming_the_file(
    tmp_path: Path, name: str, data: bytes | None, why: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadPages, match=why) as caught:
        Logo.load(tmp_path / name)
    assert name in caught.value.mistakes[0]


def test_without_a_logo_the_first_letter_stands_there() -> None:
    assert ">&lt;<" in Brand(name="<b>", colour=COLOUR).values()["logo"]


def test_name_and_link_are_escaped() -> None:
    values = Brand(name="<\"A\" & 'B'>", colour=COLOUR, support='https://a.example/?a=1&b="').values()
    assert values["brand"] == "&lt;&quot;A&quot; &amp; &#x27;B&#x27;&gt;"
    assert 'href="https://a.example/?a=1&amp;b=&quot;"' in values["support"]


def test_without_a_link_nothing_is_shown() -> None:
    assert Brand(name="A", colour=COLOUR).values()["support"] == ""
