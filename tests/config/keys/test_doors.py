"""What a listener has to say, and what it may leave out."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import attrs
import pytest

from starship.config.keys.doors import DOOR, LIMITS, ROUTES
from starship.config.load import parse
from starship.config.settings import Settings
from starship.errors import ConfigError
from starship.words import PoolName, Upstream

TLS = "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n"
RAW = "[listener:a]\nprotocol = tcp\nendpoint = tcp:25\n"
ROUTE = "[routes]\na.com = 10.0.0.24\n"


def settings_of(text: str) -> Settings:
    return parse(text.encode(), "a.ini", Path("/nowhere"))


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text)
    return str(caught.value).splitlines()


def test_a_listener_must_say_what_it_speaks_and_where_it_listens() -> None:
    assert {key.name for key in DOOR.keys.values() if key.default is attrs.NOTHING} == {"protocol", "endpoint"}


def test_no_limit_has_to_be_named() -> None:
    assert not [key.name for key in LIMITS.keys.values() if key.default is attrs.NOTHING]


def test_a_route_is_no_key_but_a_name() -> None:
    assert ROUTES.keys == {}


def test_a_door_behind_a_balancer_says_which_balancers_it_believes() -> None:
    (door,) = settings_of(f"{TLS}proxy_protocol = required\nproxy_trusted = 10.0.0.0/24, ::1\n{ROUTE}").listeners
    assert door.proxy_protocol == "required"
    assert door.proxy_trusted == (ip_network("10.0.0.0/24"), ip_network("::1"))
    assert mistakes_of(f"{TLS}proxy_protocol = required\n{ROUTE}") == [
        "a.ini:4: [listener:a] proxy_protocol: expected proxy_trusted beside it: the balancers' own addresses"
    ]
    assert mistakes_of(f"{TLS}proxy_trusted = 10.0.0.0/24\n{ROUTE}") == [
        "a.ini:4: [listener:a] proxy_trusted: expected proxy_protocol = required beside it"
    ]
    assert len(mistakes_of(f"{TLS}proxy_protocol = optional\n{ROUTE}")) == 1


def test_k1_a_raw_door_says_where_it_leads_and_needs_no_hosts() -> None:
    (door,) = settings_of(f"{RAW}upstream = 10.0.0.9:25, 10.0.0.10\n").listeners
    assert door.upstream == (Upstream(host="10.0.0.9", port=25), Upstream(host="10.0.0.10"))
    (pooled,) = settings_of(f"{RAW}upstream = pool:mail\n[pool:mail]\nendpoints = 10.0.0.9:25\n").listeners
    assert pooled.upstream == PoolName("mail")
    assert mistakes_of(RAW) == [
        'a.ini:2: [listener:a] protocol = "tcp": expected upstream beside it, for example upstream = 10.0.0.9:25'
    ]
    assert len(mistakes_of(f"{RAW}upstream = pool:mail\n")) == 1


def test_k1_what_is_for_hosts_is_not_for_raw_bytes_and_the_other_way_round() -> None:
    assert mistakes_of(f"{RAW}upstream = 10.0.0.9\nno_name = 10.0.0.8\ndefault = 10.0.0.7\n") == [
        f"a.ini:{line}: [listener:a] {key}: expected a protocol that names hosts; all of protocol tcp goes to upstream"
        for line, key in ((5, "no_name"), (6, "default"))
    ]
    assert mistakes_of(f"{TLS}upstream = 10.0.0.9\n{ROUTE}") == [
        "a.ini:4: [listener:a] upstream: expected protocol tcp for this key to be of use"
    ]
