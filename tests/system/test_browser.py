"""What a person sees in Chromium: a tenant's page, a page of ours, or the browser's own where TLS was refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.browser import Browser, chromium
from tests.system.conftest import Fleet
from tests.system.namespaces import SHIP

pytestmark = pytest.mark.system

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def browser(fleet: Fleet) -> Iterator[Browser]:
    with chromium(SHIP) as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize(("name", "title"), [("a.com", "Cluster A"), ("b.com", "Cluster B")])
def test_s3_the_page_of_each_cluster_is_seen_under_its_name(
    browser: Browser, tmp_path: Path, scheme: str, name: str, title: str
) -> None:
    seen = browser.visit(f"{scheme}://{name}/", tmp_path / "page.png")
    assert (seen.title, seen.error) == (title, "")
    assert seen.text == f"{title}\n\n{name} by {scheme}"


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("https://unknown.example/", "ERR_SSL_UNRECOGNIZED_NAME_ALERT", "might be temporarily down"),
        ("https://down.com/", "ERR_SSL_PROTOCOL_ERROR", "sent an invalid response"),
        ("https://a.com:8443/", "ERR_SSL_PROTOCOL_ERROR", "sent an invalid response"),
        ("https://a.com:80/", "ERR_SSL_VERSION_OR_CIPHER_MISMATCH", "uses an unsupported protocol"),
    ],
)
def test_s10_where_tls_is_refused_the_browser_says_so_itself(
    browser: Browser, tmp_path: Path, url: str, error: str, words: str
) -> None:
    seen = browser.visit(url, tmp_path / "refused.png")
    assert seen.error == f"net::{error}"
    assert words in seen.text
    assert error in seen.text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown.example", ["Error 404", "App not found", "unknown.example", "Reason unknown_name"]),
        ("down.com", ["Error 503", "This site cannot be found right now", "down.com", "Reason lookup_5xx"]),
    ],
)
def test_s9_our_own_pages_say_what_is_wrong_in_light_and_dark_and_fit_a_telephone(
    browser: Browser, tmp_path: Path, name: str, words: list[str], dark: bool
) -> None:
    for width in (1000, 380):
        picture = tmp_path / f"{name}-{width}.png"
        seen = browser.visit(f"http://{name}/", picture, dark=dark, width=width)
        assert [word for word in words if word not in seen.text] == []
        assert seen.width <= width
        assert seen.paper == ("rgb(13, 15, 19)" if dark else "rgb(247, 248, 250)")
        assert picture.read_bytes().startswith(PNG)
