"""A template is read once, and every mistake in it is found then."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.errors import BadPages
from starship.refuse.pages import PLACEHOLDERS
from starship.refuse.stencil import TEMPLATE_LIMIT_BYTES, Stencil, Stencils

KNOWN = ("host", "status")


def test_what_is_filled_early_and_what_late_make_the_same_text() -> None:
    stencil = Stencil.parse("<$host|${status}|$$5>", "x.html", KNOWN)
    assert stencil.render({"host": "a", "status": "404"}) == "<a|404|$5>"
    assert stencil.fill({"status": "404"}).render({"host": "a"}) == "<a|404|$5>"
    assert len(stencil.fill({"status": "404"}).pieces) == 3


def test_a_value_is_never_read_as_a_template() -> None:
    stencil = Stencil.parse("$host $status", "x.html", KNOWN).fill({"status": "$host"})
    assert stencil.render({"host": "$status"}) == "$status $host"


def test_every_unknown_placeholder_is_named_with_file_and_line() -> None:
    with pytest.raises(BadPages) as caught:
        Stencil.parse("$host\n$hots\n${nope} 5$ ", "x.html", KNOWN)
    assert [mistake.split("; ")[0] for mistake in caught.value.mistakes] == [
        "x.html: line 2: unknown placeholder $hots",
        "x.html: line 3: unknown placeholder $nope",
        "x.html: line 3: a lone $ (write $$)",
    ]


def test_a_status_may_have_its_own_template_and_the_rest_share_one(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("all $status")
    (tmp_path / "404.html").write_text("lost $host")
    (tmp_path / "README").write_text("$ignored")
    stencils = Stencils.load(tmp_path, PLACEHOLDERS).fill({"status": "503"})
    assert stencils.of(404).render({"host": "a"}) == "lost a"
    assert stencils.of(503).render({}) == "all 503"
    assert stencils.largest == len("all 503")


def test_all_mistakes_of_a_directory_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("$nope")
    (tmp_path / "4o4.html").write_text("")
    (tmp_path / "495.html").write_text("")
    (tmp_path / "500.html").write_bytes(b"ok \xff")
    (tmp_path / "502.html").write_bytes(b"x" * (TEMPLATE_LIMIT_BYTES + 1))
    (tmp_path / "503.html").mkdir()
    with pytest.raises(BadPages) as caught:
        Stencils.load(tmp_path, PLACEHOLDERS)
    whys = ["$nope", "named after an error", "named after an error", "is not UTF-8", "is larger", "Is a directory"]
    files = ["404", "495", "4o4", "500", "502", "503"]
    for mistake, file, why in zip(caught.value.mistakes, files, whys, strict=True):
        assert f"{file}.html: " in mistake
        assert why in mistake


def test_a_directory_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadPages, match=r"nowhere: No such file"):
        Stencils.load(tmp_path / "nowhere", PLACEHOLDERS)
