"""A pool as people read it: one line for a member, and words for whatever is not as usual."""

from __future__ import annotations

from attrs import evolve

from starship.admin.pooltelling import TITLE, member_fields, not_well, state_of, summary_line, text_of
from tests.admin.basins import Waters
from tests.dial.pools.pooling import eject, seat_of


def test_a_person_reads_who_is_used_and_why_others_are_not() -> None:
    waters = Waters()
    pool = waters.web.at(443)
    eject(pool, "192.0.2.2")
    waters.world.clock.advance(4)
    told = text_of(waters.pools.views("web"), ()).splitlines()
    assert told[0] == "web: round_robin, 3 endpoints (1 ejected, 2 up), 1 used, 0 live, 0 connections so far"
    assert told[2] == "at most 9 each, 0 of 256 wait; 0 retries, 0 refused"
    assert told[3] == TITLE
    rows = [line.split(maxsplit=9) for line in told[4:]]
    assert rows == [
        ["192.0.2.1:443", "up", "4.0", "100%", "3", "0", "0", "0", "0", "-"],
        ["192.0.2.2:443", "ejected", "4.0", "0%", "1", "0", "0", "3", "1", "used again in 6.0 s; refused"],
        ["192.0.2.9:443", "up", "4.0", "0%", "1", "0", "0", "0", "0", "backup"],
    ]


def test_one_is_told_as_one() -> None:
    waters = Waters()
    (view,) = waters.pools.views("web")
    told = summary_line((evolve(view, total=1, waiting=1, members=view.members[:1]),))
    assert (
        told == "web: round_robin, 1 endpoint (1 up), 1 used, 0 live, 1 connection so far; waiting for room: 1 client"
    )


def test_spare_connections_that_stand_ready_are_told() -> None:
    waters = Waters()
    waters.world.means.ready = lambda address: 0 if address.host == "192.0.2.1" else 2
    views = waters.pools.views("web")
    remarks = [line.split(maxsplit=9)[9] for line in text_of(views, ()).splitlines()[4:]]
    assert remarks == ["-", "2 spare", "backup; 2 spare"]
    assert [member_fields(member)["spares"] for member in views[0].members] == [0, 2, 2]


def test_names_are_told_with_the_age_of_their_answer_and_what_went_wrong_since() -> None:
    waters = Waters()
    views = waters.pools.views("mail")
    assert text_of(views, (waters.known(),)).splitlines()[-1] == (
        "mail.internal: 1 address, answered 3.0 s ago, asked again in 27.0 s"
    )
    assert (
        text_of(views, (waters.known("servfail"),))
        .splitlines()[-1]
        .endswith("; since then servfail, so the last good answer stays")
    )


def test_what_is_not_as_usual_is_put_in_words() -> None:
    waters = Waters()
    pool = waters.web.at(443)
    eject(pool, "192.0.2.2")
    seat_of(pool, "192.0.2.9").member.goes_down("ECONNREFUSED")
    waters.pools.drain("web", "192.0.2.1:443")
    one, two, spare = waters.pools.views("web")[0].members
    assert [state_of(member) for member in (one, two, spare)] == ["draining", "ejected", "down"]
    assert not_well(one) == "draining: no new connections, 0 live"
    assert not_well(two) == "ejected for 0.0 s, used again in 10.0 s (refused)"
    assert not_well(spare) == "down for 0.0 s (ECONNREFUSED)"
    waters.pools.undrain("web", "192.0.2.1:443")
    assert not_well(waters.pools.views("web")[0].members[0]) == ""


def test_a_pool_of_which_nobody_is_well_says_so() -> None:
    waters = Waters()
    pool = waters.web.at(443)
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.9"):
        seat_of(pool, host).member.goes_down("ECONNREFUSED")
    assert summary_line(waters.pools.views("web")).endswith("; PANIC: none is well, all are tried")
