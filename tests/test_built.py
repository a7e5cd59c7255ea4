"""Which Starship it is, and that the modules which are compiled for the other one can be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from starship.built import COMPILED, PURE, built

ROOT = Path(__file__).parent.parent


def listed() -> list[Path]:
    """What setup.py compiles."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED":
            return [ROOT / str(path) for path in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no COMPILED")


def classes(module: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ClassDef)]


MODULES = listed()
FLAT = {each.name for module in MODULES for each in classes(module)} | {"Protocol"}


def test_a_module_of_python_is_pure_and_one_of_c_is_compiled() -> None:
    assert built("starship.built") == PURE
    assert built("httptools.parser.parser") == COMPILED


def test_without_a_compiler_it_is_pure() -> None:
    beside = list((ROOT / "starship" / "wire").glob("flow.*.so"))
    assert built() == (COMPILED if beside else PURE)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_class_that_is_compiled_has_no_parent_that_is_not(module: Path) -> None:
    assert module.exists()
    strangers = {ast.unparse(base) for each in classes(module) for base in each.bases} - FLAT
    assert not strangers, f"{module} inherits from {sorted(strangers)}, which mypyc cannot compile"


HOT = ("Flow", "Hold", "WireLeg", "WireTransport", "WireLoop", "Ground", "Splice", "Attempt")


@pytest.mark.parametrize("name", HOT)
def test_a_hot_class_has_no_decorator_or_compiling_it_would_gain_nothing(name: str) -> None:
    (found,) = [each for module in MODULES for each in classes(module) if each.name == name]
    assert not found.decorator_list
