"""The last raw answers, bounded in bytes (M10)."""

from __future__ import annotations

from starship.names import Hostname
from starship.route.raw import Raw, RawAnswers
from tests.route.resolvers import A_COM, B_COM


def raw(body: bytes) -> Raw:
    return Raw(0, 200, "max-age=5", body, 1.0)


def test_the_last_answer_of_a_name_is_kept_in_place_of_the_one_before() -> None:
    answers = RawAnswers(10_000)
    answers.note(A_COM, raw(b"one"))
    before = answers.bytes
    answers.note(A_COM, raw(b"two"))
    assert answers.of(A_COM) == raw(b"two")
    assert answers.of(B_COM) is None
    assert answers.bytes == before


def test_the_oldest_go_when_there_are_too_many_bytes_M10() -> None:
    answers = RawAnswers(10_000)
    for number in range(100):
        answers.note(Hostname(f"n{number}.com"), raw(b"x" * 600))
    assert answers.bytes <= 10_000
    assert answers.of(Hostname("n99.com")) is not None
    assert answers.of(Hostname("n0.com")) is None
