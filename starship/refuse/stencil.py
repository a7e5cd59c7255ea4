"""
Templates: read once, checked once, cut into what is fixed and what is not.

Part of `refuse`. A `$name` or `${name}` is a placeholder, `$$` a dollar sign (the spelling of string.Template).
Whoever fills one in has escaped the value; this module knows no HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from attrs import evolve, frozen

from starship.errors import BadPages
from starship.refuse.wording import is_error_status

TEMPLATE_LIMIT_BYTES: Final = 32768
_DEFAULT: Final = "page.html"


@frozen
class Slot:
    """A place to be filled in."""

    name: str


@frozen
class Stencil:
    """A text with slots in it."""

    pieces: tuple[str | Slot, ...]

    @classmethod
    def parse(cls, text: str, file: str, known: Iterable[str]) -> Stencil:
        """Cut a template. Raises: BadPages, with every placeholder in it that is none of `known`."""
        known = frozenset(known)
        pieces: list[str | Slot] = []
        mistakes: list[str] = []
        end = 0
        for match in Template.pattern.finditer(text):
            pieces.append(text[end : match.start()])
            end = match.end()
            name = match["named"] or match["braced"]
            if match["escaped"]:
                pieces.append("$")
            elif name in known:
                pieces.append(Slot(name))
            else:
                line = text.count("\n", 0, match.start()) + 1
                why = f"unknown placeholder ${name}" if name else "a lone $ (write $$)"
                mistakes.append(f"{file}: line {line}: {why}; known: {', '.join(sorted(known))}")
        if mistakes:
            raise BadPages(mistakes)
        return _joined([*pieces, text[end:]])

    @property
    def size(self) -> int:
        """Bytes of what is fixed."""
        return sum(len(piece.encode("utf-8")) for piece in self.pieces if isinstance(piece, str))

    def fill(self, values: Mapping[str, str]) -> Stencil:
        """Write in the values that are known already; other slots stay."""
        return _joined([values.get(p.name, p) if isinstance(p, Slot) else p for p in self.pieces])

    def render(self, values: Mapping[str, str]) -> str:
        """Write in the rest. Raises: KeyError for a slot without a value (parse has excluded it)."""
        return "".join([piece if isinstance(piece, str) else values[piece.name] for piece in self.pieces])


def _joined(pieces: list[str | Slot]) -> Stencil:
    joined: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return Stencil(tuple(joined))


@frozen
class Stencils:
    """One stencil for all statuses, and those that have their own."""

    default: Stencil
    by_status: Mapping[int, Stencil]

    @classmethod
    def load(cls, directory: Path | None, known: Iterable[str]) -> Stencils:
        """
        Read ours, or an operator's directory: `page.html` replaces ours, `404.html` is for that status alone.

        Raises: BadPages with every mistake of the directory: unreadable, over 32 KiB, not UTF-8, an unknown
        placeholder, an .html file whose name is no error status.
        """
        ours = resources.files("starship.refuse").joinpath("templates", _DEFAULT).read_text("utf-8")
        stencils = cls(Stencil.parse(ours, _DEFAULT, known), {})
        if directory is None:
            return stencils
        try:
            files = sorted(path for path in directory.iterdir() if path.suffix == ".html")
        except OSError as error:
            raise BadPages([f"{directory}: {error.strerror or error}"]) from error
        mistakes: list[str] = []
        for file in files:
            try:
                stencils = stencils._with(file, known)
            except BadPages as error:
                mistakes += error.mistakes
        if mistakes:
            raise BadPages(mistakes)
        return stencils

    @property
    def largest(self) -> int:
        """Bytes of the largest one, without what is still to be filled in."""
        return max(stencil.size for stencil in (self.default, *self.by_status.values()))

    def of(self, status: int) -> Stencil:
        """The stencil of a status."""
        return self.by_status.get(status, self.default)

    def fill(self, values: Mapping[str, str]) -> Stencils:
        """Write the same values into all."""
        return Stencils(self.default.fill(values), {code: own.fill(values) for code, own in self.by_status.items()})

    def _with(self, file: Path, known: Iterable[str]) -> Stencils:
        if file.name == _DEFAULT:
            return evolve(self, default=Stencil.parse(_read(file), str(file), known))
        status = int(file.stem) if file.stem.isascii() and file.stem.isdecimal() and len(file.stem) == 3 else 0
        if not is_error_status(status):
            raise BadPages([f"{file}: is neither {_DEFAULT} nor named after an error status, like 404.html"])
        return evolve(self, by_status={**self.by_status, status: Stencil.parse(_read(file), str(file), known)})


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(TEMPLATE_LIMIT_BYTES + 1)
        if len(data) > TEMPLATE_LIMIT_BYTES:
            raise BadPages([f"{file}: is larger than {TEMPLATE_LIMIT_BYTES} bytes"])
        return data.decode("utf-8")
    except OSError as error:
        raise BadPages([f"{file}: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise BadPages([f"{file}: is not UTF-8 (byte {error.start})"]) from error
