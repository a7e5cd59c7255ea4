"""Links: a URL template with one {host} in a safe place, and where the pages send people."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.links import SUPPORT, URL, URLS
from starship.config.values import Bad

HERE = Path()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/?host={host}",
        "https://api.internal/v1/hosts/{host}",
        "https://[::1]:8443/hosts/{host}/route?fleet=eu",
        "http://api?q={host}",
    ],
)
def test_a_template_has_the_host_once_in_its_path_or_query(url: str) -> None:
    assert URL.read(url, HERE) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "printable ASCII"),
        ("http://api/?host={host} x", "printable ASCII"),
        ("http://äpi/?host={host}", "printable ASCII"),
        ("http://api/" + "x" * 3000 + "{host}", "printable ASCII"),
        ("http://api/", "exactly once"),
        ("http://api/{host}/{host}", "exactly once"),
        ("http://api/{host}/{name}", "exactly once"),
        ("ftp://api/{host}", "http:// or https://"),
        ("api/{host}", "http:// or https://"),
        ("http://user:hunter2@api/{host}", "no user or password"),
        ("http://api/{host}#part", "no fragment"),
        ("http://{host}/", "the path or the query"),
        ("http://api:{host}/", "cannot be read"),
        ("http://[::1/{host}", "cannot be read"),
        ("http://api:99999/{host}", "cannot be read"),
        ("http://api:0/{host}", "a port from 1"),
        ("http:///{host}", "a host"),
        ("http://a..b/{host}", "no name and no address"),
        ("http://1.2.3/{host}", "no name and no address"),
    ],
)
def test_another_template_says_why_and_repeats_nothing_of_it(url: str, why: str) -> None:
    found = URL.read(url, HERE)
    assert isinstance(found, Bad)
    assert why in found.allowed
    assert "hunter2" not in found.allowed


@pytest.mark.parametrize("link", ["https://help.example.com/x?y=1", "http://help", "mailto:help@example.com"])
def test_people_are_sent_to_the_web_or_to_a_mailbox(link: str) -> None:
    assert SUPPORT.read(link, HERE) == link


@pytest.mark.parametrize(
    "link",
    ["", "javascript:alert(1)", "data:text/html,x", "//evil", "https:", "mailto:nobody", "https://a b", 'https://a"b',
     "https://u:p@a", "https://[::1", "help@example.com"],
)  # fmt: skip
def test_people_are_sent_nowhere_else(link: str) -> None:
    assert isinstance(SUPPORT.read(link, HERE), Bad)


def test_several_urls_stand_on_lines_of_their_own() -> None:
    first, second = "http://10.0.0.2/?host={host}", "https://b.test/{host}"
    assert URLS.read(f"{first}\n{second}", HERE) == (first, second)
    assert URLS.read(URLS.show((first, second)), HERE) == (first, second)
    assert isinstance(URLS.read(f"{first}\nhttp://b.test/", HERE), Bad)
