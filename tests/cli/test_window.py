"""The admin port is found in what was said, in the ini file, or where it is by default; and asked once."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from pathlib import Path

import pytest

from starship.cli.window import UNUSABLE, Window, WindowError, add_window, find_window, place_of, with_window
from tests.cli.desk import desk

INI = "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n[routes]\na.com = 10.0.0.1\n[admin]\n"


def window(*options: str) -> Window:
    parser = ArgumentParser()
    add_window(parser)
    return find_window(parser.parse_args(options))


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        ("tcp:9901:interface=127.0.0.1", "http://127.0.0.1:9901"),
        ("tcp:9901", "http://127.0.0.1:9901"),
        ("tcp6:9901", "http://[::1]:9901"),
        (r"tcp6:9901:interface=2001\:db8\:\:1", "http://[2001:db8::1]:9901"),
        ("unix:/run/starship/admin.sock:mode=660", "unix:/run/starship/admin.sock"),
    ],
)
def test_an_endpoint_of_the_ini_file_is_asked_where_it_listens(endpoint: str, place: str) -> None:
    assert place_of(endpoint) == place


@pytest.mark.parametrize("endpoint", ["", "tcp:0", "systemd:domain=INET:index=0", "nonsense"])
def test_one_that_does_not_say_where_it_listens_is_told(endpoint: str) -> None:
    with pytest.raises(WindowError, match="say --admin"):
        place_of(endpoint)


def test_what_is_said_comes_before_the_ini_file_and_that_before_the_default(tmp_path: Path) -> None:
    token, ini = tmp_path / "token", tmp_path / "starship.ini"
    token.write_text("s3cret\n")
    ini.write_text(INI + f"endpoint = unix:{tmp_path}/a.sock\ntoken_file = token\n")
    assert window("--config", str(ini)) == Window(f"unix:{tmp_path}/a.sock", "s3cret")
    assert window("--config", str(ini), "--admin", "http://h:1") == Window("http://h:1", "s3cret")
    assert window("--admin", "http://[::1]:9901/", "--token-file", str(token)) == Window("http://[::1]:9901", "s3cret")
    assert window() == Window("http://127.0.0.1:9901", None)
    assert "s3cret" not in repr(window("--config", str(ini)))


@pytest.mark.parametrize("place", ["h:1", "https://h:1", "http://h", "http://h:1/x", "http://h:x", "unix:a.sock", ""])
def test_a_place_that_is_none_is_told(place: str) -> None:
    with pytest.raises(WindowError, match="neither"):
        window("--admin", place)


def test_an_ini_file_without_an_admin_port_or_with_mistakes_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "starship.ini"
    parser = ArgumentParser()
    add_window(parser)
    for text, why in ((INI + "endpoint =\n", "there is no admin port"), ("[x]\n", "expected a known section")):
        ini.write_text(text)
        found = parser.parse_args(["--config", str(ini)])
        assert with_window(found, lambda window: 0) == UNUSABLE
        assert why in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff", b"a\nb"])
def test_a_token_file_that_holds_no_token_is_told(content: bytes, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes(content)
    with pytest.raises(WindowError, match="token"):
        window("--admin", "http://h:1", "--token-file", str(token))
    with pytest.raises(WindowError, match="No such file"):
        window("--admin", "http://h:1", "--token-file", str(tmp_path / "missing"))


def test_a_question_brings_the_token_and_says_what_it_wants() -> None:
    with desk() as admin:
        admin.say(200, {"a": 1}, "served")
        answer = Window(admin.place, "s3cret").ask("PUT", "/x", {"host": "ü&"}, b"{}")
        assert (answer.status, answer.json, answer.verdict) == (200, {"a": 1}, "served")
        assert admin.asked[0].target == "/x?host=%C3%BC%26"
        assert admin.asked[0].token == "Bearer s3cret"
        assert (admin.asked[0].accept, admin.asked[0].kind) == ("application/json", "application/json")


def test_a_unix_socket_is_asked_too(tmp_path: Path) -> None:
    with desk(tmp_path / "a.sock") as admin:
        admin.say(200, {"a": 1})
        assert Window(admin.place).do("GET", "/x") == {"a": 1}
        assert admin.asked[0].token is None


def test_nobody_there_a_refusal_and_a_mistake_are_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(WindowError, match=f"{place} cannot be asked: Connection refused"):
            Window(place).ask("GET", "/x")
    with pytest.raises(WindowError, match="No such file"):
        Window(f"unix:{tmp_path}/none.sock").ask("GET", "/x")
    with desk() as admin:
        admin.say(401, {"error": "this needs the token"})
        admin.say(400, {"error": "no name"})
        admin.say(404, "not found\n")
        for why in ("refuses: this needs the token", "no name", "not found"):
            with pytest.raises(WindowError, match=why):
                Window(admin.place).do("GET", "/x")
