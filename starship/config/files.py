"""
Keys that name files: found, readable and fit for their use, before anything listens.

Part of `config`, and its only part that reads the disk beside the ini file itself. Says nothing of what is in a file.
Relative paths start from the directory of the ini file, because a daemon's working directory is nobody's choice.
"""

from __future__ import annotations

import re
import ssl
import stat
from pathlib import Path
from typing import Final

from starship.config.values import Bad, Kind

LOGO_LIMIT_BYTES: Final = 32 * 1024
SECRET_LIMIT_BYTES: Final = 8 * 1024
PEM_LIMIT_BYTES: Final = 4 * 1024 * 1024
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TOKEN = re.compile(rb"[!-~]+")
_SVG = re.compile(r"<svg[\s>]")


def _path(text: str, base: Path) -> Path | Bad:
    if not text or "\n" in text:
        return Bad("the path of a file")
    return base / text


def read_bounded(path: Path, limit: int) -> bytes | Bad:
    """The bytes of a regular file of at most `limit` bytes, or what was expected of it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Bad("a regular file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        return Bad(f"a file that can be read ({_why(error)})")
    return data if len(data) <= limit else Bad(f"a file of at most {limit // 1024} KiB")


def _why(error: OSError | ValueError) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else "not a path"


def _read_token(text: str, base: Path) -> Path | Bad:
    path = _path(text, base)
    if isinstance(path, Bad):
        return path
    data = read_bounded(path, SECRET_LIMIT_BYTES)
    if isinstance(data, Bad):
        return data
    return path if _TOKEN.fullmatch(data.strip()) else Bad("a file with one token in it: printable ASCII, no spaces")


def _read_pem(text: str, base: Path) -> Path | Bad:
    path = _path(text, base)
    if isinstance(path, Bad):
        return path
    data = read_bounded(path, PEM_LIMIT_BYTES)
    if isinstance(data, Bad):
        return data
    return path if b"-----BEGIN " in data else Bad("a file in PEM format")


def _read_ca(text: str, base: Path) -> Path | Bad:
    path = _read_pem(text, base)
    if isinstance(path, Bad):
        return path
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (OSError, ValueError):  # SSLError is an OSError
        return Bad("a file with certificates in PEM format")
    return path


def why_no_pair(certificate: Path, key: Path) -> str:
    """Why this certificate and this key are of no use together; empty where they are."""
    try:
        # An empty password: without one OpenSSL would ask for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key of client_certificate (this one belongs to another certificate)"
        return "a PEM certificate and its PEM key, without a passphrase"
    except (OSError, ValueError):
        return "a PEM certificate and its PEM key, without a passphrase"
    return ""


def _read_logo(text: str, base: Path) -> Path | Bad:
    path = _path(text, base)
    if isinstance(path, Bad):
        return path
    data = read_bounded(path, LOGO_LIMIT_BYTES)
    if isinstance(data, Bad):
        return data
    # The suffix says later as what the picture is sent; here it has to be true.
    fits = {".png": data.startswith(_PNG), ".svg": _is_svg(data)}.get(path.suffix.lower(), False)
    return path if fits else Bad("a picture in SVG or PNG format, in a file called .svg or .png")


def _is_svg(data: bytes) -> bool:
    try:
        return _SVG.search(data.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return False


def _read_directory(text: str, base: Path) -> Path | Bad:
    path = _path(text, base)
    if isinstance(path, Bad):
        return path
    try:
        next(path.iterdir(), None)
    except (OSError, ValueError) as error:
        return Bad(f"a directory that can be read ({_why(error)})")
    return path


def _read_log(text: str, base: Path) -> Path | Bad | None:
    if text == "-":
        return None
    path = _read_data(text, base)
    return Bad(f"- for the standard output, or {path.allowed}") if isinstance(path, Bad) else path


def _read_data(text: str, base: Path) -> Path | Bad:
    path = _path(text, base)
    if isinstance(path, Bad):
        return path
    try:
        if not path.parent.is_dir() or path.is_dir():
            return Bad("a file in a directory that exists")
    except (OSError, ValueError) as error:
        return Bad(f"the path of a file ({_why(error)})")
    return path


TOKEN_FILE: Final = Kind(name="file", read=_read_token)
CA_FILE: Final = Kind(name="file, PEM", read=_read_ca)
PEM_FILE: Final = Kind(name="file, PEM", read=_read_pem)
LOGO: Final = Kind(name="file, SVG or PNG", read=_read_logo)
DIRECTORY: Final = Kind(name="directory", read=_read_directory)
DATA_FILE: Final = Kind(name="file", read=_read_data)
LOG_FILE: Final = Kind(name="`-` or file", read=_read_log, none="-")
