"""An explanation as text: a line for each thing that is known, and nothing that moves a cursor."""

from __future__ import annotations

from math import inf

import pytest
from attrs import evolve

from starship.admin.explanation import Explanation, Live
from starship.admin.poolrooms import Choosing
from starship.admin.reasoning import Endpoint, Finding, Outcome, Question
from starship.admin.telling import MEMBERS_SHOWN, api_line, as_text
from starship.dial.pools.views import foresee, view
from starship.errors import LookupTimeout
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.breaker import State
from starship.route.failover import Standing
from starship.route.raw import Raw
from starship.words import Look, Upstream
from tests.admin.basins import Waters
from tests.admin.houses import House, route
from tests.dial.pools.pooling import World, eject, up

FAILING = Standing(
    index=1,
    url="http://api/",
    state=State.OPEN,
    retry_in=0.75,
    well=False,
    answers=7,
    failures=3,
    error="the API answered 503",
    error_age=1.25,
    state_age=1.0,
)


def told() -> Explanation:
    """One with everything in it."""
    home = route("169.254.1.1", max_connections=5)
    question = Question(asked="A.com", name=Hostname("a.com"), why_not="", door=House().doors()[0], client="192.0.2.7")
    look = Look(name="a.com", answer=home, store="routes", age=2.0, left=58.0, stale_left=inf, hits=3, size=850)
    endpoint = Endpoint(
        upstream=Upstream(host="2001:db8::1"), port=443, share=1.0, addresses=("2001:db8::1",), objections=()
    )
    return Explanation(
        question=question,
        finding=Finding(provider="cache", how="a fresh route, kept as a.com", answer=home),
        outcome=Outcome(reason=Reason.OK),
        endpoints=(
            endpoint,
            evolve(endpoint, upstream=Upstream(host="b.internal", backup=True), share=0.0, addresses=None),
        ),
        route=home,
        known={"app": "A"},
        look=look,
        raw=Raw(0, 200, "max-age=60", b'{"app": "\x1b[2J\xff"}\n', 0.0),
        raw_age=2.0,
        failure=LookupTimeout("late"),
        over="too many unknown names came from 192.0.2.7",
        apis=(FAILING,),
        live=Live(
            answer=None,
            error=LookupTimeout("late"),
            outcome=Outcome(reason=Reason.LOOKUP_TIMEOUT, detail="late"),
            endpoints=(),
            differs=(),
        ),
    )


@pytest.mark.parametrize(
    ("upstream", "addresses", "line"),
    [
        (Upstream(host="10.0.0.1"), ("10.0.0.1",), "10.0.0.1:443 (first for 100%)"),
        (Upstream(host="b.internal"), ("10.0.0.1", "10.0.0.2"), "b.internal:443 (first for 100%): 10.0.0.1, 10.0.0.2"),
        (Upstream(host="b.internal"), (), "b.internal:443 (first for 100%), which has no address"),
        (
            Upstream(host="_http._tcp.b.internal", srv=True),
            ("10.0.0.1:8443",),
            "srv:_http._tcp.b.internal (first for 100%): 10.0.0.1:8443",
        ),
        (
            Upstream(host="b.internal"),
            tuple(f"10.0.0.{number}" for number in range(1, 201)),
            "b.internal:443 (first for 100%): 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7,"
            " 10.0.0.8 and 192 more",
        ),
    ],
)
def test_the_addresses_of_a_name_are_shown_with_the_ports_that_srv_records_say(
    upstream: Upstream, addresses: tuple[str, ...], line: str
) -> None:
    endpoint = Endpoint(upstream=upstream, port=443, share=1.0, addresses=addresses, objections=())
    found = evolve(told(), endpoints=(endpoint,))
    assert f"  endpoint        {line}" in as_text(found).splitlines()


def test_a_person_reads_all_of_it() -> None:
    assert as_text(told()).splitlines() == [
        "A.com at the door https (tls), for 192.0.2.7",
        "",
        "  name            a.com",
        "  provider        cache: a fresh route, kept as a.com",
        "  cache           routes, fresh, put 2.0 s ago, 58.0 s left, 3 hits, 850 bytes",
        '  answer          {"app": "A"}',
        '  raw             API 0, 2.0 s ago: 200 {"app": "\\x1b[2J\\xff"} (Cache-Control: max-age=60)',
        "  failure         lookup_timeout: late",
        "  budget          too many unknown names came from 192.0.2.7",
        "  api             1 http://api/: failing, breaker open for 1.0 s, tried again in 0.8 s; failed 1.2 s ago:"
        " the API answered 503",
        "  endpoint        [2001:db8::1]:443 (first for 100%)",
        "  endpoint        b.internal:443 (only when all others fail), whose addresses are looked up at the first dial",
        "  max_connections 5",
        "  verdict         served: ok",
        "  http            the tenant",
        "  tls             the tenant",
        "",
        "asked just now, beside the cache:",
        "  failed          lookup_timeout: late",
        "  verdict         refused: lookup_timeout (late)",
        "  http            a page 503 This site cannot be found right now, logged as 503",
        "  tls             an alert 80 internal_error, logged as 495",
    ]


def test_nothing_that_came_from_outside_moves_a_cursor() -> None:
    question = evolve(told().question, asked="a\x1b[2J.com\r")
    raw = Raw(0, 200, "\x1b]0;x\x07", b"\x1b[2J\n\n\x00", 0.0)
    text = as_text(evolve(told(), question=question, raw=raw))
    assert all(line.isprintable() for line in text.splitlines())


def test_an_api_that_is_well_is_a_short_line() -> None:
    well = evolve(FAILING, well=True, state=State.CLOSED, retry_in=0.0, error="", error_age=None, state_age=None)
    assert api_line(well) == "1 http://api/: well, breaker closed"


def test_the_pool_is_told_with_who_is_next_and_who_is_not_as_usual() -> None:
    waters = Waters()
    eject(waters.web.at(443), "192.0.2.2")
    waters.pools.drain("web", "192.0.2.9:443")
    pool = waters.web.at(443)
    choosing = Choosing(standing=view(pool), forecast=foresee(pool, None, None))
    endpoint = evolve(told().endpoints[0], share=0.0, drained=True)
    lines = as_text(evolve(told(), choosing=choosing, endpoints=(endpoint,))).splitlines()
    assert [line for line in lines if line.startswith(("  balancing", "  next", "  member", "  endpoint"))] == [
        "  balancing       web: round_robin, 1 of 3 used",
        "  next            192.0.2.1:443 (it is the only one that is used)",
        "  member          192.0.2.2:443 ejected for 0.0 s, used again in 10.0 s (refused)",
        "  member          192.0.2.9:443 draining: no new connections, 0 live",
        "  endpoint        [2001:db8::1]:443 (drained: never)",
    ]


def test_of_a_large_pool_in_trouble_some_members_are_told() -> None:
    world = World()
    pool = world.pool(*(up(f"10.0.0.{number}") for number in range(1, MEMBERS_SHOWN + 4)))
    for seat in pool.standing():
        seat.member.goes_down("ECONNREFUSED")
    text = as_text(evolve(told(), choosing=Choosing(standing=view(pool), forecast=foresee(pool, None, None))))
    assert text.count("  member ") == MEMBERS_SHOWN + 1
    assert "and 3 more that are not simply up" in text
    assert "PANIC" in text
