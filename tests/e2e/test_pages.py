"""What a visitor reads when there is nothing to be carried: branded, replaceable, complete."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.clients import ask, connect, page, read_all, request
from tests.e2e.world import Api, Starship, ini_text, starship

LOGO = "<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.fixture(scope="module")
def acme(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """One with a brand of its own, and a page of its own for what is not found."""
    directory = tmp_path_factory.mktemp("acme")
    (directory / "pages").mkdir()
    (directory / "pages" / "404.html").write_text("<title>$brand: $host is lost ($request_id)</title>")
    (directory / "logo.svg").write_text(LOGO)
    pages = (
        "[pages]\nbrand = Acme & Söhne\ncolour = #0f766e\nlogo = logo.svg\ntemplates = pages\nretry_after = 42s\n"
        "support = mailto:help@example.com\n"
    )
    with starship(directory, ini_text(api, extra=pages)) as acme:
        yield acme


@pytest.fixture(autouse=True)
def _broken(api: Api) -> None:
    api.hosts["broken.com"] = {"endpoint": []}


def test_s9_a_template_of_the_operator_replaces_ours_and_brand_and_host_are_filled_in(acme: Starship) -> None:
    status, head, body = page(acme.port("http"), "lost.com")
    assert status == 404
    ending = acme.ending(name="lost.com")
    assert body.decode() == f"<title>Acme &amp; Söhne: lost.com is lost ({ending['id']})</title>"
    assert b"Content-Type: text/html; charset=utf-8\r\n" in head
    assert b"Cache-Control: no-store\r\n" in head
    assert b"Connection: close\r\n" in head


def test_a_failed_lookup_is_a_branded_503_that_says_when_to_come_back(acme: Starship) -> None:
    status, head, body = page(acme.port("http"), "broken.com")
    assert status == 503
    assert b"Retry-After: 42\r\n" in head + b"\r\n"
    for part in ("Acme &amp; Söhne", "#0f766e", "data:image/svg+xml;base64,", "mailto:help@example.com"):
        assert part.encode() in body, part
    ending = acme.ending(name="broken.com")
    assert (ending["reason"], ending["mood"], ending["status"]) == ("lookup_invalid", "unreachable", 503)
    assert acme.metric("starship_lookups_total", result="invalid") >= 1


def test_the_api_itself_may_say_when_to_come_back(acme: Starship, api: Api) -> None:
    def busy(handler: object) -> None:
        handler.wfile.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]

    api.hosts["busy.com"] = busy
    status, head, _ = page(acme.port("http"), "busy.com")
    assert (status, b"Retry-After: 7\r\n" in head + b"\r\n") == (503, True)
    assert acme.ending(name="busy.com")["reason"] == "lookup_5xx"


def test_who_asks_for_json_gets_json(acme: Starship) -> None:
    status, head, body = page(acme.port("http"), "lost.org", "/", "Accept: application/json")
    assert status == 404
    assert b"Content-Type: application/json\r\n" in head
    said = json.loads(body)
    assert (said["error"], said["status"], said["host"]) == ("unknown_name", 404, "lost.org")
    assert said["request_id"] == acme.ending(name="lost.org")["id"]


def test_who_asks_for_the_head_gets_the_head_alone(acme: Starship) -> None:
    answer = ask(acme.port("http"), [request("lost.net").replace(b"GET", b"HEAD", 1)])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert body == b""
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    whole = ask(acme.port("http"), [request("lost.net")]).partition(b"\r\n\r\n")[2]
    assert length == len(whole)


@pytest.mark.parametrize("door", ["http", "any"])
def test_a_body_that_nobody_reads_does_not_reset_the_page_away(acme: Starship, door: str) -> None:
    """300 KB are under way when the page is written."""
    body = bytes(300_000)
    head = request("lost.com", "/upload", f"Content-Length: {len(body)}").replace(b"GET", b"POST", 1)
    with connect(acme.port(door)) as client:
        client.sendall(head + body)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"</title>")
    assert acme.ending(name="lost.com", door=door, status=404)["reason"] == "unknown_name"


def test_a_body_that_comes_after_the_page_does_not_reset_it_either(acme: Starship) -> None:
    with connect(acme.port("http")) as client:
        client.sendall(request("lost.com", "/upload", "Content-Length: 1000").replace(b"GET", b"POST", 1))
        first = client.recv(1)
        for _ in range(10):
            client.sendall(bytes(100))
        assert (first + read_all(client)).endswith(b"</title>")
