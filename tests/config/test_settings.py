"""The defaults are the decisions that the product made once."""

from __future__ import annotations

from starship.config.settings import Limits, Listener, Lookup, Settings


def test_the_defaults_are_the_decisions() -> None:
    assert Limits().hello_size == 65536
    assert Limits().head_size == 32768
    assert Limits().hello_timeout == 10.0
    assert Lookup(url="http://api/?host={host}").answer_limit == 65536


def test_no_tenant_is_a_default_unless_configured() -> None:
    door = Listener(name="https", protocol="tls", endpoints=("tcp:443",))
    assert (door.default, door.no_name) == ((), ())
    assert Settings(listeners=(door,)).routes == {}
