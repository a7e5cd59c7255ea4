"""How upstreams are reached, as the settings say."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Dialling, Pool
from starship.dial.health.check import Check, Pace, Question
from starship.dial.pools.ejection import Ejection
from starship.service.make import make_house
from starship.service.upstreams import check_of, make_pools, strange_sources, terms_of
from starship.wire.wheel import Wheel
from starship.words import Origin, Route, Upstream
from tests.dial.pools.pooling import FakeNames
from tests.service.material import settings

HOME = (Upstream(host="10.0.0.5", port=443), Upstream(host="10.0.0.6", port=443, backup=True))


def test_a_section_says_all_of_a_pools_terms() -> None:
    pool = Pool(
        name="web",
        endpoints=HOME,
        policy="hash_host",
        connect_timeout=0.25,
        max_connections=7,
        queue=8,
        queue_timeout=9.0,
        eject_failures=2,
        eject_time=3.0,
        max_ejected=40,
        slow_start=5.0,
        retries=60,
        min_retries=70,
        proxy_protocol="v2",
    )
    terms = terms_of(pool)
    assert (terms.policy, terms.connect_timeout, terms.slow_start) == ("hash_host", 0.25, 5.0)
    assert (terms.max_connections, terms.queue, terms.queue_timeout) == (7, 8, 9.0)
    assert terms.ejection == Ejection(failures=2, time=3.0, share=0.4)
    assert (terms.retries, terms.min_retries) == (0.6, 70)
    assert (terms.proxy_protocol, terms_of(Dialling()).proxy_protocol) == ("v2", None)


def test_each_pool_of_the_file_is_there_from_the_start() -> None:
    reactor: Any = MemoryReactorClock()
    wanted = evolve(settings(), pools={"web": Pool(name="web", endpoints=HOME)})
    pools = make_pools(wanted, Wheel(reactor), FakeNames())
    (view,) = pools.snapshot()
    assert (view.name, view.policy) == ("web", "round_robin")
    assert [(member.address, member.backup) for member in view.members] == [
        ("10.0.0.5:443", False),
        ("10.0.0.6:443", True),
    ]
    assert pools.terms.policy == "random"


def test_an_address_to_connect_from_that_this_machine_does_not_have_is_told() -> None:
    dialling = Dialling(bind_addresses=("127.0.0.1", "192.0.2.77"))
    (warning,) = strange_sources(dialling)
    assert "bind_address 192.0.2.77 is no address of this machine now" in warning


def test_a_section_says_all_of_its_check_and_no_check_where_it_says_none() -> None:
    wanted = Pool(
        name="web",
        endpoints=HOME,
        proxy_protocol="v1",
        check="http",
        check_interval=1.0,
        check_timeout=0.5,
        check_rise=4,
        check_fall=5,
        check_port=8080,
        check_host="a.com",
        check_path="/up",
        check_statuses=(range(200, 201),),
        on_down="close",
    )
    question = Question(
        kind="http",
        port=8080,
        host="a.com",
        path="/up",
        statuses=(range(200, 201),),
        preface=b"PROXY UNKNOWN\r\n",
    )
    pace = Pace(interval=1.0, timeout=0.5, rise=4, fall=5)
    assert check_of(wanted) == terms_of(wanted).check == Check(question=question, pace=pace, closes=True)
    assert check_of(Dialling()) is None


@pytest.mark.parametrize(
    ("wanted", "asked"), [({"check_listed": 1}, 1), ({}, 0), ({"check": "off", "check_listed": 1}, 0)]
)
def test_so_many_endpoints_of_no_pool_are_checked_as_the_file_says(wanted: dict[str, Any], asked: int) -> None:
    dialling = Dialling(**{"check": "tcp", **wanted})
    house = make_house(evolve(settings(), upstream=dialling), MemoryReactorClock())
    route = Route(app="an app", upstreams=HOME, origin=Origin.FRESH)
    pool = house.dialer.pools.of(route, 443)
    assert pool is not None
    pool.pick("198.51.100.7", None)
    assert len(list(house.checks.listed())) == asked
