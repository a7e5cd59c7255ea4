"""Files that the settings name: there, readable, and fit for their use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from starship.config.files import (
    CA_FILE,
    DATA_FILE,
    DIRECTORY,
    LOG_FILE,
    LOGO,
    LOGO_LIMIT_BYTES,
    PEM_FILE,
    TOKEN_FILE,
    read_bounded,
    why_no_pair,
)
from starship.config.values import Bad, Kind
from tests.config.material import certificate_and_key

PNG = b"\x89PNG\r\n\x1a\n"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        (TOKEN_FILE, "a", b"s3cr3t\n"),
        (PEM_FILE, "a", b"-----BEGIN CERTIFICATE-----\n"),
        (LOGO, "a.png", PNG),
        (LOGO, "a.SVG", SVG),
        (LOGO, "a.png", PNG.ljust(LOGO_LIMIT_BYTES)),
    ],
)
def test_a_file_that_fits_is_taken_from_beside_the_ini_file(
    tmp_path: Path, kind: Kind, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind.read(name, tmp_path) == tmp_path / name
    assert kind.read(str(tmp_path / name), Path("/nowhere")) == tmp_path / name


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        (TOKEN_FILE, "a", b""),
        (TOKEN_FILE, "a", b"two words"),
        (TOKEN_FILE, "a", b"s3cr3t" * 10_000),
        (PEM_FILE, "a", b"\x30\x82"),
        (CA_FILE, "a", b"\x30\x82"),
        (CA_FILE, "a", b"-----BEGIN CERTIFICATE-----\n"),
        (LOGO, "a.gif", b"GIF89a"),
        (LOGO, "a", PNG),
        (LOGO, "a.svg", PNG),
        (LOGO, "a.png", SVG),
        (LOGO, "a.svg", b"\xff\xfe<svg>"),
        (LOGO, "a.png", PNG.ljust(LOGO_LIMIT_BYTES + 1)),
    ],
)
def test_a_file_that_does_not_fit_says_what_is_allowed_and_nothing_of_its_content(
    tmp_path: Path, kind: Kind, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    found = kind.read(name, tmp_path)
    assert isinstance(found, Bad)
    assert "s3cr3t" not in found.allowed


@pytest.mark.parametrize("kind", [TOKEN_FILE, CA_FILE, PEM_FILE, LOGO, DIRECTORY])
@pytest.mark.parametrize("text", ["", "missing", "a\nb", "a" * 5000, "\udcff\x00", "/dev/zero/x"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path, kind: Kind, text: str) -> None:
    assert isinstance(kind.read(text, tmp_path), Bad)


def test_a_pipe_or_a_device_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_bounded(tmp_path / "pipe", 10) == Bad("a regular file")
    assert read_bounded(Path("/dev/zero"), 10) == Bad("a regular file")
    assert read_bounded(tmp_path, 10) == Bad("a regular file")


def test_certificates_and_keys_are_loaded(tmp_path: Path) -> None:
    certificate, key = certificate_and_key(tmp_path, "one")
    _, other = certificate_and_key(tmp_path, "other")
    assert CA_FILE.read(str(certificate), tmp_path) == certificate
    assert why_no_pair(certificate, key) == ""
    assert "another certificate" in why_no_pair(certificate, other)
    assert why_no_pair(key, certificate) == "a PEM certificate and its PEM key, without a passphrase"
    assert why_no_pair(certificate, tmp_path / "missing") == "a PEM certificate and its PEM key, without a passphrase"


def test_a_key_under_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    certificate, key = certificate_and_key(tmp_path, "one", passphrase=b"x")
    assert why_no_pair(certificate, key) == "a PEM certificate and its PEM key, without a passphrase"


def test_a_directory_of_templates_is_read(tmp_path: Path) -> None:
    assert DIRECTORY.read(str(tmp_path), Path()) == tmp_path
    (tmp_path / "a").write_text("")
    assert isinstance(DIRECTORY.read("a", tmp_path), Bad)


def test_the_access_log_goes_to_stdout_or_into_a_directory_that_exists(tmp_path: Path) -> None:
    assert LOG_FILE.read("-", tmp_path) is None
    assert LOG_FILE.read("access.log", tmp_path) == tmp_path / "access.log"
    assert not (tmp_path / "access.log").exists()
    for text in ("", "missing/access.log", str(tmp_path), "a\nb", "a" * 5000 + "/b"):
        assert isinstance(LOG_FILE.read(text, tmp_path), Bad), text


def test_a_file_to_be_written_needs_its_directory(tmp_path: Path) -> None:
    assert DATA_FILE.read("routes", tmp_path) == tmp_path / "routes"
    for wrong in ("missing/routes", ".", ""):
        assert isinstance(DATA_FILE.read(wrong, tmp_path), Bad)
