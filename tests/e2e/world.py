"""
The world around a real Starship: a lookup API and clusters in threads, and `twistd starship` as a process of its own.

Everything is on loopback, at ports that the kernel picks. Clusters count what reaches them; the API counts questions.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from attrs import define, field

from starship.mock.certificates import Authority

WAIT_S = 30.0
"""Longer than anything takes on a machine that has other things to do; nobody waits so long where all is well."""

START_S = 90.0
"""Python, Twisted and all our rooms are read from a disk that others use too."""

ADMIN = r"AdminSite starting on (\d+)\n"

AGAIN_S = 0.5
"""Who does not end is asked to so often: two signals of a kind that come at once are one."""


def until(holds: Callable[[], Any], what: str = "the condition", seconds: float = WAIT_S) -> Any:
    """Look again and again until something holds; its value. The one place of these tests that waits."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = holds()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def serve(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Api(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    block_on_close = False
    allow_reuse_port = True  # see `closed_port`

    def __init__(self, *arguments: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has left: its right."""

    def hang_up(self) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@define(eq=False)
class Api:
    """
    The lookup API. `hosts` maps a name to its answer (a dict), or to a callable that gets the handler and does what
    it likes. Unknown names are 404. `asked` counts questions by name; `paths` are the targets as they came.
    """

    hosts: dict[str, Any] = field(factory=dict)
    asked: Counter[str] = field(factory=Counter)
    seen: list[dict[str, str]] = field(factory=list)
    paths: list[str] = field(factory=list)
    everyone: Callable[[BaseHTTPRequestHandler], None] | None = None  # when set, answers every question
    _server: _Api | None = None
    _counting: threading.Lock = field(factory=threading.Lock)  # each question has a thread
    port: int = 0

    def start(self, port: int = 0) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                pass

            def do_GET(self) -> None:
                name = parse_qs(urlsplit(self.path).query).get("host", [""])[0]
                with api._counting:
                    api.asked[name] += 1
                    api.seen.append(dict(self.headers.items()))
                    api.paths.append(self.path)
                answer = api.everyone or api.hosts.get(name)
                if callable(answer):
                    answer(self)
                elif answer is None:
                    self.say(404, {"error": "no such host"})
                else:
                    self.say(200, answer)

            def say(self, status: int, answer: Any) -> None:
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = _Api(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        serve(self._server)

    def hang_up(self) -> None:
        """Close all connections, those that wait for the next question too."""
        if self._server is not None:
            self._server.hang_up()

    def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None


@define(eq=False)
class Cluster:
    """
    Takes connections on one port with `handler`, a function of the accepted socket. `visits` counts them, `open` those
    that are served now. `port` 0 lets the kernel choose.

    The ready-made handlers of this module: `echo`, `http_hello(text)`, `tls_hello(context, text)`.
    """

    handler: Callable[[socket.socket], None]
    host: str = "127.0.0.1"
    port: int = 0
    visits: int = 0
    _listener: socket.socket | None = None
    _accepting: threading.Thread | None = None
    _connections: set[socket.socket] = field(factory=set)

    def start(self) -> Cluster:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=1024, reuse_port=True)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()
        return self

    def stop(self) -> None:
        """Listen no more; those who were taken are served on. To keep the port: stop within `closed_port(port)`."""
        if self._listener is not None and self._accepting is not None:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._accepting.join(WAIT_S)  # its descriptor may be another's once it is closed
            self._listener.close()
            self._listener = None

    @property
    def open(self) -> int:
        return len(self._connections)

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._connections.add(connection)
        try:
            self.handler(connection)
        except OSError:
            pass
        finally:
            connection.close()
            self._connections.discard(connection)


def echo(connection: socket.socket) -> None:
    """Sends back whatever comes, until the end of the stream."""
    while data := connection.recv(65536):
        connection.sendall(data)


def http_hello(text: str) -> Callable[[socket.socket], None]:
    """Answers one request with a page that repeats the request's first line and Host, and closes."""

    def handle(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return
            head += data
        body = f"{text}\n".encode() + head
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    return handle


def tls_hello(context: ssl.SSLContext, text: str) -> Callable[[socket.socket], None]:
    """The same behind TLS."""

    def handle(connection: socket.socket) -> None:
        connection.settimeout(WAIT_S)
        with context.wrap_socket(connection, server_side=True) as secure:
            http_hello(text)(secure)
            secure.unwrap()

    return handle


@define(eq=False)
class Certificates:
    """An authority in a directory, and server contexts for names."""

    directory: Path
    authority: Authority = field(factory=lambda: Authority.made("Starship tests", datetime.now(UTC)))

    @property
    def ca_file(self) -> Path:
        path = self.directory / "ca.pem"
        path.write_bytes(self.authority.pem)
        return path

    def context(self, *names: str) -> ssl.SSLContext:
        leaf = self.authority.leaf(names, datetime.now(UTC))
        certificate, key = self.directory / f"{names[0]}.pem", self.directory / f"{names[0]}.key"
        certificate.write_bytes(leaf.certificate)
        key.write_bytes(leaf.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


@define(eq=False)
class Starship:
    """`twistd starship` as a process. Doors are found by their names in its log."""

    directory: Path
    ini: str
    process: subprocess.Popen[bytes]
    log: Path
    access_log: Path

    def port(self, door: str) -> int:
        """Where a listener of that name listens (its first endpoint)."""
        return self.ports(door)[0]

    def ports(self, door: str) -> list[int]:
        pattern = rf"listener {re.escape(door)} starting on (\d+)\n"
        found = until(lambda: re.findall(pattern, self.log.read_text()), f"listener {door}")
        return [int(port) for port in found]

    @property
    def admin(self) -> int:
        found = until(lambda: re.search(ADMIN, self.log.read_text()), "the admin port")
        return int(found.group(1))

    def get(self, path: str) -> tuple[int, str]:
        """A page of the admin site."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}")
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(f'{key}="{text}"' in sample for key, text in labels.items()):
                total += float(value)
        return total

    def connections(self, **query: str) -> list[dict[str, Any]]:
        """Who is connected now, of those who are meant."""
        status, text = self.ask("GET", "/connections", query)
        assert status == 200, text
        rows: list[dict[str, Any]] = json.loads(text)["connections"]
        return rows

    def close_connections(self, **fields: str) -> int:
        """Close those who are meant; how many there were."""
        status, text = self.ask("POST", "/connections/close", body=json.dumps(fields).encode())
        assert status == 200, text
        count: int = json.loads(text)["closed"]
        return count

    def ask(
        self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, str]:
        """A page of the admin site as programs ask for it."""
        target = f"http://127.0.0.1:{self.admin}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = urllib.request.Request(target, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def endings(self) -> list[dict[str, Any]]:
        """The access log, as far as its lines are whole: one may be half written when it is read."""
        if not self.access_log.exists():
            return []
        return [json.loads(line) for line in self.access_log.read_text().split("\n")[:-1]]

    def settled(self) -> int:
        """How many lines the access log has, once nobody is inside and it has one for each connection that was."""
        until(lambda: self.metric("starship_connections_active") == 0, "nobody is inside")
        until(lambda: len(self.endings()) == self.metric("starship_connections_total"), "a line for each connection")
        return len(self.endings())

    def ending(self, **words: Any) -> dict[str, Any]:
        """The last Ending with these fields, once it is there."""

        def find() -> dict[str, Any] | None:
            found = [ending for ending in self.endings() if all(ending.get(key) == words[key] for key in words)]
            return found[-1] if found else None

        result: dict[str, Any] = until(find, f"an ending with {words}")
        return result

    def opened(self) -> Iterator[str]:
        """What each open descriptor is."""
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed since
                yield str(descriptor.readlink())

    def descriptors(self) -> int:
        return sum(1 for _ in self.opened())

    def resident(self) -> int:
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, twice and more if need be; the exit status."""
        end = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < end:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(AGAIN_S)
        return self.process.wait(AGAIN_S)


def answers(path: Path) -> bool:
    """Whether somebody takes connections at this socket: it is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(path))
        except OSError:
            return False
    return True


def twistd(*arguments: str) -> list[str]:
    """The command line of `twistd` in this environment."""
    return [sys.executable, "-m", "twisted", *arguments] if not TWISTD.exists() else [str(TWISTD), *arguments]


TWISTD = Path(sys.executable).with_name("twistd")


@contextmanager
def starship(
    directory: Path,
    ini: str,
    *,
    wait: bool = True,
    prefix: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    access_log: Path | None = None,
    log_keys: str = "",
) -> Iterator[Starship]:
    """
    Run it with this ini text, to which an access log and an admin port are added, behind the command `prefix`.

    `flags` are twistd's own, `log_keys` more lines for the section of the access log.

    At its end the process has no line at ERROR or CRITICAL in its log, and no traceback.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config, log = directory / "starship.ini", directory / "starship.log"
    access_log = access_log or directory / "access.log"
    admin = "" if "[admin]" in ini else "\n[admin]\nendpoint = tcp:0:interface=127.0.0.1\n"
    config.write_text(f"{ini}{admin}\n[access_log]\npath = {access_log}\nformat = json\n{log_keys}\n")
    command = [
        *prefix,
        *twistd("--nodaemon", "--pidfile=", f"--logfile={log}", *flags, "starship", "--config", str(config)),
    ]
    with (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=directory, stderr=stderr, stdout=stderr, env={**os.environ, **(environment or {})}
        )
    world = Starship(directory, ini, process, log, access_log)
    try:
        if wait:
            until(
                lambda: process.poll() is not None or (log.exists() and re.search(ADMIN, log.read_text())),
                "the start",
                START_S,
            )
            assert process.poll() is None, (directory / "stderr").read_text()
            until(lambda: world.get("/readyz")[0] == 200, "readiness")
        yield world
    finally:
        world.stop()
    text = log.read_text() if log.exists() else ""
    assert "Traceback" not in text, text
    assert "#error" not in text, text
    assert "#critical" not in text, text


def in_mode(mode: str, ini: str) -> str:
    """An ini whose plain doors carry HTTP in this mode."""
    return re.sub(r"^protocol = (http|auto)$", rf"protocol = \1\nmode = {mode}", ini, flags=re.MULTILINE)


def patient(text: str, whole: str, longest: str, **more: str) -> str:
    """A section's lines, and deadlines that no busy machine meets for what they leave out; `whole` says the longest."""
    said = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines())}
    times = {whole: longest, "connect_timeout": said.get(whole, longest), **more}
    return "\n".join((text, *(f"{key} = {value}" for key, value in times.items() if key not in said)))


def ini_text(api: Api, *, extra: str = "", lookup: str = "", upstream: str = "", doors: str = "") -> str:
    """
    An ini with a TLS, an HTTP and an auto door on loopback, and this API.

    Where `lookup` and `upstream` say nothing of a deadline, it is one that is not met.
    """
    lookup, upstream = patient(lookup, "timeout", "30s", wait="60s"), patient(upstream, "dial_timeout", "60s")
    return f"""
[listener:https]
protocol = tls
endpoint = tcp:0:interface=127.0.0.1
{doors}
[listener:http]
protocol = http
endpoint = tcp:0:interface=127.0.0.1
{doors}
[listener:any]
protocol = auto
endpoint = tcp:0:interface=127.0.0.1
{doors}
[lookup]
url = http://127.0.0.1:{api.port}/?host={{host}}
{lookup}
[upstream]
allow = 127.0.0.0/8 ::1
{upstream}
{extra}
"""
