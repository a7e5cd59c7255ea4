"""A Route becomes a connected upstream, or says why not."""

from __future__ import annotations

import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from random import Random
from types import CodeType
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.dial.candidates import TRIES_LIMIT
from starship.dial.dialer import Dialer
from starship.dial.guard import Guard
from starship.dial.pools.book import NamedPool, Pools
from starship.dial.pools.member import Members
from starship.dial.pools.pool import Means
from starship.dial.pools.terms import Terms
from starship.dial.preface import preface
from starship.errors import DialBroken, DialFailed, DialForbidden, DialRefused, DialShort, DialTimeout, DialUnresolved
from starship.interfaces import ICancel, IChance, IDialer, IDialOutcome, ILeg
from starship.names import Hostname
from starship.wire.connect import connect_on
from starship.wire.ground import Ground as Wire
from starship.words import Address, Hello, Origin, ProxyOptions, Route, Upstream
from tests.dial.pools.pooling import FakeNames
from tests.dial.tries import Try
from tests.fakes import FakeLeg, arrival
from tests.loopback import Ground, closed_port, crowded, ground

__all__ = ["ground"]

OPENING = b"first bytes"
HELLO = Hello(name=Hostname("a.example"), scheme="tls", consumed=len(OPENING))
ALL = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def route(*upstreams: Upstream, trusted: bool = False, proxy: str | None = None) -> Route:
    return Route(app="an app", upstreams=upstreams, origin=Origin.FRESH, trusted=trusted, proxy_protocol=proxy)


@implementer(IDialOutcome)
class Outcome:
    """Remembers the one call."""

    def __init__(self) -> None:
        self.legs: list[ILeg] = []
        self.failures: list[DialFailed] = []
        self.chance: IChance | None = None  # of the last leg

    def dialled(self, leg: ILeg, chance: IChance | None = None) -> None:
        self.legs.append(leg)
        self.chance = chance

    def failed(self, why: DialFailed) -> None:
        self.failures.append(why)

    @property
    def calls(self) -> int:
        return len(self.legs) + len(self.failures)

    @property
    def why(self) -> DialFailed:
        assert (len(self.failures), len(self.legs)) == (1, 0)
        return self.failures[0]


@define(eq=False)
class FakeConnect:
    """Keeps each try. Where `hasty`, it is over at once: refused, but for the address `good`."""

    hasty: bool = False
    good: str | None = None
    all_good: bool = False
    code: int = errno.ECONNREFUSED
    tries: list[Try] = field(factory=list)

    def __call__(
        self,
        remote: Address,
        bind: tuple[str, ...],
        timeout: float,
        connected: Callable[[ILeg], object],
        refused: Callable[[OSError], object],
    ) -> ICancel:
        self.tries.append(Try(remote, bind, timeout, connected, refused))
        if self.hasty:
            if self.all_good or remote.host == self.good:
                connected(FakeLeg(remote))
            else:
                refused(refusal(self.code))
        return self.tries[-1]


def refusal(code: int = errno.ECONNREFUSED) -> OSError:
    """What a kernel says."""
    return OSError(code, "x")


class Scene:
    """A Dialer whose tries the test answers."""

    def __init__(
        self,
        *,
        named: Mapping[str, tuple[Upstream, ...]] | None = None,
        terms: Mapping[str, Any] | None = None,
        clock: Any = None,
        resolver: FakeNames | None = None,
        **changes: Any,
    ) -> None:
        self.clock: Any = clock or Clock()
        self.connect = FakeConnect()
        self.resolver = resolver or FakeNames()
        means = Means(members=Members(self.clock), names=self.resolver, clock=self.clock, random=Random(1))
        the_terms = Terms(**(terms or {}))
        pools = {name: NamedPool(name, upstreams, the_terms, means) for name, upstreams in (named or {}).items()}
        self.pools = Pools(pools, the_terms, means)
        make: Callable[..., Dialer] = Dialer
        self.dialer = make(
            **{
                "connect": self.connect,
                "clock": self.clock,
                "pools": self.pools,
                "guard": Guard(),
                "dial_timeout": 10.0,
            }
            | changes
        )
        self.outcome = Outcome()

    def dial(self, *upstreams: Upstream, **kinds: Any) -> ICancel:
        return self.dialer.dial(route(*upstreams, **kinds), arrival(port=8443), HELLO, OPENING, self.outcome)

    @property
    def tries(self) -> list[Address]:
        return [made.remote for made in self.connect.tries]

    @property
    def hosts(self) -> list[str]:
        return [host for host, _ in self.tries]

    def fail(self, why: OSError | None = None) -> None:
        """The last try fails."""
        self.connect.tries[-1].refused(why or refusal())

    def succeed(self) -> FakeLeg:
        """The last try connects."""
        leg = FakeLeg(self.tries[-1])
        self.connect.tries[-1].connected(leg)
        return leg

    def over(self) -> None:
        assert self.outcome.calls == 1
        assert self.clock.getDelayedCalls() == []


def up(host: str, port: int | None = None, **more: Any) -> Upstream:
    return Upstream(host=host, port=port, **more)


def test_a_dialer_and_its_dial_keep_their_promises() -> None:
    scene = Scene()
    verifyObject(IDialer, scene.dialer)
    verifyObject(ICancel, scene.dial(up("192.0.2.1")))


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_s12_an_endpoint_without_a_port_means_the_doors(host: str) -> None:
    scene = Scene()
    scene.dial(up(host))
    assert scene.tries == [(host, 8443)]


def test_s12_an_endpoint_with_a_port_means_that_port_and_a_name_carries_it_to_its_addresses() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1", 99), up("a.example", 98, backup=True))
    scene.fail()
    scene.resolver.questions[0].answer("192.0.2.2")
    assert scene.tries == [("192.0.2.1", 99), ("192.0.2.2", 98)]


def test_the_opening_bytes_are_written_before_anyone_hears_of_the_leg() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1"))
    leg = scene.succeed()
    assert leg.data == OPENING
    assert scene.outcome.legs[0].remote == Address("192.0.2.1", 8443)
    scene.over()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_proxy_header_goes_before_the_opening_bytes(version: str) -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1"), proxy=version)
    expected = preface(version, ProxyOptions(), arrival(port=8443), HELLO) + OPENING
    assert scene.succeed().data == expected


@pytest.mark.parametrize(("said", "version"), [(None, "v2"), ("v1", "v1"), ("off", None)])
def test_a_route_that_does_not_say_gets_the_header_that_the_settings_have_for_all(
    said: str | None, version: str | None
) -> None:
    options = ProxyOptions(authority=False, crc32c=True)
    scene = Scene(terms={"proxy_protocol": "v2", "proxy_options": options})
    scene.dial(up("192.0.2.1"), proxy=said)
    assert scene.succeed().data == preface(version, options, arrival(port=8443), HELLO) + OPENING


def test_the_other_endpoints_are_tried_and_backups_last() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.3", backup=True), up("192.0.2.1", weight=0), up("192.0.2.2"))
    scene.fail()
    scene.fail()
    scene.succeed()
    assert scene.hosts == ["192.0.2.2", "192.0.2.1", "192.0.2.3"]
    scene.over()


def test_all_addresses_of_a_name_are_tried_before_the_next_endpoint() -> None:
    scene = Scene()
    scene.dial(up("a.example"), up("192.0.2.9", backup=True))
    assert scene.tries == []
    scene.resolver.questions[0].answer("2001:db8::1", "192.0.2.2")
    scene.fail()
    scene.fail()
    scene.fail()
    assert scene.hosts == ["2001:db8::1", "192.0.2.2", "192.0.2.9"]
    assert isinstance(scene.outcome.why, DialRefused)
    assert str(scene.outcome.why) == "192.0.2.9:8443: ECONNREFUSED"
    scene.over()


def test_an_ip_endpoint_makes_no_deferred_and_asks_no_resolver() -> None:
    scene, called = Scene(), set[CodeType]()
    sys.setprofile(lambda frame, event, arg: called.add(frame.f_code))
    try:
        scene.dial(up("192.0.2.1"))
        scene.succeed()
    finally:
        sys.setprofile(None)
    assert Dialer.dial.__code__ in called
    assert Deferred.__init__.__code__ not in called
    assert scene.resolver.questions == []


def test_a_name_without_an_address_is_said_to_be_so_and_the_next_endpoint_is_tried() -> None:
    scene = Scene()
    scene.dial(up("a.example"))
    scene.resolver.questions[0].answer()
    assert isinstance(scene.outcome.why, DialUnresolved)
    assert str(scene.outcome.why) == "a.example has no address"
    scene.over()


def test_a_route_without_endpoints_fails_at_once() -> None:
    scene = Scene()
    scene.dial()
    assert isinstance(scene.outcome.why, DialUnresolved)
    scene.over()


def test_each_try_has_the_connect_timeout() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1"))
    assert scene.connect.tries[0].timeout == 3.0


def test_all_tries_together_have_the_dial_timeout() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1"), up("192.0.2.2"), up("192.0.2.3"))
    for _ in range(2):
        scene.clock.advance(4.9)
        scene.fail(TimeoutError(errno.ETIMEDOUT, "x"))
    assert scene.outcome.calls == 0
    scene.clock.advance(0.3)
    assert isinstance(scene.outcome.why, DialTimeout)
    assert str(scene.outcome.why).startswith("not connected within 10 s; before that: 192.0.2.")
    assert scene.connect.tries[-1].cancelled == 1
    scene.over()


def test_the_dial_timeout_ends_a_wait_for_the_resolver_too() -> None:
    scene = Scene()
    scene.dial(up("a.example"))
    scene.clock.advance(10.1)
    assert isinstance(scene.outcome.why, DialTimeout)
    scene.resolver.questions[0].answer("192.0.2.1")
    assert scene.tries == []
    scene.over()


def test_cancelled_while_it_resolves_nothing_is_called_or_left() -> None:
    scene = Scene()
    dial = scene.dial(up("a.example"))
    dial.cancel()
    dial.cancel()
    scene.resolver.questions[0].answer("192.0.2.1")
    assert (scene.outcome.calls, scene.tries, scene.clock.getDelayedCalls()) == (0, [], [])


def test_cancelled_while_it_connects_the_try_is_stopped_and_nothing_is_called_or_left() -> None:
    scene = Scene()
    dial = scene.dial(up("192.0.2.1"), up("192.0.2.2"))
    dial.cancel()
    dial.cancel()
    assert scene.connect.tries[0].cancelled == 1
    scene.fail()  # whoever connects may not have known yet
    assert (scene.outcome.calls, len(scene.tries), scene.clock.getDelayedCalls()) == (0, 1, [])


def test_a_try_that_connects_after_the_cancelling_is_reset() -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1")).cancel()
    assert scene.succeed().aborted == 1
    assert scene.outcome.calls == 0


def test_cancelled_after_it_has_connected_the_leg_is_left_alone() -> None:
    scene = Scene()
    dial = scene.dial(up("192.0.2.1"))
    leg = scene.succeed()
    dial.cancel()
    assert not leg.aborted
    scene.over()


@pytest.mark.parametrize(
    ("why", "kind", "text"),
    [
        (refusal(errno.ECONNREFUSED), DialRefused, "ECONNREFUSED"),
        (refusal(errno.ENETUNREACH), DialRefused, "ENETUNREACH"),
        (refusal(errno.EHOSTUNREACH), DialRefused, "EHOSTUNREACH"),
        (refusal(errno.ECONNRESET), DialRefused, "ECONNRESET"),
        (refusal(12345), DialRefused, "12345"),
        (OSError("who knows"), DialRefused, "who knows"),
        (refusal(errno.ETIMEDOUT), DialTimeout, "did not answer in time"),
        (refusal(errno.EMFILE), DialShort, "EMFILE"),
        (refusal(errno.EADDRNOTAVAIL), DialBroken, "EADDRNOTAVAIL"),
        (refusal(errno.ENOBUFS), DialShort, "ENOBUFS"),
    ],
)
def test_each_way_to_fail_has_its_kind(why: OSError, kind: type[DialFailed], text: str) -> None:
    scene = Scene()
    scene.dial(up("192.0.2.1"))
    scene.fail(why)
    assert type(scene.outcome.why) is kind
    assert text in str(scene.outcome.why)
    assert "192.0.2.1:8443" in str(scene.outcome.why)
    scene.over()


def test_l21_what_a_lookup_brought_is_guarded_before_and_after_resolution() -> None:
    scene = Scene()
    scene.dial(up("169.254.169.254"), up("a.example", weight=0), up("192.0.2.1", backup=True))
    scene.resolver.questions[0].answer("127.0.0.1", "::ffff:10.0.0.1", "::1")
    assert scene.hosts == ["::ffff:10.0.0.1"]
    scene.fail()
    assert scene.hosts == ["::ffff:10.0.0.1", "192.0.2.1"]


def test_l21_only_forbidden_endpoints_fail_at_once_and_name_the_range() -> None:
    scene = Scene()
    scene.dial(up("127.0.0.1"))
    assert isinstance(scene.outcome.why, DialForbidden)
    assert str(scene.outcome.why) == "127.0.0.1 is a loopback address"
    scene.over()


def test_the_operators_own_word_is_not_guarded() -> None:
    scene = Scene()
    scene.dial(up("127.0.0.1"), trusted=True)
    assert scene.tries == [("127.0.0.1", 8443)]


def test_one_connection_tries_so_many_addresses_and_no_more() -> None:
    scene = Scene()
    scene.dial(*(up(f"192.0.2.{number}") for number in range(1, 100)))
    while not scene.outcome.calls:
        scene.fail()
    assert len(scene.tries) == TRIES_LIMIT
    scene.over()


@pytest.mark.parametrize(
    ("bind", "host", "bound"),
    [
        (("192.0.2.5",), "192.0.2.1", ("192.0.2.5",)),
        (("192.0.2.5",), "2001:db8::1", ()),
        (("192.0.2.5", "2001:db8::5"), "2001:db8::1", ("2001:db8::5",)),
        (("2001:db8::5",), "192.0.2.1", ()),
        ((), "192.0.2.1", ()),
    ],
)
def test_our_end_is_bound_where_the_family_is_the_same(
    bind: tuple[str, ...], host: str, bound: tuple[str, ...]
) -> None:
    scene = Scene(bind_addresses=bind)
    scene.dial(up(host))
    assert scene.connect.tries[0].bind == bound


def test_outcomes_that_come_at_once_are_taken_in_order() -> None:
    scene = Scene()
    scene.connect.hasty, scene.connect.good = True, "192.0.2.3"
    scene.dial(up("192.0.2.1"), up("192.0.2.2", weight=0), up("192.0.2.3", backup=True)).cancel()
    assert scene.hosts == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert len(scene.outcome.legs) == 1
    scene.over()


def test_a_stale_try_is_not_stopped_when_the_next_endpoint_is_being_resolved() -> None:
    scene = Scene()
    scene.connect.hasty = True
    scene.dial(up("192.0.2.1"), up("a.example", backup=True)).cancel()
    assert scene.connect.tries[0].cancelled == 0
    assert scene.outcome.calls == 0


def test_a_thousand_endpoints_that_lead_nowhere_at_once_go_no_deeper() -> None:
    scene = Scene()
    scene.resolver.at_once = ("127.0.0.1",)
    scene.dial(*(up(f"{number}.example") for number in range(3000)), up("127.0.0.1", backup=True))
    assert isinstance(scene.outcome.why, DialForbidden)
    scene.over()


# On real sockets


class RealScene(Scene):
    """A Dialer on the wire; its time is the test's."""

    def __init__(self, ground: Ground, **changes: Any) -> None:
        clock = Clock()
        self.wire = Wire(ground.reactor.wire)
        given: dict[str, Any] = {"clock": clock, "resolver": this_machine(), "guard": Guard(allow=ALL)} | changes
        super().__init__(connect=connect_on(self.wire, clock), **given)
        self.ground = ground

    def wait(self) -> None:
        self.ground.until(lambda: self.outcome.calls == 1)
        self.ground.turn()


def this_machine() -> FakeNames:
    """Every name is this machine, over IPv6 first where nobody listens."""
    return FakeNames(at_once=("::1", "127.0.0.1"))


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_it_reaches_a_real_listener_over_both_families(ground: Ground, family: socket.AddressFamily, host: str) -> None:
    listener = ground.own(socket.create_server((host, 0), family=family))
    scene = RealScene(ground, bind_addresses=(host,))
    scene.dial(up(host, listener.getsockname()[1]))
    scene.wait()
    served = ground.own(listener.accept()[0])
    served.settimeout(30)
    ground.turn()
    assert served.recv(100) == OPENING
    assert served.getpeername()[0] == host
    assert scene.clock.getDelayedCalls() == []


def test_a_name_falls_back_to_the_address_that_listens(ground: Ground) -> None:
    while True:
        with closed_port("::1") as port:
            try:
                ground.own(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue  # somebody has it
            scene = RealScene(ground)
            scene.dial(up("a.example", port))
            scene.wait()
            break
    assert scene.outcome.legs[0].remote.host == "127.0.0.1"


def test_f9_a_closed_port_is_refused_at_once(ground: Ground) -> None:
    scene = RealScene(ground)
    with closed_port() as port:
        scene.dial(up("127.0.0.1", port))
        scene.wait()
    assert isinstance(scene.outcome.why, DialRefused)
    assert "ECONNREFUSED" in str(scene.outcome.why)


def test_f10_a_listener_that_never_accepts_is_given_up_after_the_connect_timeout(ground: Ground) -> None:
    good = ground.own(socket.create_server(("127.0.0.1", 0)))
    scene = RealScene(ground, terms={"connect_timeout": 0.2})
    with crowded() as full:
        scene.dial(up("127.0.0.1", full.getsockname()[1]), up("127.0.0.1", good.getsockname()[1], backup=True))
        ground.turn()
        scene.clock.advance(0.19)
        assert scene.outcome.calls == 0
        scene.clock.advance(0.02)
        scene.wait()
    assert scene.outcome.legs[0].remote.port == good.getsockname()[1]
    assert scene.clock.getDelayedCalls() == []


def test_f13_an_address_of_ours_that_cannot_be_bound_is_our_own_fault(ground: Ground) -> None:
    listener = ground.own(socket.create_server(("127.0.0.1", 0)))
    scene = RealScene(ground, bind_addresses=("192.0.2.77",))
    scene.dial(up("127.0.0.1", listener.getsockname()[1]))
    scene.wait()
    assert isinstance(scene.outcome.why, DialBroken)
    assert "EADDRNOTAVAIL" in str(scene.outcome.why)


def test_f12_without_descriptors_it_is_our_own_fault_and_nothing_is_raised(ground: Ground) -> None:
    listener = ground.own(socket.create_server(("127.0.0.1", 0)))
    scene = RealScene(ground, guard=Guard(allow=ALL, doors=lambda: [Address("0.0.0.0", listener.getsockname()[1])]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        scene.dial(up("127.0.0.1", listener.getsockname()[1]))
        scene.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert isinstance(scene.outcome.why, DialBroken)
    assert "EMFILE" in str(scene.outcome.why)
