"""An operator looks at a pool and changes it while clients come: who is live stays, who is new goes where it says."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from starship.cli import main
from tests.e2e.clients import alert_of, client_hello, connect, flight, page, read_so_many
from tests.e2e.sites import Visitor
from tests.e2e.trouble import closed_port
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, echo, http_hello, ini_text, starship, until

Three = list[Cluster]


@pytest.fixture(scope="module")
def echoes() -> Iterator[Three]:
    made = [Cluster(echo).start() for _ in range(3)]
    yield made
    for cluster in made:
        cluster.stop()


@pytest.fixture(scope="module")
def sites() -> Iterator[Three]:
    made = [Cluster(http_hello(f"site {name}")).start() for name in "abc"]
    yield made
    for cluster in made:
        cluster.stop()


def patient(text: str) -> Callable[[socket.socket], None]:
    """A site that keeps its connections for further requests."""

    def handle(connection: socket.socket) -> None:
        held = b""
        while data := connection.recv(65536):
            held += data
            while b"\r\n\r\n" in held:
                held = held.partition(b"\r\n\r\n")[2]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text.encode())

    return handle


@pytest.fixture(scope="module")
def patients() -> Iterator[Three]:
    made = [Cluster(patient(f"patient {name}")).start() for name in "ab"]
    yield made
    for cluster in made:
        cluster.stop()


@pytest.fixture(scope="module")
def refusing() -> Iterator[int]:
    with closed_port() as port:
        yield port


@pytest.fixture(scope="module")
def ship(
    api: Api, echoes: Three, sites: Three, patients: Three, refusing: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starship]:
    pools = f"""
[pool:echo]
endpoints = {", ".join(cluster.address for cluster in echoes)}

[pool:web]
endpoints = {", ".join(cluster.address for cluster in sites)}

[pool:patient]
endpoints = {", ".join(cluster.address for cluster in patients)}

[pool:loyal]
endpoints = {", ".join(cluster.address for cluster in sites)}
policy = hash_source

[pool:half]
endpoints = 127.0.0.1:{refusing}, {sites[0].address}
eject_failures = 1
eject_time = 600s

[routes]
echo.com = pool:echo
web.com = pool:web
patient.com = pool:patient
loyal.com = pool:loyal
half.com = pool:half
"""
    with starship(tmp_path_factory.mktemp("ship"), ini_text(api, extra=pools)) as ship:
        yield ship


def change(ship: Starship, pool: str, endpoint: str, **wanted: Any) -> Any:
    status, text = ship.ask("POST", f"/pools/{pool}", body=json.dumps({"endpoint": endpoint, **wanted}).encode())
    assert status == 200, text
    return json.loads(text)


def explained(ship: Starship, name: str, **query: str) -> Any:
    status, text = ship.ask("GET", "/explain", {"host": name, "scheme": "http", **query})
    assert status == 200, text
    return json.loads(text)


def served(ship: Starship, name: str) -> str:
    status, _, body = page(ship.port("http"), name)
    assert status == 200, body
    return body.split(b"\n")[0].decode()


def tunnel(ship: Starship, hello: bytes) -> socket.socket:
    connection = connect(ship.port("https"))
    connection.sendall(hello)
    assert read_so_many(connection, len(hello)) == hello
    return connection


def test_a_member_is_drained_under_load_without_a_client_noticing_and_comes_back(ship: Starship, echoes: Three) -> None:
    hello = client_hello("echo.com")
    live = [tunnel(ship, hello) for _ in range(60)]
    assert [cluster.open for cluster in echoes] == [20, 20, 20]
    over, failed, came = threading.Event(), list[str](), Counter[str]()

    def come() -> None:
        while not over.is_set():
            try:
                tunnel(ship, hello).close()
                came["served"] += 1
            except (AssertionError, OSError) as error:
                failed.append(repr(error))

    load = [threading.Thread(target=come) for _ in range(3)]
    for thread in load:
        thread.start()
    until(lambda: came["served"] > 20, "there is a load")
    (member,) = change(ship, "echo", echoes[0].address, draining=True)["members"]
    assert (member["draining"], member["share"]) == (True, 0.0)
    visits, before = echoes[0].visits, came["served"]
    until(lambda: came["served"] > before + 40, "others serve")
    assert echoes[0].visits <= visits + len(load)  # who was on the way to it when it was drained
    assert echoes[0].open >= 20
    for number, connection in enumerate(live):
        said = f"still here {number}".encode()
        connection.sendall(said)
        assert read_so_many(connection, len(said)) == said
    change(ship, "echo", echoes[0].address, draining=False)
    visits = echoes[0].visits
    until(lambda: echoes[0].visits > visits + 5, "it serves again")
    over.set()
    for thread in load:
        thread.join(WAIT_S)
    for connection in live:
        connection.close()
    assert failed == []


def test_requests_of_a_connection_that_lives_on_leave_a_drained_endpoint_too(ship: Starship, patients: Three) -> None:
    """Its kept connections are not used for them either."""
    with Visitor(ship.port("http")) as visitor:

        def asked() -> str:
            return visitor.ask("patient.com").body.decode()

        assert Counter(asked() for _ in range(8)) == {"patient a": 4, "patient b": 4}
        assert patients[0].visits == 1
        change(ship, "patient", patients[0].address, draining=True)
        assert {asked() for _ in range(8)} == {"patient b"}
        change(ship, "patient", patients[0].address, draining=False)
        assert {asked() for _ in range(8)} == {"patient a", "patient b"}


def test_a_weight_counts_at_once_and_may_be_taken_back(ship: Starship, sites: Three) -> None:
    def shares(count: int = 30) -> Counter[str]:
        return Counter(served(ship, "web.com") for _ in range(count))

    assert shares() == {"site a": 10, "site b": 10, "site c": 10}
    change(ship, "web", sites[0].address, weight=4)
    assert shares() == {"site a": 20, "site b": 5, "site c": 5}
    change(ship, "web", sites[0].address, weight=0)
    assert set(shares()) == {"site b", "site c"}
    change(ship, "web", sites[0].address, weight=None)
    assert shares() == {"site a": 10, "site b": 10, "site c": 10}


def test_explain_foresees_who_is_next_and_takes_no_turn(ship: Starship, sites: Three) -> None:
    names = {cluster.address: f"site {name}" for cluster, name in zip(sites, "abc", strict=True)}
    for _ in range(5):
        told = [explained(ship, "web.com")["pool"] for _ in range(3)]
        assert {one["why"] for one in told} == {"it has the next turn"}
        assert {names[one["next"]] for one in told} == {served(ship, "web.com")}
    loyal = explained(ship, "loyal.com", client="127.0.0.1")["pool"]
    assert (names[loyal["next"]], loyal["why"]) == (served(ship, "loyal.com"), "the client's address belongs to it")


def test_explain_and_the_list_say_who_is_left_out_and_why(
    ship: Starship, refusing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {served(ship, "half.com") for _ in range(4)} == {"site a"}
    admin = ("--admin", f"http://127.0.0.1:{ship.admin}")
    assert main(["explain", "half.com", "--scheme", "http", *admin]) == 0
    told = capsys.readouterr().out
    assert "  balancing       half: round_robin, 1 of 2 used\n" in told
    assert f"  member          127.0.0.1:{refusing} ejected for " in told
    assert "ECONNREFUSED" in told
    assert "(only when all others fail)" in told
    assert main(["pools", "half", *admin]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split(maxsplit=9) for line in lines if f"127.0.0.1:{refusing}" in line.split(maxsplit=1)[0:1]]
    assert (row[1], row[3], row[8]) == ("ejected", "0%", "1")
    assert "ECONNREFUSED" in row[9]
    endpoint = {"pool": "half", "endpoint": f"127.0.0.1:{refusing}"}
    assert ship.metric("starship_endpoint_used", **endpoint) == 0
    assert ship.metric("starship_endpoint_failures_total", **endpoint) == 1
    assert ship.metric("starship_endpoint_ejections_total", **endpoint) == 1
    assert ship.metric("starship_pool_members", pool="half", state="ejected") == 1


def test_all_drained_is_a_refusal_that_explain_foretells(
    ship: Starship, sites: Three, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = ("--admin", f"http://127.0.0.1:{ship.admin}")
    for cluster in sites:
        assert main(["pools", "drain", "loyal", cluster.address, *admin]) == 0
    assert "its clients are refused" in capsys.readouterr().err
    told = explained(ship, "loyal.com")
    assert (told["verdict"], told["reason"]) == ("refused", "upstream_refused")
    assert page(ship.port("http"), "loyal.com")[0] == told["clients"]["http"]["status"]
    tls = explained(ship, "loyal.com", door="https", scheme="tls")["clients"]["tls"]
    assert alert_of(flight(ship.port("https"), client_hello("loyal.com"))) == tls["alert"]
    for cluster in sites:
        assert main(["pools", "undrain", "loyal", cluster.address, *admin]) == 0
    assert served(ship, "loyal.com").startswith("site ")
    assert main(["pools", "drain", "loyal", "10.9.9.9:1", *admin]) == 1
    assert main(["pools", "nothing", *admin]) == 1
