"""
The grammar of the ini file: bytes -> sections of (key, value, line), and every mistake of spelling at once.

The first step of `config`, before `keys` says what a key means; knows no key. The standard configparser does not
serve: it keeps no line numbers, and stops at the first line that stands before a section or appears twice.

    [section]                 a section; each name once
    key = value               up to the first `=`; spaces around both do not count; each key once in its section
        more of the value     an indented line goes on with the value above, and is no key; a blank line ends it
    # words, or ; words       a comment has a line of its own
    key = value # words       or follows a value: white space, `#`, white space (so `#4f46e5` is a value)

The file is UTF-8, with or without a byte order mark; lines end in LF or CRLF; no control character but the tab.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from starship.errors import Mistake

_SECTION = re.compile(r"\[([^\[\]]*)\]")
_INDENTED_KEY = re.compile(r"([a-z_]{1,40}) *=")
_INLINE_COMMENT = re.compile(r"(?:^|[ \t])#(?:[ \t]|$)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_BOM: Final = b"\xef\xbb\xbf"


@frozen
class Entry:
    """One `key = value`. Further lines of the value are joined with LF; `line` is that of the key, from 1."""

    key: str
    value: str
    line: int


@frozen
class Section:
    """One `[name]` with its entries in their order."""

    name: str
    line: int
    entries: tuple[Entry, ...]


def read(raw: bytes, file: str) -> tuple[tuple[Section, ...], tuple[Mistake, ...]]:
    """
    Read the whole file as far as it makes sense.

    Returns: the sections, and what is wrong. What is wrong is left out of the sections, so that nothing is said twice.
    Raises: nothing, whatever the bytes.
    """
    reader = _Reader(file)
    for number, line in enumerate(raw.removeprefix(_BOM).split(b"\n"), 1):
        reader.line(number, line.removesuffix(b"\r"))
    return tuple(section.frozen() for section in reader.sections.values()), tuple(reader.mistakes)


@define(eq=False)
class _OpenEntry:
    key: str
    line: int
    parts: list[str]

    def frozen(self) -> Entry:
        return Entry(self.key, "\n".join(part for part in self.parts if part), self.line)


@define(eq=False)
class _OpenSection:
    name: str
    line: int
    entries: dict[str, _OpenEntry] = field(factory=dict)

    def frozen(self) -> Section:
        return Section(self.name, self.line, tuple(entry.frozen() for entry in self.entries.values()))


@define(eq=False)
class _Reader:
    file: str
    sections: dict[str, _OpenSection] = field(factory=dict)
    mistakes: list[Mistake] = field(factory=list)
    section: _OpenSection | None = None
    entry: _OpenEntry | None = None
    headless: bool = False  # a line before the first section was reported: once is enough

    def line(self, number: int, raw: bytes) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self._mistake(number, "text in UTF-8")
            return
        if _CONTROL.search(text):
            self._mistake(number, "no control characters (NUL, escape, a carriage return within the line)")
            return
        bare = text.strip()
        if not bare:
            self.entry = None
        elif bare[0] in "#;":
            return
        elif text[0] in " \t":
            self._more(number, bare)
        elif bare[0] == "[":
            self._open(number, _uncommented(bare))
        else:
            self._pair(number, bare)

    def _more(self, number: int, bare: str) -> None:
        if self.entry is None:
            self._mistake(number, "a key at the start of the line (an indented line continues the value above it)")
            return
        if match := _INDENTED_KEY.match(bare):  # most likely a comment whose `#` was taken away, and its space was not
            self._mistake(
                number,
                f"this at the start of the line (indented, it continues the value of {self.entry.key})",
                match[1],
            )
            return
        self.entry.parts.append(_uncommented(bare))

    def _open(self, number: int, bare: str) -> None:
        self.entry = None
        match = _SECTION.fullmatch(bare)
        name = match[1].strip() if match else ""
        self.section = _OpenSection(name, number)
        if not name:
            self._mistake(number, "a section such as [lookup]")
        elif name in self.sections:
            first = self.sections[name].line
            self._mistake(number, f"each section once; the first [{_brief(name)}] is on line {first}")
        else:
            self.sections[name] = self.section

    def _pair(self, number: int, bare: str) -> None:
        key, equals, value = bare.partition("=")
        key = key.rstrip()
        # An entry that is not kept still takes the indented lines below it.
        self.entry = _OpenEntry(key, number, [_uncommented(value.lstrip())])
        if not equals or not key:
            self._mistake(number, "key = value, [section], or a comment after # or ;")
        elif self.section is None:
            if not self.headless:
                self._mistake(number, "a [section] line before the first key")
            self.headless = True
        elif key in self.section.entries:
            first = self.section.entries[key].line
            self._mistake(number, f"each key once in a section; the first is on line {first}", key)
        else:
            self.section.entries[key] = self.entry

    def _mistake(self, number: int, allowed: str, key: str = "") -> None:
        section = self.section.name if self.section is not None else ""
        self.mistakes.append(Mistake(file=self.file, line=number, section=section, key=key, allowed=allowed))


def _uncommented(text: str) -> str:
    match = _INLINE_COMMENT.search(text)
    return (text[: match.start()] if match else text).rstrip()


def _brief(name: str) -> str:
    return name if len(name) <= 40 else name[:40] + "…"
