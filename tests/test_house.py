"""The house stands: arrows between rooms point down, each module has its test, none is too long."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "starship"
MODULES = sorted(HOUSE.rglob("*.py"))
CODE = [module for module in MODULES if module.name != "__init__.py"]
LINES_LIMIT = 400

WORKSHOPS = {"sniff", "route", "dial", "relay", "exchange", "refuse", "account", "config", "dns"}
GROUND = {"errors", "nouns", "buckets", "names", "reasons", "framing", "messages", "answers", "tlv", "words"}
GROUND |= {"addresses", "paths", "inside", "legs", "hops", "interfaces", "exchanging", "poolviews", "built"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "built": set(),
    "buckets": set(),
    "names": {"errors"},
    "reasons": set(),
    "nouns": set(),
    "framing": set(),
    "hops": set(),
    "messages": {"reasons", "nouns"},
    "answers": {"names", "nouns", "reasons"},
    "tlv": set(),
    "words": {"errors", "nouns", "names", "reasons", "messages", "answers"},
    "addresses": {"errors", "names", "reasons", "words"},
    "paths": {"errors", "names", "reasons", "words"},
    "inside": {"errors", "names", "reasons", "words"},
    "poolviews": {"errors", "names", "reasons", "words"},
    "legs": {"words"},
    "interfaces": {"errors", "names", "reasons", "words", "legs"},
    "exchanging": {"reasons", "words", "interfaces"},
    **dict.fromkeys(WORKSHOPS, GROUND),
    "dial": GROUND | {"wire"},
    "relay": GROUND | {"wire"},
    "wire": GROUND,
    "healing": GROUND,
    "guides": GROUND,
    "journey": GROUND | {"guides", "healing"},
    "mock": GROUND,
    "accept": GROUND | {"guides", "journey", "wire"},
    "process": GROUND,
    "admin": GROUND | {"account"},
    "service": GROUND | WORKSHOPS | {"wire", "guides", "journey", "accept", "admin", "process"},
    "tap": GROUND | {"service", "config", "wire", "process"},
    "cli": GROUND | {"service", "config", "mock"},
}

WITHIN_DIAL: dict[str, set[str]] = {"health": {"fault"}, "pools": {"health"}}
"""What the folders of the dial step may import of it, next to their own modules."""


def room_of(module: Path) -> str:
    return module.relative_to(HOUSE).with_suffix("").parts[0]


def imported_rooms(module: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("starship.")}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            if node.module == "starship":
                rooms |= {alias.name for alias in node.names}
            elif node.module and node.module.startswith("starship."):
                rooms.add(node.module.split(".")[1])
    return rooms


def reactor_imports(module: Path) -> list[ast.AST]:
    return [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "twisted.internet"
        and "reactor" in {alias.name for alias in node.names}
    ]


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_an_arrow_never_points_sideways_or_up(module: Path) -> None:
    room = room_of(module)
    strangers = imported_rooms(module) - MAY_IMPORT[room] - {room}
    assert not strangers, f"{module} may not import {sorted(strangers)}"


@pytest.mark.parametrize("folder", WITHIN_DIAL)
def test_a_folder_of_the_dial_step_knows_nobody_who_stands_on_it(folder: str) -> None:
    text = "\n".join(module.read_text() for module in (HOUSE / "dial" / folder).glob("*.py"))
    imported = set(re.findall(r"^from starship\.dial\.(\w+)", text, re.MULTILINE))
    assert imported <= WITHIN_DIAL[folder] | {folder}


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_has_a_mirrored_test(module: Path) -> None:
    mirrored = ROOT / "tests" / module.relative_to(HOUSE).with_name(f"test_{module.name}")
    assert mirrored.exists(), f"{mirrored.relative_to(ROOT)} is missing"


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_is_not_over_the_ceiling(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LINES_LIMIT


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_opens_with_its_place_in_the_walk(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text())), f"{module} has no docstring"


def test_the_global_reactor_is_imported_in_the_edge_modules_alone() -> None:
    offenders = {str(module.relative_to(HOUSE)) for module in CODE if reactor_imports(module)}
    assert offenders <= {"tap.py", "cli/play.py"}


def test_the_namespace_of_twisted_plugins_is_left_to_twisted() -> None:
    assert not (ROOT / "twisted" / "__init__.py").exists()
    assert not (ROOT / "twisted" / "plugins" / "__init__.py").exists()
