"""The hosts file: read, reread, and kept when it breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from starship.mock.faults import Fault, Kind
from starship.mock.hosts import BadHosts, HostsFile, entries, find, parse
from starship.names import Hostname

EXAMPLE = Path(__file__).parent.parent.parent / "etc" / "hosts.example.json"


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    said: list[str] = []

    @implementer(ILogObserver)
    def hear(event: LogEvent) -> None:
        if event["log_level"].name == "warn":
            said.append(formatEvent(event))

    globalLogPublisher.addObserver(hear)
    yield said
    globalLogPublisher.removeObserver(hear)


def rewrite(path: Path, text: str, age: int) -> None:
    path.write_text(text)
    os.utime(path, (age, age))


def test_a_host_is_an_address_or_an_object_with_any_fields() -> None:
    hosts = parse('{"A.com.": "10.0.0.24", "b.com": {"app": "B", "endpoint": "10.0.0.25", "ttl": 30}}')
    assert hosts["a.com"].fields == {"app": "A.com.", "endpoint": "10.0.0.24"}
    assert hosts["b.com"].fields == {"app": "B", "endpoint": "10.0.0.25", "ttl": 30}


def test_a_host_may_live_in_a_pool() -> None:
    found = find(parse('{"a.com": "pool:web", "b.com": {"endpoint": "pool:mail"}}'), Hostname("a.com"))
    assert found is not None
    assert found.fields["endpoint"] == "pool:web"


def test_headers_and_fault_are_for_the_mock_and_no_part_of_the_answer() -> None:
    hosts = entries({"a.com": {"endpoint": "x", "fault": "slow:3", "headers": {"Cache-Control": "max-age=5"}}})
    assert dict(hosts["a.com"].fields) == {"app": "a.com", "endpoint": "x"}
    assert hosts["a.com"].fault == Fault(Kind.SLOW, 3)
    assert hosts["a.com"].headers == {"Cache-Control": "max-age=5"}


def test_a_name_of_its_own_comes_before_wildcards_and_the_longest_wildcard_first() -> None:
    hosts = entries({"*.a.com": "1", "*.b.a.com": "2", "c.b.a.com": "3"})
    found = [find(hosts, Hostname(name)) for name in ("x.a.com", "x.b.a.com", "c.b.a.com")]
    assert [entry and entry.fields["endpoint"] for entry in found] == ["1", "2", "3"]
    assert find(hosts, Hostname("a.com")) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a.com": "1",\n "b.com" "2"}', "line 2, column 10"),
        ("", "line 1, column 1"),
        ("[]", "must be one object"),
        ('{"a.com": 5}', "'a.com': wants an address or an object, not 5"),
        ('{"a b.com": "1"}', "'a b.com': the name has a byte that no hostname has"),
        ('{"a.com": "1", "a.com": "2"}', "'a.com' is there twice"),
        ('{"a.com": {"fault": "explode"}}', "'a.com': 'explode' is no fault"),
        ('{"a.com": {"headers": ["x"]}}', "'a.com': headers wants"),
        ('{"a.com": {"headers": {"X": "a\\r\\nb"}}}', "'a.com': headers wants"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, why: str) -> None:
    with pytest.raises(BadHosts) as error:
        parse(text)
    assert why in str(error.value)


def test_a_changed_file_is_reread(tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    rewrite(path, '{"a.com": "10.0.0.1"}', 1000)
    hosts = HostsFile(path)
    assert hosts()["a.com"].fields["endpoint"] == "10.0.0.1"
    rewrite(path, '{"a.com": "10.0.0.2"}', 2000)
    assert hosts()["a.com"].fields["endpoint"] == "10.0.0.2"


def test_a_broken_file_keeps_the_last_good_hosts_and_is_said_once(tmp_path: Path, warnings: list[str]) -> None:
    path = tmp_path / "hosts.json"
    rewrite(path, '{"a.com": "10.0.0.1"}', 1000)
    hosts = HostsFile(path)
    rewrite(path, '{"a.com": \n', 2000)
    assert hosts()["a.com"].fields["endpoint"] == "10.0.0.1"
    assert hosts()["a.com"].fields["endpoint"] == "10.0.0.1"
    assert len(warnings) == 1
    assert "line 2, column 1" in warnings[0]
    path.unlink()
    assert "a.com" in hosts()
    assert "No such file" in warnings[1]
    rewrite(path, "{}", 3000)
    assert not hosts()


def test_a_file_that_is_broken_or_missing_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadHosts, match="No such file"):
        HostsFile(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'{"\xff": "x"}')
    with pytest.raises(BadHosts, match="not UTF-8"):
        HostsFile(tmp_path / "latin.json")


def test_the_example_that_ships_is_good() -> None:
    hosts = HostsFile(EXAMPLE)()
    assert {"a.com", "b.com"} <= set(hosts)
    assert any(name.startswith("*.") for name in hosts)
