"""One question to one server, on real sockets; the server may be anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from starship.dns.asking import STRANGERS_LIMIT, TIMEOUT, UNREACHABLE, Asker
from starship.dns.messages import GARBLED, Question, Reply, Trouble
from starship.words import Address
from tests.dns.replies import a, a_question, message
from tests.dns.servers import Answer, Server, says, serving
from tests.fakes import errors_in, failure_of, success_of
from tests.loopback import Ground

QUESTION = a_question()
GOOD = a("web.example", "192.0.2.1")
FOUND = Reply(addresses=("192.0.2.1",), ttl=60)


@pytest.fixture(name="ground")
def a_ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def asked(ground: Ground, server: Server, timeout: float = 30.0, question: Question = QUESTION) -> Reply:
    """The reply of a server; nothing that it does is an error in the log, and no descriptor is left."""
    before = descriptors()
    asker = Asker(ground.reactor, Random(1))
    with capturedLogs() as logs, serving(server) as step:
        found = asker.ask(server.address, question, timeout)
        turn_until(ground, found, step)
        reply = success_of(found)
        ground.turn()
        ground.turn()
    assert errors_in(logs) == []
    assert descriptors() <= before
    return reply


def turn_until(ground: Ground, found: Deferred[Reply], step: Callable[[], None]) -> None:
    def done() -> bool:
        step()
        return found.called

    ground.until(done)


@pytest.mark.parametrize(
    ("udp", "expected"),
    [
        (says(GOOD), FOUND),
        (says(code=3), Reply(trouble=Trouble.NXDOMAIN)),
        (says(code=2), Reply(trouble=Trouble.SERVFAIL)),
        (says(), Reply(trouble=Trouble.EMPTY)),
        (lambda question, number: [message(GOOD, number=number)[:-1]], GARBLED),
    ],
)
def test_what_a_server_says_over_udp_is_told(ground: Ground, udp: Answer, expected: Reply) -> None:
    server = Server(udp)
    assert asked(ground, server) == expected
    assert (server.heard, server.streams) == ([QUESTION], [])


@pytest.mark.parametrize(
    "strange",
    [
        lambda number: message(a("web.example", "192.0.2.66"), number=number ^ 1),
        lambda number: message(a("evil.example", "192.0.2.66"), asked=a_question("evil.example"), number=number),
        lambda number: b"garbage",
        lambda number: b"",
    ],
    ids=["another ID", "another question", "garbage", "nothing"],
)
def test_what_is_no_reply_is_passed_over(ground: Ground, strange: Callable[[int], bytes]) -> None:
    server = Server(lambda question, number: [strange(number)] * 3 + says(GOOD)(question, number))
    assert asked(ground, server) == FOUND


def test_questions_write_nothing_into_the_log(ground: Ground) -> None:
    server = Server(says(truncated=True), says(GOOD))
    asker = Asker(ground.reactor, Random(1))
    with capturedLogs() as logs, serving(server) as step:
        for _ in range(5):
            turn_until(ground, asker.ask(server.address, QUESTION, 30.0), step)
        turn_until(ground, asker.ask(Address("127.0.0.1", 1), QUESTION, 0.05), step)
        ground.turn()
        ground.turn()
    assert len(server.heard) == 5
    assert logs == []


def test_who_guesses_for_long_ends_the_question(ground: Ground) -> None:
    server = Server(lambda question, number: [b"guess"] * (STRANGERS_LIMIT + 5) + says(GOOD)(question, number))
    assert asked(ground, server) == GARBLED


def test_a_datagram_that_is_larger_than_we_asked_for_is_read_all_the_same(ground: Ground) -> None:
    many = [f"192.0.{number // 250}.{number % 250}" for number in range(400)]
    server = Server(says(*(a("web.example", host) for host in many)))
    assert asked(ground, server).addresses == tuple(many)
    assert server.streams == []


def test_a_reply_that_was_cut_is_asked_for_over_tcp(ground: Ground) -> None:
    server = Server(says(truncated=True), says(*(a("web.example", f"10.0.0.{number}") for number in range(200))))
    assert len(asked(ground, server).addresses) == 200
    assert server.streams == [QUESTION]


@pytest.mark.parametrize(
    ("tcp", "raw", "expected"),
    [
        (says(truncated=True), False, GARBLED),
        (lambda question, number: [b"x" * 60_000], False, GARBLED),
        (lambda question, number: [b"\xff\xffshort"], True, UNREACHABLE),
        (lambda question, number: [b""], True, UNREACHABLE),
    ],
)
def test_nonsense_over_tcp_ends_the_question(ground: Ground, tcp: Answer, raw: bool, expected: Reply) -> None:
    assert asked(ground, Server(says(truncated=True), tcp, raw)) == expected


def test_a_server_may_have_an_ipv6_address(ground: Ground) -> None:
    assert asked(ground, Server(says(GOOD), host="::1")) == FOUND
    assert asked(ground, Server(says(truncated=True), says(GOOD), host="::1")) == FOUND


def test_silence_ends_with_the_deadline_over_udp_and_over_tcp(ground: Ground) -> None:
    assert asked(ground, Server(), 0.05) == TIMEOUT
    assert asked(ground, Server(says(truncated=True)), 0.05) == TIMEOUT


def test_a_server_that_is_not_there_is_known_at_once(ground: Ground) -> None:
    server = Server(host="127.77.0.2")  # where nobody else comes
    address = server.address
    server.close()
    found = Asker(ground.reactor, Random(1)).ask(address, QUESTION, 60.0)
    turn_until(ground, found, lambda: None)
    assert success_of(found) == UNREACHABLE


def test_a_server_that_there_is_no_way_to_is_unreachable(ground: Ground) -> None:
    found = Asker(ground.reactor, Random(1)).ask(Address("::ffff:0:1%lo", 53), QUESTION, 1.0)
    turn_until(ground, found, lambda: None)
    assert success_of(found).trouble in (Trouble.UNREACHABLE, Trouble.TIMEOUT)


def test_who_gives_up_leaves_nothing(ground: Ground) -> None:
    with serving(Server()) as _:
        before = descriptors()
        found = Asker(ground.reactor, Random(1)).ask(Address("127.0.0.1", 9), QUESTION, 60.0)
        found.cancel()
        assert isinstance(failure_of(found), CancelledError)
        ground.turn()
        ground.turn()
        assert descriptors() <= before
        assert not [call for call in ground.reactor.getDelayedCalls() if call.getTime() > ground.reactor.seconds() + 30]


def test_each_question_has_an_id_and_a_port_of_its_own(ground: Ground) -> None:
    server = Server(says(GOOD))
    asker = Asker(ground.reactor, Random(1))
    with serving(server) as step:
        found = [asker.ask(server.address, QUESTION, 30.0) for _ in range(8)]
        for one in found:
            turn_until(ground, one, step)
    assert len({octets[:2] for octets in server.octets}) == 8
