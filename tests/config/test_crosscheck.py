"""Mistakes of keys together: each told once, at the line where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.load import parse
from starship.config.settings import Settings
from starship.errors import ConfigError
from tests.config.material import certificate_and_key

DOOR = "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n"
LOOKUP = "[lookup]\nurl = http://api/{host}\n"
SECURE = "[lookup]\nurl = https://api/{host}\n"


def settings_of(text: str, base: Path = Path("/nowhere")) -> Settings:
    return parse(text.encode(), "a.ini", base)


def mistakes_of(text: str, base: Path = Path("/nowhere")) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, base)
    return str(caught.value).splitlines()


def test_a_door_and_a_way_to_know_hosts_are_needed() -> None:
    assert mistakes_of("") == [
        "a.ini: expected at least one section [listener:NAME]",
        "a.ini: expected a section [lookup] with a url, or [routes] with a host, or both",
    ]
    assert mistakes_of(DOOR + "[routes]\n") == [
        "a.ini: expected a section [lookup] with a url, or [routes] with a host, or both"
    ]


def test_two_doors_in_one_place_are_a_mistake_of_the_second() -> None:
    text = DOOR + LOOKUP + "[listener:b]\nprotocol = http\nendpoint =\n  tcp:80\n  tcp:443:interface=127.0.0.1\n"
    assert mistakes_of(text) == [
        'a.ini:8: [listener:b] endpoint = "tcp:443:interface=127.0.0.1": expected a place of its own:'
        " line 3 listens there"
    ]


def test_one_door_does_not_listen_twice_in_one_place() -> None:
    assert len(mistakes_of(DOOR + "  tcp:443\n" + LOOKUP)) == 1


def test_a_door_does_not_stand_where_the_admin_site_is_even_by_default() -> None:
    text = DOOR.replace("443", "9901") + LOOKUP
    assert mistakes_of(text) == [
        'a.ini:3: [listener:a] endpoint = "tcp:9901": expected a place of its own: [admin] listens there'
    ]
    assert settings_of(text + "[admin]\nendpoint =\n").admin is None
    assert mistakes_of(DOOR + LOOKUP + "[admin]\nendpoint = tcp:443\n") == [
        'a.ini:7: [admin] endpoint = "tcp:443": expected a place of its own: line 3 listens there'
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LOOKUP + "timeout = 500ms\n", "[lookup] timeout = \"500ms\": expected timeout (500ms) to be at least"),
        (LOOKUP + "connect_timeout = 5s\n", "[lookup] connect_timeout = \"5s\": expected timeout (3s) to be at least"),
        (LOOKUP + "[upstream]\ndial_timeout = 1s\n", "[upstream] dial_timeout = \"1s\": expected dial_timeout (1s)"),
    ],
)  # fmt: skip
def test_the_whole_time_is_not_shorter_than_a_part_of_it(text: str, line: str) -> None:
    (mistake,) = mistakes_of(DOOR + text)
    assert line in mistake


def test_keys_for_https_want_an_https_url(tmp_path: Path) -> None:
    certificate, key = certificate_and_key(tmp_path, "one")
    pair = f"ca_file = {certificate}\nclient_certificate = {certificate}\nclient_key = {key}\n"
    assert [line.split(":")[1] for line in mistakes_of(DOOR + LOOKUP + pair)] == ["6", "7", "8"]
    lookup = settings_of(DOOR + SECURE + pair).lookup
    assert lookup is not None
    assert (lookup.ca_file, lookup.client_certificate, lookup.client_key) == (certificate, certificate, key)


def test_a_certificate_and_its_key_come_together(tmp_path: Path) -> None:
    certificate, key = certificate_and_key(tmp_path, "one")
    _, other = certificate_and_key(tmp_path, "other")
    assert mistakes_of(DOOR + SECURE + f"client_key = {key}\n") == [
        "a.ini:6: [lookup] client_key: expected client_certificate beside it"
    ]
    assert mistakes_of(DOOR + SECURE + f"client_certificate = {certificate}\n") == [
        "a.ini:6: [lookup] client_certificate: expected client_key beside it"
    ]
    text = DOOR + SECURE + f"client_certificate = {certificate}\nclient_key = {other}\n"
    (mistake,) = mistakes_of(text)
    assert mistake.startswith("a.ini:7: [lookup] client_key: expected the key of client_certificate")


def test_a_key_that_is_wrong_alone_is_told_once() -> None:
    assert len(mistakes_of(DOOR + LOOKUP + "timeout = soon\nca_file = missing\n")) == 3  # ca_file: missing, and http
    assert len(mistakes_of(DOOR + LOOKUP + "timeout = soon\n")) == 1
    assert len(mistakes_of(DOOR.replace("tcp", "udp") + LOOKUP)) == 1


def test_bounds_of_the_cache_are_not_upside_down() -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + "[cache]\nmin_ttl = 1h\nmax_ttl = 1m\n")
    assert mistake == 'a.ini:8: [cache] max_ttl = "1m": expected max_ttl (1m) to be at least min_ttl (1h)'
    (mistake,) = mistakes_of(DOOR + LOOKUP + "[cache]\nerror_ttl = 10s\n")
    assert mistake == 'a.ini:7: [cache] error_ttl = "10s": expected max_error_ttl (4s) to be at least error_ttl (10s)'


def test_a_shadow_wants_a_lookup_that_it_is_compared_with() -> None:
    shadow = "[shadow]\nurl = http://b/{host}\n"
    assert mistakes_of(DOOR + "[routes]\na.com = 10.0.0.24\n" + shadow) == [
        "a.ini:7: [shadow] url: expected a section [lookup] that it is compared with"
    ]
    assert settings_of(DOOR + LOOKUP + shadow).shadow is not None


HTTP = "[listener:h]\nprotocol = http\nendpoint = tcp:80\n"


def test_what_is_for_plain_http_stands_where_there_is_some() -> None:
    assert mistakes_of(DOOR + "mode = tunnel\nredirect = https\n" + LOOKUP) == [
        "a.ini:4: [listener:a] mode: expected protocol http or auto for this key to be of use",
        "a.ini:5: [listener:a] redirect: expected protocol http or auto for this key to be of use",
    ]
    assert settings_of(HTTP + "redirect = https\n" + LOOKUP).listeners[0].redirect == 443
    assert settings_of(HTTP.replace("http", "auto") + "redirect = https:8443\n" + LOOKUP).listeners[0].redirect == 8443


def test_a_tunnel_sends_nobody_elsewhere() -> None:
    (mistake,) = mistakes_of(HTTP + "mode = tunnel\nredirect = https\n" + LOOKUP)
    assert mistake.startswith("a.ini:5: [listener:h] redirect")
    assert settings_of(HTTP + "mode = tunnel\nredirect = off\n" + LOOKUP).listeners[0].mode == "tunnel"


def test_idle_upstreams_of_one_endpoint_are_not_more_than_all() -> None:
    assert mistakes_of(HTTP + LOOKUP + "[http]\nupstream_idle = 5000\n") == [
        'a.ini:7: [http] upstream_idle = "5000": expected upstream_idle_total (1024) to be at least'
        " upstream_idle (5000)"
    ]
    assert settings_of(HTTP + LOOKUP + "[http]\nupstream_idle = 5000\nupstream_idle_total = 5000\n")


def test_what_is_kept_for_a_retry_wants_retries() -> None:
    (mistake,) = mistakes_of(HTTP + LOOKUP + "[http]\nretries = 0\nreplay_size = 4 KiB\n")
    assert mistake.startswith("a.ini:8: [http] replay_size")
    assert settings_of(HTTP + LOOKUP + "[http]\nretries = 0\nreplay_size = 0\n").http.retries == 0


POOL = "[pool:web]\nendpoints = 10.0.0.5\n"


def test_a_pool_that_is_named_somewhere_has_its_section() -> None:
    text = (
        DOOR + "default = pool:web\n" + LOOKUP + "[routes]\na.com = pool:mail\nb.com/x = pool:mail\nc.com = 10.0.0.1\n"
    )
    assert mistakes_of(text + POOL) == [
        f'a.ini:{line}: [routes] {key} = "pool:mail": expected a pool that there is: there is no section [pool:mail]'
        for line, key in ((8, "a.com"), (9, "b.com/x (prefix)"))
    ]
    (mistake,) = mistakes_of(DOOR + "default = pool:web\n" + LOOKUP)
    assert mistake.startswith('a.ini:4: [listener:a] default = "pool:web": expected a pool that there is')


def test_one_try_of_a_pool_takes_no_longer_than_all_of_them() -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + POOL + "connect_timeout = 20s\n")
    assert mistake == (
        'a.ini:8: [pool:web] connect_timeout = "20s": expected at most the dial_timeout of [upstream] (10s)'
    )
    found = settings_of(DOOR + LOOKUP + POOL + "connect_timeout = 20s\n[upstream]\ndial_timeout = 30s\n")
    assert found.pools["web"].connect_timeout == 20


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (POOL + "connect_timeout = 250\n", '[pool:web] connect_timeout = "250":'),
        (POOL + "connect_timeout = 250000ms\n", '[pool:web] connect_timeout = "250000ms":'),
        ("[upstream]\ndial_timeout = 0.50\n", '[upstream] dial_timeout = "0.50":'),
        ("[http]\nupstream_idle = 0900\nupstream_idle_total = 0100\n", '[http] upstream_idle_total = "0100":'),
    ],
)
def test_a_value_is_quoted_as_it_stands_in_the_file(text: str, quoted: str) -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + text)
    assert f" {quoted} expected " in mistake


def test_a_pool_has_a_member_that_is_no_backup() -> None:
    for endpoints in ("10.0.0.5 backup", "10.0.0.5 weight=0", "10.0.0.5 weight=0, 10.0.0.6 backup"):
        (mistake,) = mistakes_of(DOOR + LOOKUP + f"[pool:web]\nendpoints = {endpoints}\n")
        assert mistake == "a.ini:7: [pool:web] endpoints: expected a member that is no backup and has a weight above 0"


def test_what_is_said_of_a_check_is_of_use_to_it() -> None:
    text = DOOR + LOOKUP + POOL + "check = tls\ncheck_host = a.com\ncheck_path = /up\ncheck_statuses = 200\n"
    assert mistakes_of(text) == [
        f"a.ini:{line}: [pool:web] {key}: expected check = http for this key to be of use, not tls"
        for line, key in ((10, "check_path"), (11, "check_statuses"))
    ]
    (mistake,) = mistakes_of(DOOR + LOOKUP + POOL + "on_down = close\n")
    assert mistake == "a.ini:8: [pool:web] on_down: expected a check for this key to be of use"
    (mistake,) = mistakes_of(DOOR + LOOKUP + POOL + "check = tcp\ncheck_host = a.com\n")
    assert "check = http or tls" in mistake


def test_endpoints_of_no_pool_are_checked_where_upstream_says_how() -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + "[upstream]\ncheck_listed = 10\n")
    assert mistake == "a.ini:7: [upstream] check_listed: expected a check for this key to be of use"
    assert settings_of(DOOR + LOOKUP + "[upstream]\ncheck = tcp\ncheck_listed = 10\n").upstream.check_listed == 10


def test_a_pool_is_checked_as_upstream_says_where_it_does_not_say_itself() -> None:
    upstream = "[upstream]\ncheck = http\ncheck_interval = 1s\n"
    found = settings_of(DOOR + LOOKUP + POOL + "check_path = /up\n" + upstream).pools["web"]
    assert (found.check, found.check_interval, found.check_path) == ("http", 1.0, "/up")
    assert settings_of(DOOR + LOOKUP + POOL + "check = off\n" + upstream).pools["web"].check == "off"


@pytest.mark.parametrize(
    ("lines", "wants"),
    [
        ("keepalive_interval = 5s\n", "keepalive above 0"),
        ("keepalive_probes = 5\n", "keepalive above 0"),
        ("preconnect_total = 5\n", "preconnect above 0, here or in a pool,"),
        ("preconnect_idle = 5s\n", "preconnect above 0, here or in a pool,"),
        ("preconnect_rate = 5\n", "preconnect above 0, here or in a pool,"),
        ("queue = 5\n", "max_connections above 0, here or in a pool,"),
        ("queue_timeout = 5s\n", "max_connections above 0, here or in a pool,"),
        ("eject_failures = 0\neject_time = 5s\n", "eject_failures above 0, here or in a pool,"),
        ("eject_failures = 0\nmax_ejected = 5\n", "eject_failures above 0, here or in a pool,"),
    ],
)
def test_what_is_said_of_spares_probes_queues_and_ejections_is_of_use_to_them(lines: str, wants: str) -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + "[upstream]\n" + lines)
    assert f"expected {wants} for this key to be of use" in mistake
    here = lines.replace("eject_failures = 0\n", "")
    assert settings_of(DOOR + LOOKUP + "[upstream]\nkeepalive = 1m\npreconnect = 1\nmax_connections = 9\n" + here)
    if "keepalive" not in lines:
        of_a_pool = "preconnect = 1\nmax_connections = 9\neject_failures = 2\n"
        assert settings_of(DOOR + LOOKUP + POOL + of_a_pool + "[upstream]\n" + lines)


@pytest.mark.parametrize(
    ("lines", "wants"),
    [
        ("queue = 5\n", "max_connections above 0"),
        ("queue_timeout = 5s\n", "max_connections above 0"),
        ("eject_failures = 0\neject_time = 5s\n", "eject_failures above 0"),
        ("eject_failures = 0\nmax_ejected = 5\n", "eject_failures above 0"),
    ],
)
def test_what_a_pool_says_of_queues_and_ejections_is_of_use_to_it(lines: str, wants: str) -> None:
    (mistake,) = mistakes_of(DOOR + LOOKUP + POOL + lines)
    assert f"expected {wants} for this key to be of use" in mistake
    here = lines.replace("eject_failures = 0\n", "")
    assert settings_of(DOOR + LOOKUP + POOL + here + "[upstream]\nmax_connections = 9\n")
