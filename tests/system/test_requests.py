"""Programs that people use keep one connection for two tenants, and each request reaches its own."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import until
from tests.system.browser import Browser, chromium
from tests.system.conftest import Fleet
from tests.system.namespaces import CLUSTER_A, CLUSTER_B, SHIP
from tests.system.programs import Run, run

pytestmark = pytest.mark.system

ASSETS = 30


def png(width: int) -> bytes:
    """A grey image, one pixel high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def parted(fleet: Fleet) -> Fleet:
    """With a host in parts, and one that is sent to https."""
    fleet.api.hosts["parts.com"] = {
        "app": "parts",
        "endpoint": CLUSTER_A,
        "paths": [
            {"path": "/b", "endpoint": CLUSTER_B},
            {"path": "/app", "endpoint": CLUSTER_A, "rewrite": "/files"},
        ],
    }
    fleet.api.hosts["secure.com"] = {"app": "secure", "endpoint": CLUSTER_A, "redirect": "https"}
    return fleet


def curl(*options: str) -> Run:
    ports = (f"*:{port}:{SHIP}" for port in (80, 443))
    resolve = [word for port in ports for word in ("--resolve", port)]
    return run("curl", "--silent", "--show-error", "--noproxy", "*", *resolve, *options)


def connection_of(ending: dict[str, Any]) -> str:
    return str(ending["id"]).partition(".")[0]


def test_curl_asks_two_tenants_on_one_connection(fleet: Fleet) -> None:
    wanted = ["a.com", "b.com"] * 10
    options: list[str] = []
    for name in wanted:
        options += ["--next", "--header", f"Host: {name}", "--write-out", "%{num_connects}", f"http://{SHIP}/"]
    said = curl(*options[1:]).expect(0).out
    titles = re.findall(r"<h1>Cluster (A|B)</h1><p>([ab]\.com) by http\n(\d)", said)
    assert [(f"{title.lower()}.com", name) for title, name, _ in titles] == [(name, name) for name in wanted]
    assert [int(connects) for _, _, connects in titles] == [1] + [0] * 19

    def of_one_connection() -> list[dict[str, Any]]:
        """The endings of the one connection that asked so often, once they are all there."""
        endings = [ending for ending in fleet.ship.endings() if ending["door"] == "http"]
        counts = Counter(connection_of(ending) for ending in endings)
        return [ending for ending in endings if counts[connection_of(ending)] == len(wanted)]

    asked = until(of_one_connection, "an ending for each")
    assert [ending["name"] for ending in asked] == wanted
    assert len({ending["id"] for ending in asked}) == 20


def test_wget_keeps_its_connection_and_gets_all_it_asks_for(fleet: Fleet, place: Path) -> None:
    hosts = place / "hosts-of-two"
    hosts.write_text(f"{SHIP} a.com\n{SHIP} b.com\n")
    own_hosts = ("unshare", "--mount", "sh", "-ec", 'mount --bind "$0" /etc/hosts; exec "$@"', str(hosts))
    urls = ["http://a.com/", "http://a.com/x", "http://b.com/", "http://a.com/y"]
    done = run(*own_hosts, "wget", "--no-proxy", "--no-verbose", "--tries=1", "--output-document=-", *urls).expect(0)
    assert re.findall(r"<h1>Cluster (A|B)</h1>", done.out) == ["A", "A", "B", "A"]


def test_ab_keeps_its_connections_and_loses_no_request(fleet: Fleet) -> None:
    done = run("ab", "-q", "-k", "-n", "2000", "-c", "20", "-H", "Host: b.com", f"http://{SHIP}/").expect(0)
    assert "Complete requests:      2000" in done.out
    assert "Failed requests:        0" in done.out
    assert "Keep-Alive requests:    2000" in done.out
    assert "Non-2xx" not in done.out


@pytest.fixture(scope="module")
def browser(parted: Fleet) -> Iterator[Browser]:
    with chromium(SHIP) as browser:
        yield browser


def test_chromium_loads_a_page_with_thirty_assets_of_two_tenants(
    parted: Fleet, browser: Browser, tmp_path: Path
) -> None:
    files_b = parted.files_a.parent.parent / "b" / "files"
    for files, width in ((parted.files_a, 11), (files_b, 23)):
        for number in range(ASSETS):
            (files / f"{number}.png").write_bytes(png(width))
    tags = "".join(f"<img src='http://{'ab'[number % 2]}.com/files/{number}.png'>" for number in range(ASSETS))
    script = "onload = () => { document.title = [...document.images].map(one => one.naturalWidth).join(' ') }"
    (parted.files_a / "page.html").write_text(f"<!doctype html><title>waits</title>{tags}<script>{script}</script>")
    seen = browser.visit("http://a.com/files/page.html", tmp_path / "assets.png")
    assert (seen.title, seen.error) == ("11 23 " * (ASSETS // 2 - 1) + "11 23", "")


def test_k2_k5_nginx_gets_the_path_that_its_rule_makes(parted: Fleet) -> None:
    (parted.files_a / "deep").mkdir(exist_ok=True)
    (parted.files_a / "deep" / "x.txt").write_text("rewritten\n")
    assert curl("http://parts.com/app/deep/x.txt").expect(0).out == "rewritten\n"
    assert "Cluster B" in curl("http://parts.com/b/c").expect(0).out
    assert "Cluster A" in curl("http://parts.com/bc").expect(0).out
    for path in ("/app/../b", "/app/%2e%2e/b", "/app%2f..%2fb", "/app/..;/b"):
        assert "400" in curl("--path-as-is", "--write-out", "%{http_code}", f"http://parts.com{path}").expect(0).out


def test_curl_and_chromium_follow_a_redirect_to_https(parted: Fleet, browser: Browser, tmp_path: Path) -> None:
    followed = curl("--location", "--insecure", "--write-out", "%{num_redirects}", "http://secure.com/x?y=1").expect(0)
    assert "secure.com by https\n1" in followed.out
    assert parted.ship.ending(name="secure.com", door="http")["status"] == 308
    seen = browser.visit("http://secure.com/", tmp_path / "redirected.png")
    assert (seen.text, seen.error) == ("Cluster A\n\nsecure.com by https", "")
