"""
The page that links the others, and how it looks. Pure.

Part of `admin`, floor 6. Nothing is loaded from elsewhere; the one form on it asks `/explain`.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from starship.admin.replies import HTML, Reply, Visit

_STYLE = """
:root{color-scheme:light dark;--ink:#1e1b4b;--soft:#6b7280;--line:#e5e7eb;--paper:#fff;--back:#f5f5fb;--accent:#4f46e5}
@media(prefers-color-scheme:dark){:root{--ink:#eef2ff;--soft:#9ca3af;--line:#2e2e48;--paper:#1a1a2e;--back:#10101c;
--accent:#a5b4fc}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
main{width:min(34rem,calc(100vw - 3rem));background:var(--paper);border:1px solid var(--line);border-radius:14px;
padding:2rem;box-sizing:border-box;margin:1.5rem 0}
h1{margin:0 0 .25rem;font-size:1.5rem}h2{margin:1.5rem 0 .5rem;font-size:.8rem;letter-spacing:.06em;
text-transform:uppercase;color:var(--soft)}p{margin:0 0 1.25rem;color:var(--soft)}p.note{margin:1.25rem 0 0;
font-size:.875rem}
ul{list-style:none;margin:0;padding:0}li{border-top:1px solid var(--line)}
a{display:flex;justify-content:space-between;gap:1rem;padding:.6rem 0;color:var(--accent);text-decoration:none;
font-weight:600}a:hover,a:focus{text-decoration:underline}a span{color:var(--soft);font-weight:400;text-align:right}
form{display:flex;gap:.5rem}input{flex:1;min-width:0;padding:.55rem .75rem;border:1px solid var(--line);
border-radius:8px;background:var(--back);color:var(--ink);font:inherit}button{padding:.55rem 1.1rem;border:0;
border-radius:8px;background:var(--accent);color:var(--paper);font:inherit;font-weight:600;cursor:pointer}
"""

_INDEX = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Starship admin</title><style>{_STYLE}</style></head>
<body><main><h1>Starship</h1><p>The front door of the fleet, seen from the inside.</p>
<form action="/explain"><input name="host" placeholder="www.example.com" aria-label="host" required autofocus>
<button>Explain</button></form>
<h2>Names</h2><ul>
<li><a href="/lookups">/lookups<span>how are the APIs, and who is over the budget?</span></a></li>
<li><a href="/pools">/pools<span>which endpoints are used, and which are not</span></a></li>
<li><a href="/connections">/connections<span>who is connected, to whom, since when</span></a></li>
<li><a href="/cache">/cache<span>the routes that are remembered</span></a></li>
<li><a href="/cache?store=misses">/cache?store=misses<span>the names that are not there</span></a></li>
<li><a href="/cache/warm">/cache/warm<span>lists that are looked up ahead</span></a></li>
</ul><h2>Health</h2><ul>
<li><a href="/metrics">/metrics<span>for Prometheus</span></a></li>
<li><a href="/healthz">/healthz<span>is the process running?</span></a></li>
<li><a href="/readyz">/readyz<span>may clients be sent here?</span></a></li>
</ul><p class="note">Names need the token of [admin] token_file where there is one. What changes something is done by
the commands <b>starship cache</b>, <b>starship connections</b> and <b>starship pools</b>, or by PUT, POST and
DELETE.</p></main></body></html>
""".encode()

POLICY: Final = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; \
base-uri 'none'; form-action 'self'; frame-ancestors 'none'".encode()
"""The Content-Security-Policy of every answer."""


def index(visit: Visit) -> Reply:
    """The page."""
    return Reply(status=200, kind=HTML, body=_INDEX)
