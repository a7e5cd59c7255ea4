"""A whole file: good ones become Settings, bad ones name every mistake with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.config.keys import SECTIONS, Key
from starship.config.load import load, parse
from starship.config.settings import AccessLog, Admin, Cache, Dialling, Limits, Listener, Lookup, Pages, Settings
from starship.errors import ConfigError
from starship.words import PathRule, PoolName, Upstream

ROOT = Path(__file__).parent.parent.parent
SMALL = "[listener:https]\nprotocol = tls\nendpoint = tcp:443\n[lookup]\nurl = http://api/?host={host}\n"


def settings_of(text: str) -> Settings:
    return parse(text.encode(), "a.ini", Path("/nowhere"))


def error_of(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        settings_of(text)
    return caught.value


def mistakes_of(text: str) -> list[str]:
    return str(error_of(text)).splitlines()


def test_a_small_file_has_the_defaults_of_the_product() -> None:
    assert settings_of(SMALL) == Settings(
        listeners=(Listener(name="https", protocol="tls", endpoints=("tcp:443",)),),
        lookup=Lookup(url="http://api/?host={host}"),
    )


def test_every_section_reaches_the_settings(tmp_path: Path) -> None:
    text = """
        [starship]
        drain_timeout = 2m
        lame_duck = 5
        [listener:a]
        protocol = auto
        endpoint =
            tcp:443
            systemd:domain=INET6:index=0
        upstream_port = 8443
        backlog = 64
        allow = 10.0.0.0/8
        deny = 10.1.0.0/16 10.2.0.0/16
        no_name = 10.0.0.9
        default = 10.0.0.8:80, 10.0.0.9
        [lookup]
        url = http://api/{host}
        connect_timeout = 250ms
        timeout = 1s
        concurrency = 5
        answer_limit = 1k
        miss_on_error = yes
        [cache]
        ttl = 5m
        neg_ttl = 0
        routes = 10
        misses = 5
        [upstream]
        connect_timeout = 1
        dial_timeout = 1
        bind_address = 192.0.2.1
        allow = 127.0.0.0/8
        deny = 10.0.0.0/8
        idle_timeout = 1h
        half_close_timeout = 5s
        lifetime = 1d
        [limits]
        hello_timeout = 5s
        hello_size = 8k
        head_size = 16k
        connections = 0
        connections_per_source = 5
        keepalive = 0
        [pages]
        brand = Acme # not part of it
        colour = #123
        support = mailto:a@b
        templates = .
        retry_after = 5
        [access_log]
        enabled = no
        path = access.log
        format = json
        [admin]
        endpoint = unix:/run/a.sock
        [routes]
        A.example = 10.0.0.1
    """
    text = re.sub(r"^ {8}", "", text, flags=re.MULTILINE)
    assert parse(text.encode(), "a.ini", tmp_path) == Settings(
        drain_timeout=120.0,
        lame_duck=5.0,
        listeners=(
            Listener(
                name="a",
                protocol="auto",
                endpoints=("tcp:443", "systemd:domain=INET6:index=0"),
                upstream_port=8443,
                backlog=64,
                allow=(ip_network("10.0.0.0/8"),),
                deny=(ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16")),
                no_name=(Upstream(host="10.0.0.9"),),
                default=(Upstream(host="10.0.0.8", port=80), Upstream(host="10.0.0.9")),
            ),
        ),
        lookup=Lookup(
            url="http://api/{host}",
            connect_timeout=0.25,
            timeout=1.0,
            concurrency=5,
            answer_limit=1024,
            miss_on_error=True,
        ),
        cache=Cache(ttl=300.0, neg_ttl=0.0, routes=10, misses=5),
        upstream=Dialling(
            connect_timeout=1.0,
            dial_timeout=1.0,
            bind_addresses=("192.0.2.1",),
            allow=(ip_network("127.0.0.0/8"),),
            deny=(ip_network("10.0.0.0/8"),),
            idle_timeout=3600.0,
            half_close_timeout=5.0,
            lifetime=86400.0,
        ),
        limits=Limits(
            hello_timeout=5.0,
            hello_size=8192,
            head_size=16384,
            connections=0,
            connections_per_source=5,
            keepalive=0.0,
        ),
        pages=Pages(brand="Acme", colour="#123", support="mailto:a@b", templates=tmp_path, retry_after=5.0),
        access_log=AccessLog(enabled=False, path=tmp_path / "access.log", format="json"),
        admin=Admin(endpoint="unix:/run/a.sock"),
        routes={"a.example": (Upstream(host="10.0.0.1"),)},
    )


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = "\n".join(
        [
            "stray = 1",
            "[listener:https]",
            "protocol = TLS",
            "endpoint = udp:443",
            "endpoint = tcp:443",
            "[listener:ht tp]",
            "protocol = http",
            "[lookup]",
            'timeout = "soon"',
            "tiemout = 3s",
            "token = s3cr3t",
            "[uptsream]",
            "[upstream]",
            "connect_timeout = 30s",
            "[routes]",
            "a..b = 10.0.0.1",
            "c.com = 10.0.0.1:http",
            "",
        ]
    )
    assert mistakes_of(text) == [
        "a.ini:1: expected a [section] line before the first key",
        'a.ini:3: [listener:https] protocol = "TLS": expected one of tls, http, auto, tcp',
        'a.ini:4: [listener:https] endpoint = "udp:443": expected an endpoint such as tcp:443, tcp6:443,'
        " tcp:443:interface=127.0.0.1 or systemd:domain=INET6:index=0 (tcp:, tcp6:, unix: or systemd: at the start)",
        "a.ini:5: [listener:https] endpoint: expected each key once in a section; the first is on line 4",
        "a.ini:6: [listener:ht tp]: expected a name of 1 to 64 letters, digits, _ . or - after listener:",
        "a.ini:6: [listener:ht tp] endpoint: expected this key, for example endpoint = tcp6:443",
        "a.ini:8: [lookup] url: expected this key, for example url = http://127.0.0.1:8000/?host={host}",
        'a.ini:9: [lookup] timeout = ""soon"": expected a duration such as 500ms, 3s or 2m (a bare number is seconds)',
        "a.ini:10: [lookup] tiemout: expected a key of this section; did you mean timeout?",
        "a.ini:11: [lookup] token: expected a key of this section; did you mean token_file?",
        "a.ini:12: [uptsream]: expected a known section; did you mean upstream?",
        'a.ini:14: [upstream] connect_timeout = "30s": expected dial_timeout (10s) to be at least'
        " connect_timeout (30s)",
        "a.ini:16: [routes] a..b: expected a hostname such as www.example.com, or *.example.com"
        " (the name has an empty label)",
        'a.ini:17: [routes] c.com = "10.0.0.1:http": expected endpoints such as 10.0.0.24, 10.0.0.24:8443,'
        " [2001:db8::1]:443, a name or srv:_http._tcp.name (the port is not a number from 1 to 65535)",
    ]


@pytest.mark.parametrize("title", [title for title, section in SECTIONS.items() if section.keys])
def test_every_key_refuses_what_makes_no_sense_at_its_own_line(title: str) -> None:
    names = [name for name in SECTIONS[title].keys if name != "brand"]
    text = f"[{title.replace('NAME', 'x')}]\n" + "".join(f"{name} = \u20ac ?\\\n" for name in names)
    told = {(mistake.line, mistake.key) for mistake in error_of(text).mistakes}
    assert set(enumerate(names, 2)) <= told


def test_a_secret_is_never_part_of_what_is_said() -> None:
    text = SMALL.replace("http://api/", "http://user:hunter2@api/hunter2/")
    text += "token_file = hunter2\nclient_key = hunter2\nclient_certificate = hunter2\ntoken = hunter2\nhunter2\n"
    assert "hunter2" not in "\n".join(mistakes_of(text))


def test_unknown_words_without_a_neighbour_get_the_whole_list() -> None:
    assert mistakes_of(SMALL + "[zzz]\n[admin]\nzzz = 1\n") == [
        "a.ini:6: [zzz]: expected a known section: starship, listener:NAME, routes, lookup, cache, names, shadow,"
        " upstream, pool:NAME, limits, http, pages, access_log, admin",
        "a.ini:8: [admin] zzz: expected a key of this section: endpoint, token_file",
    ]


@pytest.mark.parametrize("section", ["listener", "listener:", "Lookup"])
def test_a_section_is_spelled_as_the_table_has_it(section: str) -> None:
    assert any(f"[{section}]: expected a" in line for line in mistakes_of(SMALL + f"[{section}]\n"))


def test_routes_are_canonical_and_each_once() -> None:
    found = settings_of(SMALL + "[routes]\nWWW.Example.COM. = 10.0.0.1\n*.bücher.example = b.internal:80\n")
    assert found.routes == {
        "www.example.com": (Upstream(host="10.0.0.1"),),
        "*.xn--bcher-kva.example": (Upstream(host="b.internal", port=80),),
    }
    assert mistakes_of(SMALL + "[routes]\na.com = 10.0.0.1\nA.com. = 10.0.0.2\n") == [
        "a.ini:8: [routes] A.com.: expected each host once; a.com is on line 7"
    ]


@pytest.mark.parametrize("name", ["*", "*.", "a.*.b", "**.a", "10.0.0.1", "a" * 400, "ü" * 400, "\u2260.x", "*.*.a"])
def test_a_route_has_a_name_or_a_wildcard_above_one(name: str) -> None:
    lines = mistakes_of(SMALL + f"[routes]\n{name} = 10.0.0.1\n")
    assert len(lines) == 1
    assert "expected a hostname such as" in lines[0]


def test_k2_k5_lines_for_paths_become_the_rules_of_their_host_in_the_order_of_matching() -> None:
    text = """[routes]
a.com = 10.0.0.1
A.com/api = 10.0.0.2, 10.0.0.3:81
a.com/api/v2 -> /v2 = 10.0.0.4
a.com/api exact = 10.0.0.5
b.com/only = 10.0.0.6
c.com redirect = 10.0.0.7
"""
    found = settings_of(SMALL + text)
    assert found.routes == {
        "a.com": (Upstream(host="10.0.0.1"),),
        "b.com": (),
        "c.com": (Upstream(host="10.0.0.7"),),
    }
    assert found.paths == {
        "a.com": (
            PathRule(path="/api", kind="exact", upstreams=(Upstream(host="10.0.0.5"),)),
            PathRule(path="/api/v2", kind="prefix", upstreams=(Upstream(host="10.0.0.4"),), rewrite="/v2"),
            PathRule(
                path="/api", kind="prefix", upstreams=(Upstream(host="10.0.0.2"), Upstream(host="10.0.0.3", port=81))
            ),
        ),
        "b.com": (PathRule(path="/only", kind="prefix", upstreams=(Upstream(host="10.0.0.6"),)),),
    }
    assert found.redirected == {"c.com"}


def test_a_path_of_a_host_is_said_once_in_whatever_spelling() -> None:
    assert mistakes_of(
        SMALL + "[routes]\na.com/x = 10.0.0.1\nA.com/%78/ -> / = 10.0.0.2\na.com/x exact = 10.0.0.1\n"
    ) == ["a.ini:8: [routes] A.com/%78/ -> /: expected each path once; a.com/x (prefix) is on line 7"]


def test_every_mistake_of_a_line_for_a_path_is_told() -> None:
    lines = mistakes_of(SMALL + "[routes]\na.com/../x = 10.0.0.1:99999\na.com/x exactly = 10.0.0.1\n")
    assert [line.partition(": expected")[0] for line in lines] == [
        'a.ini:7: [routes] a.com/../x = "10.0.0.1:99999"',
        "a.ini:7: [routes] a.com/../x",
        "a.ini:8: [routes] a.com/x exactly",
    ]


def test_routes_alone_are_enough() -> None:
    text = "[listener:a]\nprotocol = http\nendpoint = tcp:80\n[routes]\na.com = 10.0.0.1\n[admin]\nendpoint =\n"
    found = settings_of(text)
    assert found.lookup is None
    assert found.admin is None


def test_a_file_that_cannot_be_read_is_a_mistake_of_the_whole_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.ini", tmp_path):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: expected a ")


def test_relative_paths_start_beside_the_ini_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cr3t")
    (tmp_path / "starship.ini").write_text(SMALL + "token_file = token\n")
    lookup = load(tmp_path / "starship.ini").lookup
    assert lookup is not None
    assert lookup.token_file == tmp_path / "token"


def test_the_example_is_loaded_and_says_the_defaults() -> None:
    found = load(ROOT / "etc" / "starship.ini")
    assert [door.name for door in found.listeners] == ["https", "http"]
    defaults = Settings(
        listeners=found.listeners, lookup=Lookup(url="http://127.0.0.1:8000/?host={host}"), lame_duck=5.0
    )
    assert found == defaults


def commented_out(text: str) -> Iterator[str]:
    """What the example has behind `# `: line by line within a section of its own, whole sections as one."""
    keys = {key for section in SECTIONS.values() for key in section.keys}
    section, lines = "", list[str]()
    for line in text.splitlines():
        words = line.removeprefix("# ")
        if words.startswith("["):
            yield "\n".join(lines)
            section, lines = words, [words] if line != words else []
            continue
        match = re.match(r"# ([a-z_.*0-9]+)(?:/[a-z]+)?(?: exact| redirect| -> /)? = ", line)
        if match is None or (match[1] not in keys and section != "[routes]"):
            continue
        if lines:
            lines.append(words)
        else:
            yield f"{section}\n{words}"
    yield "\n".join(lines)


NEIGHBOURS = {
    "[listener:https]": "protocol = tls\nendpoint = tcp:1\n",
    "[listener:http]": "protocol = http\nendpoint = tcp:1\n",
    "[lookup]": "url = https://a/{host}\n",
    "proxy_protocol = required": "proxy_trusted = 10.0.0.9\n",
    "proxy_trusted = ": "proxy_protocol = required\n",
    "proxy_fields": "format = json\n",
    "check_listed": "check = tcp\n",
}
"""What a line of the example wants beside it, by how it or its section begins."""


def test_what_the_example_comments_out_begins_its_line_once_the_comment_is_taken_away() -> None:
    assert re.findall(r"^#(?! ?\S).* = .*", (ROOT / "etc" / "starship.ini").read_text(), re.MULTILINE) == []


def test_what_the_example_comments_out_is_right_too() -> None:
    parts = [part for part in commented_out((ROOT / "etc" / "starship.ini").read_text()) if part]
    assert len(parts) >= 40
    assert {part.split("\n")[0] for part in parts} >= {"[listener:mail]", "[pool:web]", "[access_log]"}
    for part in parts:
        if "/etc/starship/" in part or "/var/lib/starship/" in part:  # files that are not on this machine
            continue
        title, rest = part.split("\n", 1)
        beside = "".join(more for start, more in NEIGHBOURS.items() if title == start or rest.startswith(start))
        beside = beside.replace("endpoint = tcp:1\n", "") if rest.startswith("endpoint") else beside
        mistakes = error_of(f"{title}\n{beside}{rest}\n[zzz]\n").mistakes
        assert {mistake.section for mistake in mistakes if mistake.line} == {"zzz"}, part


PIECES = [
    "[listener:a]", "[lookup]", "[routes]", "[admin]", "[pages]", "protocol = tls", "endpoint = tcp:443",
    "url = http://a/{host}", "timeout =", "a.b = 10.0.0.1", "logo = /dev/zero", "endpoint =", "  tcp:80", "\n", " # x",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=25))
def test_no_text_raises_anything_but_config_error(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    try:
        settings_of_any(text)
    except ConfigError as error:
        told = str(error).splitlines()
    else:
        told = ["a.ini: nothing"]
    assert told
    assert all(line.isprintable() and line.startswith(("a.ini:", "... and ")) for line in told)


def settings_of_any(text: str) -> Settings:
    return parse(text.encode("utf-8", "surrogatepass"), "a.ini", Path("/nowhere"))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([key for section in SECTIONS.values() for key in section.keys.values()]), st.text(max_size=60))
def test_no_value_of_any_key_raises_anything(key: Key, text: str) -> None:
    key.kind.read(text, Path("/nowhere"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_config_error(raw: bytes) -> None:
    with pytest.raises(ConfigError):
        parse(raw, "a.ini", Path("/nowhere"))


def test_r1_a_pool_says_who_its_members_are_and_leaves_the_rest_to_upstream() -> None:
    text = SMALL + (
        "[upstream]\nconnect_timeout = 250ms\neject_failures = 7\npolicy = hash_host\n"
        "[pool:web]\nendpoints = 10.0.0.5:443 weight=3, 10.0.0.6:443\n  10.0.0.9 backup\n"
        "[pool:mail@x]\nendpoints = mail.internal:25\npolicy = least_connections\nconnect_timeout = 1s\n"
    )
    web, mail = settings_of(text).pools.values()
    assert (web.name, web.policy, web.connect_timeout, web.eject_failures) == ("web", "round_robin", 0.25, 7)
    assert web.endpoints == (
        Upstream(host="10.0.0.5", port=443, weight=3),
        Upstream(host="10.0.0.6", port=443),
        Upstream(host="10.0.0.9", backup=True),
    )
    assert (mail.name, mail.policy, mail.connect_timeout, mail.eject_failures) == (
        *("mail@x", "least_connections"),
        1.0,
        7,
    )


def test_a_pool_stands_where_an_endpoint_could() -> None:
    text = SMALL.replace("tcp:443\n", "tcp:443\ndefault = pool:web\nno_name = pool:web\n") + (
        "[pool:web]\nendpoints = 10.0.0.5\n[routes]\na.com = pool:web\n"
    )
    found = settings_of(text)
    assert found.routes == {"a.com": PoolName("web")}
    assert (found.listeners[0].default, found.listeners[0].no_name) == (PoolName("web"), PoolName("web"))


def test_a_pool_has_a_name_that_fits_and_members() -> None:
    assert mistakes_of(SMALL + "[pool:a b]\nendpoints = 10.0.0.5\n[pool:c]\n") == [
        "a.ini:6: [pool:a b]: expected a name of 1 to 64 letters, digits, _ . @ or - after pool:",
        "a.ini:8: [pool:c] endpoints: expected this key, for example endpoints = 10.0.0.5:443 weight=3, 10.0.0.6:443,"
        " 10.0.0.9 backup",
    ]
