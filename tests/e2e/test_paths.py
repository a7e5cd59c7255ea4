"""Path rules, rewrites and redirects as clients of a running Starship meet them, and as its explain tells them."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.clients import alert_of, ask, client_hello, connect, page, read_all, request
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, ini_text, starship

Clusters = dict[str, Cluster]

DOORS = """
[listener:secure]
protocol = http
endpoint = tcp:0:interface=127.0.0.1
redirect = https

[listener:secure-elsewhere]
protocol = auto
endpoint = tcp:0:interface=127.0.0.1
redirect = https:8443

[listener:raw]
protocol = http
endpoint = tcp:0:interface=127.0.0.1
mode = tunnel
"""


@pytest.fixture(scope="module")
def ship(api: Api, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    a, b = clusters["a"].address, clusters["b"].address
    routes = f"""
[routes]
written.com = {a}
written.com/b = {b}
written.com/app -> / = {b}
written.com/b/exact exact = {a}
alone.com/only = {a}
sent.com redirect = {a}
"""
    with starship(tmp_path_factory.mktemp("paths"), ini_text(api, extra=DOORS + routes)) as ship:
        yield ship


@pytest.fixture
def homes(api: Api, clusters: Clusters) -> None:
    a, b = clusters["a"].address, clusters["b"].address
    api.hosts["parts.com"] = {
        "app": "parts",
        "endpoint": a,
        "paths": [
            {"path": "/b", "endpoint": b},
            {"path": "/app", "endpoint": b, "rewrite": "/"},
            {"path": "/v1", "endpoint": b, "rewrite": "/v2"},
            {"path": "/b/exact", "type": "exact", "endpoint": a},
        ],
    }
    api.hosts["only.com"] = {"app": "only", "paths": [{"path": "/only", "endpoint": a}]}
    api.hosts["moved.com"] = {"app": "moved", "endpoint": a, "redirect": "https"}
    api.hosts["whole.com"] = {"app": "whole", "endpoint": a}


def seen(body: bytes) -> tuple[bytes, bytes]:
    """Which cluster answered, and the target that it was asked for."""
    cluster, line = body.split(b"\n")[:2]
    return cluster.removeprefix(b"cluster "), line.split(b" ")[1]


def visit(ship: Starship, host: str, path: str, door: str = "http") -> tuple[bytes, bytes]:
    status, _, body = page(ship.port(door), host, path, "Connection: close")
    assert status == 200, body
    return seen(body)


PLACES = [
    ("/", b"a", b"/"),
    ("/other?x=/b", b"a", b"/other?x=/b"),
    ("/bx", b"a", b"/bx"),
    ("/b", b"b", b"/b"),
    ("/b/", b"b", b"/b/"),
    ("/b/x?y=1", b"b", b"/b/x?y=1"),
    ("/%62/x", b"b", b"/%62/x"),
    ("//b//x", b"b", b"//b//x"),
    ("/b/exact", b"a", b"/b/exact"),
    ("/b/exact/", b"b", b"/b/exact/"),
    ("/app", b"b", b"/"),
    ("/app/x?y=1", b"b", b"/x?y=1"),
    ("/%61pp/%78", b"b", b"/%78"),
    ("/app//evil.example", b"b", b"/evil.example"),
]


@pytest.mark.usefixtures("homes")
@pytest.mark.parametrize("host", ["parts.com", "written.com"])
def test_k2_k5_k9_each_path_of_a_host_goes_where_its_rule_says_and_the_rest_to_the_host(
    ship: Starship, host: str
) -> None:
    for path, cluster, target in PLACES:
        assert visit(ship, host, path) == (cluster, target), path
    assert visit(ship, host, f"http://{host}/app/x") == (b"b", b"/x")
    assert visit(ship, "parts.com", "/v1/users/") == (b"b", b"/v2/users/")


@pytest.mark.usefixtures("homes")
def test_k2_paths_may_alternate_on_one_connection(ship: Starship) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ship.port("http"), timeout=WAIT_S)
    for number in range(20):
        for host, path, where in (("parts.com", "/b", b"b"), ("parts.com", "/", b"a"), ("whole.com", "/b", b"a")):
            connection.request("GET", f"{path}?{number}", headers={"Host": host})
            assert seen(connection.getresponse().read()) == (where, f"{path}?{number}".encode())
    connection.close()


@pytest.mark.usefixtures("homes")
@pytest.mark.parametrize("host", ["only.com", "alone.com"])
def test_k9_a_host_of_paths_alone_knows_no_other_and_has_nothing_for_tls(ship: Starship, host: str) -> None:
    assert visit(ship, host, "/only/x") == (b"a", b"/only/x")
    status, _, body = page(ship.port("http"), host, "/other", "Connection: close")
    assert (status, b"Page not found" in body) == (404, True)
    ending = ship.ending(name=host, reason="unknown_path", door="http")
    assert (ending["mood"], ending["status"], ending["detail"]) == (
        "missed",
        404,
        "no rule of the route fits the path",
    )
    assert alert_of(ask(ship.port("https"), [client_hello(host)])) == 112
    assert ship.ending(name=host, door="https")["reason"] == "unknown_path"


@pytest.mark.usefixtures("homes")
def test_a_path_that_two_servers_could_read_differently_reaches_nobody(ship: Starship, clusters: Clusters) -> None:
    visits = clusters["a"].visits, clusters["b"].visits
    for path in ("/b/../x", "/b/..;/x", "/b/%2e%2e/x", "/b%2fx", "/b%5cx", "/b\\x", "/b%00", "/b%"):
        status, _, body = page(ship.port("http"), "parts.com", path, "Connection: close")
        assert (status, b"bad_head" in body) == (400, True), path
    assert (clusters["a"].visits, clusters["b"].visits) == visits
    assert visit(ship, "whole.com", "/b/../x%2fy") == (b"a", b"/b/../x%2fy")


def test_an_answer_whose_rules_are_not_understood_serves_nobody(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["bad.com"] = {"endpoint": clusters["a"].address, "paths": [{"path": "/b", "endpoint": 5}]}
    assert page(ship.port("http"), "bad.com", "/", "Connection: close")[0] == 503
    assert ship.ending(name="bad.com")["detail"] == "in paths: endpoint is not a string"


def test_no_rule_leads_where_a_lookup_may_send_nobody(ship: Starship, api: Api, clusters: Clusters) -> None:
    rules = [{"path": "/meta", "endpoint": "169.254.169.254:80"}]
    api.hosts["meta.com"] = {"endpoint": clusters["a"].address, "paths": rules}
    assert page(ship.port("http"), "meta.com", "/meta/data", "Connection: close")[0] == 503
    assert ship.ending(name="meta.com")["reason"] == "upstream_forbidden"
    assert visit(ship, "meta.com", "/") == (b"a", b"/")


def sent_to(ship: Starship, door: str, host: str, path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", ship.port(door), timeout=WAIT_S)
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    told = answer.status, answer.getheader("Location"), answer.read()
    connection.close()
    return told


@pytest.mark.usefixtures("homes")
@pytest.mark.parametrize(
    ("door", "host", "location"),
    [
        ("secure", "whole.com", "https://whole.com"),
        ("secure", "WHOLE.com.:80", "https://whole.com"),
        ("secure-elsewhere", "whole.com", "https://whole.com:8443"),
        ("http", "moved.com", "https://moved.com"),
        ("http", "sent.com", "https://sent.com"),
    ],
)
def test_plain_http_is_sent_to_https_of_the_canonical_name(
    ship: Starship, clusters: Clusters, door: str, host: str, location: str
) -> None:
    visits = clusters["a"].visits
    status, where, body = sent_to(ship, door, host, "/x/%2e?y=1")
    assert (status, where, body) == (308, f"{location}/x/%2e?y=1", b"This site is served over https.\n")
    assert sent_to(ship, door, host, "//evil.example/")[1] == f"{location}//evil.example/"
    assert sent_to(ship, door, host, "/x", "HEAD")[::2] == (308, b"")
    assert sent_to(ship, door, host, "/x", "POST")[0] == 308
    assert clusters["a"].visits == visits
    ending = ship.ending(reason="redirected", door=door)
    assert (ending["mood"], ending["status"]) == ("refused", 308)


@pytest.mark.usefixtures("homes")
def test_certificates_are_renewed_over_plain_http_and_unknown_hosts_are_not_redirected(ship: Starship) -> None:
    challenge = "/.well-known/acme-challenge/token"
    assert visit(ship, "whole.com", challenge, "secure") == (b"a", challenge.encode())
    assert visit(ship, "sent.com", challenge) == (b"a", challenge.encode())
    assert sent_to(ship, "secure", "evil.example", "/")[:2] == (404, None)


@pytest.mark.usefixtures("homes")
def test_after_a_redirect_the_connection_may_go_on(ship: Starship) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ship.port("http"), timeout=WAIT_S)
    for host, status in (("moved.com", 308), ("parts.com", 200), ("moved.com", 308)):
        connection.request("GET", "/b", headers={"Host": host})
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    connection.close()


@pytest.mark.usefixtures("homes")
def test_a_tunnel_carries_all_to_the_first_hosts_own_home_as_the_docs_say(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    assert visit(ship, "parts.com", "/app/x", "raw") == (b"a", b"/app/x")
    assert visit(ship, "moved.com", "/", "raw") == (b"a", b"/")
    assert page(ship.port("raw"), "only.com", "/only")[0] == 404
    api.hosts["echo.com"] = {"app": "echo", "endpoint": clusters["echo"].address}
    two = request("echo.com") + request("whole.com")
    with connect(ship.port("raw")) as client:
        client.sendall(two)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == two


def explained(ship: Starship, host: str, path: str) -> dict[str, Any]:
    status, text = ship.ask("GET", "/explain", {"host": host, "path": path, "door": "http"})
    assert status == 200, text
    told: dict[str, Any] = json.loads(text)
    return told


@pytest.mark.usefixtures("homes")
def test_k2_k5_explain_tells_what_clients_meet(ship: Starship, clusters: Clusters) -> None:
    at = {b"a": clusters["a"].address, b"b": clusters["b"].address}
    for path, cluster, target in PLACES:
        assert visit(ship, "parts.com", path) == (cluster, target)
        told = explained(ship, "parts.com", path)
        assert [one["address"] for one in told["endpoints"]] == [at[cluster]], path
        assert told["path"]["passed_on"] == target.decode(), path
    assert explained(ship, "sent.com", "/x")["detail"] == "https://sent.com/x"
    assert explained(ship, "alone.com", "/x")["reason"] == "unknown_path"
    assert explained(ship, "written.com", "/b/../x")["reason"] == "bad_head"
