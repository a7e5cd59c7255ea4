"""
Rereading: what is in files is read again when they change, and the last good reading stays in use when that fails.

Part of `route`: token and certificates are replaced under a running service. Knows paths, not what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final, Generic, TypeVar

from attrs import define, field
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from starship.errors import StarshipError

T = TypeVar("T")

CHECK_S: Final = 1.0
"""How long the files are taken to be as they were: one look at each a second at most, when somebody asks."""

Signature = tuple[tuple[int, ...], ...]


@define(eq=False)
class Rereading(Generic[T]):
    """
    A value made of files by `read`, which raises StarshipError for what cannot be used; the first time it is let out.

    A broken new file is told of once, and the old value is kept.
    """

    log: ClassVar[Logger] = Logger()

    _paths: tuple[Path, ...]
    _read: Callable[[], T]
    _clock: IReactorTime
    _seen: Signature = field(init=False)
    _value: T = field(init=False)
    _checked: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._seen = self._signature()
        self._value = self._read()
        self._checked = self._clock.seconds()

    def __call__(self) -> T:
        """The value, as the files have it."""
        now = self._clock.seconds()
        if self._paths and now - self._checked >= CHECK_S:
            self._checked = now
            seen = self._signature()
            if seen != self._seen:
                self._seen = seen
                self._reread()
        return self._value

    def _reread(self) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._value = self._read()
        except StarshipError as error:
            self.log.warn("{why}; what was read before stays in use", why=str(error), files=names)
        else:
            self.log.info("read again, since it changed: {files}", files=names)

    def _signature(self) -> Signature:
        return tuple(map(_signature, self._paths))


def _signature(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)


@implementer(IPolicyForHTTPS)
@define(eq=False)
class RereadPolicy:
    """An IPolicyForHTTPS of now. Connections that are open stay as they were made."""

    _policy: Rereading[IPolicyForHTTPS]

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """As the policy of now."""
        creator: IOpenSSLClientConnectionCreator = self._policy().creatorForNetloc(hostname, port)
        return creator
