"""The seams answer at once; only a question to a resolver waits."""

from __future__ import annotations

import ast
from inspect import getsource

from starship import exchanging, interfaces, legs

WORDS = [
    (seam.name, word)
    for module in (legs, interfaces, exchanging)
    for seam in ast.parse(getsource(module)).body
    if isinstance(seam, ast.ClassDef)
    for word in seam.body
    if isinstance(word, ast.FunctionDef) and not word.name.startswith("_")
]


def test_a_deferred_exists_only_where_we_must_wait() -> None:
    waiting = {
        f"{seam}.{word.name}" for seam, word in WORDS if word.returns and "Deferred" in ast.unparse(word.returns)
    }
    assert waiting == {"IResolver.resolve", "IResolver.renew"}


def test_each_word_of_a_seam_says_what_it_means() -> None:
    assert [f"{seam}.{word.name}" for seam, word in WORDS if not ast.get_docstring(word)] == []
