"""
Captures the first flights of real clients on loopback: `python tests/data/capture.py [FILE ...]`.

Each client is started against a listener on 127.0.0.1 that answers nothing; what it sends before it falls silent is its
first flight. Writes `FILE.bin` beside this module and the table in README.md. Needs the programs of `CLIENTS` in PATH
(`python3.8` to `python3.13` among them), and a Python with pyOpenSSL 25 or later to run it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import frozen

HERE = Path(__file__).parent
NAME = "shop.example.com"
ACCEPT_S = 20.0
SILENCE_S = 0.5
PREFACE = """# First flights of real clients

What each client sends before it hears anything, captured on loopback by `capture.py`, which also writes this table. A
TLS flight is one ClientHello; an HTTP flight is a request head, with its body where there is one.

| file | program | options | asks for |
|---|---|---|---|
"""


@frozen(kw_only=True)
class Client:
    """
    One flight: its file without `.bin`, its scheme, the name it asks for, how its program is started.

    `{port}` in `command` is the listener's, `{tmp}` a new directory. `served` tells whether the sniffers route it.
    """

    file: str
    name: str | None
    command: tuple[str, ...]
    version: tuple[str, ...]
    options: str
    scheme: str = "tls"
    served: bool = True
    alpn: tuple[bytes, ...] = ()

    def flight(self) -> bytes:
        """The captured bytes."""
        return (HERE / f"{self.file}.bin").read_bytes()


def _openssl(file: str, *options: str, name: str | None = NAME, alpn: tuple[bytes, ...] = ()) -> Client:
    named = ("-servername", name) if name else ("-noservername",)
    return Client(
        file=f"openssl-{file}",
        name=name.lower() if name else None,
        command=("openssl", "s_client", "-connect", "127.0.0.1:{port}", *named, *options),
        version=("openssl", "version"),
        options=" ".join((*named, *options)),
        alpn=alpn,
    )


def _curl(file: str, url: str, *options: str, scheme: str = "tls", served: bool = True) -> Client:
    return Client(
        file=f"curl-{file}",
        name=NAME if served else None,
        command=("curl", "-sk", "--noproxy", NAME, "--resolve", f"{NAME}:{{port}}:127.0.0.1", *options, url),
        version=("curl", "--version"),
        options=" ".join(options) or "none",
        scheme=scheme,
        served=served,
        alpn=() if scheme == "http" else (b"http/1.1",) if "--http1.1" in options else (b"h2", b"http/1.1"),
    )


_PYTHON_TLS = """
import socket, ssl
context = ssl.create_default_context()
context.set_alpn_protocols(["h2", "http/1.1"])
context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname="shop.example.com")
"""
_PYTHON_HTTP = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", {port})
connection.request("GET", "/", headers={{"Host": "shop.example.com:{port}"}})
connection.getresponse()
"""
_PYOPENSSL = """
import socket
from OpenSSL import SSL
sock = socket.create_connection(("127.0.0.1", {port}))
connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), sock)
connection.set_tlsext_host_name(b"shop.example.com")
connection.set_connect_state()
connection.do_handshake()
"""
_PYOPENSSL_VERSION = "from OpenSSL import SSL; print('pyOpenSSL,', SSL.SSLeay_version(0).decode())"
_NODE_TLS = """
const options = {{host: "127.0.0.1", port: {port}, servername: "shop.example.com", ALPNProtocols: ["http/1.1"]}};
require("tls").connect(options).on("error", () => process.exit(0));
"""
_NODE_HTTP = """
const options = {{host: "127.0.0.1", port: {port}, headers: {{Host: "shop.example.com"}}}};
require("http").get(options).on("error", () => process.exit(0));
"""
_CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--user-data-dir={tmp}",
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--dump-dom",
)


def _python(minor: int) -> Client:
    return Client(
        file=f"python3{minor}-ssl",
        name=NAME,
        command=(f"python3.{minor}", "-c", _PYTHON_TLS),
        version=(
            f"python3.{minor}",
            "-c",
            "import sys, ssl; print('Python', sys.version.split()[0], ssl.OPENSSL_VERSION)",
        ),
        options="ssl.create_default_context, ALPN h2 and http/1.1",
        alpn=(b"h2", b"http/1.1"),
    )


def _gnutls(file: str, priority: str) -> Client:
    return Client(
        file=f"gnutls-{file}",
        name=NAME,
        command=(
            "gnutls-cli",
            "--insecure",
            f"--sni-hostname={NAME}",
            f"--priority={priority}",
            "-p",
            "{port}",
            "127.0.0.1",
        ),
        version=("gnutls-cli", "--version"),
        options=f"--sni-hostname, --priority={priority}",
    )


def _other(file: str, program: str, options: str, *command: str, scheme: str, name: str = NAME) -> Client:
    alpn = {"node-tls": (b"http/1.1",), "chromium-tls": (b"h2", b"http/1.1")}.get(file, ())
    return Client(
        file=file, name=name, command=command, version=(program, "--version"), options=options, scheme=scheme, alpn=alpn
    )


CLIENTS: tuple[Client, ...] = (
    _openssl("default"),
    _openssl("tls10", "-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    _openssl("tls12", "-tls1_2"),
    _openssl("tls13", "-tls1_3"),
    _openssl("alpn", "-alpn", "h2,http/1.1", alpn=(b"h2", b"http/1.1")),
    _openssl("acme", "-alpn", "acme-tls/1", alpn=(b"acme-tls/1",)),
    _openssl("no-name", name=None),
    _openssl("upper-case", name="Shop.Example.COM"),
    _openssl("many-groups", "-groups", "P-521:X448:P-384:P-256:X25519:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe8192"),
    _openssl("status", "-status"),
    *(_python(minor) for minor in range(8, 14)),
    Client(
        file="pyopenssl-mlkem",
        name=NAME,
        command=(sys.executable, "-c", _PYOPENSSL),
        version=(sys.executable, "-c", _PYOPENSSL_VERSION),
        options="TLS_CLIENT_METHOD (X25519MLKEM768 by default)",
    ),
    _gnutls("default", "NORMAL"),
    _gnutls("tls12", "NORMAL:-VERS-TLS1.3"),
    _curl("https", f"https://{NAME}:{{port}}/"),
    _curl("https-tls12", f"https://{NAME}:{{port}}/", "--http1.1", "--tls-max", "1.2"),
    _other("wget-tls", "wget", "--no-check-certificate", "wget", "-qO-", "--tries=1", "--no-check-certificate",
           "https://localhost:{port}/", scheme="tls", name="localhost"),
    _other("node-tls", "node", "tls.connect, servername, ALPN http/1.1", "node", "-e", _NODE_TLS, scheme="tls"),
    _other("chromium-tls", "chromium", "--headless, --disable-quic", *_CHROMIUM, f"https://{NAME}:{{port}}/",
           scheme="tls"),
    _curl("http", f"http://{NAME}:{{port}}/", scheme="http"),
    _curl("http10", f"http://{NAME}:{{port}}/", "--http1.0", scheme="http"),
    _curl("head", f"http://{NAME}:{{port}}/", "--head", scheme="http"),
    _curl("post", f"http://{NAME}:{{port}}/", "--data", "a=1&b=2", scheme="http"),
    _curl("chunked", f"http://{NAME}:{{port}}/", "-H", "Transfer-Encoding: chunked", "--data", "a=1", scheme="http"),
    _curl("upgrade", f"http://{NAME}:{{port}}/", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
          scheme="http"),
    _curl("absolute", f"http://{NAME}/", "--noproxy", "", "--proxy", "http://127.0.0.1:{port}", scheme="http"),
    _curl("h2-prior", f"http://{NAME}:{{port}}/", "--http2-prior-knowledge", scheme="http", served=False),
    _other("wget-http", "wget", "none", "wget", "-qO-", "--tries=1", "http://localhost:{port}/", scheme="http",
           name="localhost"),
    _other("node-http", "node", "http.get", "node", "-e", _NODE_HTTP, scheme="http"),
    _other("python-http", "python3.11", "http.client", "python3.11", "-c", _PYTHON_HTTP, scheme="http"),
    _other("chromium-http", "chromium", "--headless", *_CHROMIUM, f"http://{NAME}:{{port}}/", scheme="http"),
)  # fmt: skip


def first_flight(client: Client) -> bytes:
    """Start the client and read what it sends before `SILENCE_S` without a byte. Raises: OSError, TimeoutError."""
    with socket.create_server(("127.0.0.1", 0)) as listener, _room() as tmp:
        listener.settimeout(ACCEPT_S)
        port = listener.getsockname()[1]
        command = [word.format(port=port, tmp=tmp) for word in client.command]
        # stdin stays open: some clients leave at its end before they have said hello
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                return _listen(listener)
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # with its children: a browser has many


def _room() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # a killed browser may still be writing


def _listen(listener: socket.socket) -> bytes:
    flight = b""
    while not flight:  # a browser may open a connection that it does not use
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(SILENCE_S)
            try:
                while piece := connection.recv(65536):
                    flight += piece
            except TimeoutError:
                continue
    return flight


def version_of(client: Client) -> str:
    """The first line of what the program says of its version."""
    said = subprocess.run(client.version, capture_output=True, text=True, check=True).stdout
    first = said.splitlines()[0].partition(" (")[0].strip()
    return f"{client.command[0]} {first}" if first.startswith("v") else first


def row_of(client: Client) -> str:
    """The client's line in README.md."""
    return f"| `{client.file}.bin` | {version_of(client)} | `{client.options}` | {client.name or 'nobody'} |\n"


def main(wanted: list[str]) -> None:
    """Capture the wanted files, or all, and write the table anew when it is all."""
    for client in CLIENTS:
        if wanted and client.file not in wanted:
            continue
        assert shutil.which(client.command[0]), f"{client.command[0]} is not in PATH"
        flight = first_flight(client)
        (HERE / f"{client.file}.bin").write_bytes(flight)
        print(f"{client.file}: {len(flight)} octets")
    if not wanted:
        (HERE / "README.md").write_text(PREFACE + "".join(row_of(client) for client in CLIENTS))


if __name__ == "__main__":
    main(sys.argv[1:])
