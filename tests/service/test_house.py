"""What everybody stands on."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Dialling
from starship.service.house import make_footing
from starship.service.make import make_house
from starship.wire.reactor import WireReactor
from tests.service.material import API, settings


def test_our_own_reactor_lends_its_epoll() -> None:
    reactor = WireReactor()
    assert make_footing(settings(), reactor).ground.loop is reactor.wire


def test_when_the_kernel_splices_is_as_the_settings_say() -> None:
    made = evolve(settings(), upstream=Dialling(splice_after=4711))
    assert make_footing(made, MemoryReactorClock()).ground.splice_after == 4711


def test_what_the_settings_do_not_want_is_not_in_the_house() -> None:
    plain, asking = (make_house(made, MemoryReactorClock()) for made in (settings(), settings(lookup=API)))
    assert (plain.access_log, plain.probe, plain.lookups.chain, plain.dialer.spares) == (None, None, None, None)
    assert asking.probe is not None
    assert asking.lookups.chain is not None


def test_who_looks_at_a_pool_is_told_of_its_spare_connections() -> None:
    made = evolve(settings(), upstream=Dialling(preconnect=2))
    dialer = make_house(made, MemoryReactorClock()).dialer
    assert dialer.spares is not None
    assert (dialer.pools.means.ready, dialer.pools.means.unused) == (dialer.spares.ready, dialer.spares.part_from)
