"""
How the peers are configured: one worker each, routes by name, as their manuals have it. Pure: a world in, text out.

Part of the benchmarks. Three doors each: `tls` (by SNI, not decrypted), `http` (by Host, a connection each, its bytes
untouched where the peer can) and `web` (by Host, request by request on kept connections, where the peer can).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from benchmarks.wire.world import World

LISTEN = "127.0.0.1"


@frozen(kw_only=True)
class Place:
    """Where a peer runs: its ports by door, a folder of its own, and where it logs accesses (None: nowhere)."""

    doors: Mapping[str, int]
    folder: Path
    log: Path | None


def nginx(world: World, place: Place) -> str:
    """`stream` with ssl_preread for TLS; HTTP is proxied with a connection each, and on `web` with kept ones."""
    rows = "\n".join(f"    {name} {world.group_of(name)};" for name in world.homes())
    table = f"map_hash_max_size 4096;\n  map_hash_bucket_size 128;\n  map %s $group {{\n    default none;\n{rows}\n  }}"
    plain = "\n".join(f"  upstream {group} {{ server {home}; }}" for group, home in world.groups().items())
    kept = "\n".join(
        f"  upstream web-{group} {{ server {home}; keepalive 64; keepalive_requests 1000000000; }}"
        for group, home in world.groups().items()
    )
    log, stream_log = "access_log off;", "access_log off;"
    if place.log:
        log = f"access_log {place.log} combined buffer=64k flush=1s;"
        fields = "$remote_addr [$time_local] $ssl_preread_server_name $status $bytes_sent $bytes_received $session_time"
        stream_log = f"log_format line '{fields}';\n  access_log {place.log} line buffer=64k flush=1s;"
    temporary = "\n".join(
        f"  {kind}_temp_path {place.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
load_module modules/ngx_stream_module.so;
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {place.folder}/nginx.pid;
error_log {place.folder}/error.log error;
events {{ worker_connections 15000; }}
stream {{
  {stream_log}
  {table % "$ssl_preread_server_name"}
{plain}
  server {{ listen {LISTEN}:{place.doors["tls"]} backlog=4096; ssl_preread on; proxy_pass $group; }}
}}
http {{
  {log}
  {table % "$host"}
{temporary}
{plain}
{kept}
  keepalive_requests 1000000000;
  proxy_http_version 1.1;
  proxy_max_temp_file_size 0;
  server {{
    listen {LISTEN}:{place.doors["http"]} backlog=4096;
    location / {{ proxy_pass http://$group; proxy_set_header Host $host; }}
  }}
  server {{
    listen {LISTEN}:{place.doors["web"]} backlog=4096;
    location / {{ proxy_pass http://web-$group; proxy_set_header Host $host; proxy_set_header Connection ""; }}
  }}
}}
"""


def haproxy_table(world: World) -> str:
    """The file that its maps are read from."""
    return "".join(f"{name} {world.group_of(name)}\n" for name in world.homes())


def haproxy(world: World, place: Place, *, splicing: bool) -> str:
    """Its maps are read from `hosts.map` in its folder. `splicing`: forced in both directions."""
    table = place.folder / "hosts.map"
    splice = "  option splice-request\n  option splice-response\n" if splicing else ""
    log = "  log stdout format raw local0 info\n" if place.log else ""
    tcp_log, http_log = ("  log global\n  option tcplog\n", "  log global\n  option httplog\n") if log else ("", "")
    backends = "\n".join(
        f"backend {group}\n  server s {home}\nbackend web-{group}\n  mode http\n  http-reuse always\n  server s {home}"
        for group, home in world.groups().items()
    )
    return f"""\
global
  maxconn 7000
  nbthread 1
{log}{"  maxpipes 500" if splicing else ""}
defaults
  mode tcp
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout http-keep-alive 120s
{splice}
frontend tls
{tcp_log}  bind {LISTEN}:{place.doors["tls"]} backlog 4096
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend %[req.ssl_sni,lower,map({table},none)]
frontend http
{tcp_log}  bind {LISTEN}:{place.doors["http"]} backlog 4096
  tcp-request inspect-delay 5s
  tcp-request content accept if HTTP
  use_backend %[req.hdr(host),lower,map({table},none)]
frontend web
  mode http
{http_log}  bind {LISTEN}:{place.doors["web"]} backlog 4096
  use_backend web-%[req.hdr(host),lower,map({table},none)]
backend none
  tcp-request content reject
{backends}
"""


def sniproxy(world: World, place: Place) -> str:
    """It has no third door."""
    rows = "\n".join(f"    ^{name.replace('.', '[.]')}$ {home}" for name, home in world.homes().items())
    log = f"access_log {{\n    filename {place.log}\n}}\n" if place.log else ""
    return f"""\
user root
pidfile {place.folder}/sniproxy.pid
error_log {{
    filename {place.folder}/error.log
    priority error
}}
{log}listener {LISTEN}:{place.doors["tls"]} {{
    proto tls
    table hosts
}}
listener {LISTEN}:{place.doors["http"]} {{
    proto http
    table hosts
}}
table hosts {{
{rows}
}}
"""


def starship(world: World, place: Place) -> str:
    """Its routes come from the snapshot `routes` in its folder, as after a restart."""
    log = f"path = {place.log}" if place.log else "enabled = no"
    return f"""\
[listener:https]
protocol = tls
endpoint = tcp:{place.doors["tls"]}:interface={LISTEN}
[listener:http]
protocol = http
mode = tunnel
endpoint = tcp:{place.doors["http"]}:interface={LISTEN}
[listener:web]
protocol = http
mode = requests
endpoint = tcp:{place.doors["web"]}:interface={LISTEN}
[lookup]
url = http://127.0.0.1:{world.api_port}/?host={{host}}
[cache]
snapshot = {place.folder / "routes"}
snapshot_interval = 1d
routes = 200000
routes_size = 512 MiB
[upstream]
allow = 127.0.0.0/8
[limits]
connections = 9000
[access_log]
{log}
[admin]
endpoint =
"""
