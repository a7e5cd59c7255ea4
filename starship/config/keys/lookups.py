"""
The keys of the lookup: the API, the cache of its answers, and which names are asked about.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.files import CA_FILE, DATA_FILE, PEM_FILE, TOKEN_FILE
from starship.config.keys.table import DAY, MIB, YEAR, Section
from starship.config.links import URL, URLS
from starship.config.values import BOOLEAN, SUFFIXES, duration, integer, size

LOOKUP: Final = Section(
    title="lookup",
    owner=settings.Lookup,
    doc="The API that knows where a host lives. The whole section may be left out when `[routes]` knows all hosts.",
)
LOOKUP.add(
    "url",
    URL,
    "http://127.0.0.1:8000/?host={host}",
    "What is asked with GET. `{host}` stands once, in the path or the query, and becomes the percent-encoded name.",
    hidden=True,
)
LOOKUP.add("connect_timeout", duration(0.001, 60), "250ms", "How long connecting to the API may take.")
LOOKUP.add("timeout", duration(0.001, 300), "2s", "How long a question may take from start to end of the answer.")
LOOKUP.add("concurrency", integer(1, 65536), "64", "Questions in flight at once. Beyond it: `lookup_busy`.")
LOOKUP.add("answer_limit", size(256, MIB), "16 KiB", "A longer answer is a failed lookup.")
LOOKUP.add(
    "token_file",
    TOKEN_FILE,
    "/etc/starship/token",
    "A file with the token for `Authorization: Bearer`. The token itself never stands in the ini file.",
    hidden=True,
)
LOOKUP.add(
    "ca_file", CA_FILE, "/etc/starship/ca.pem", "Who may sign the certificate of an https API. Without it: the system."
)
LOOKUP.add(
    "client_certificate",
    PEM_FILE,
    "/etc/starship/client.pem",
    "The certificate to show to an https API, with its chain.",
    hidden=True,
)
LOOKUP.add("client_key", PEM_FILE, "/etc/starship/client.key", "The key of that certificate.", hidden=True)
LOOKUP.add(
    "miss_on_error", BOOLEAN, "yes", "Treat a failed lookup as an unknown host (404), as the first Starship did."
)
LOOKUP.add(
    "fallback_urls",
    URLS,
    "http://10.0.0.3:8000/?host={host}",
    "Further APIs that know the same, one a line: each is asked when the one before fails.",
    hidden=True,
)
LOOKUP.add("wait", duration(0.001, 600), "3s", "How long one client waits for an answer, whatever is tried meanwhile.")
LOOKUP.add("queue", integer(0, 1_000_000), "256", "Questions that may wait their turn when `concurrency` is reached.")
LOOKUP.add("queue_timeout", duration(0.001, 60), "250ms", "How long they wait. Beyond either: `lookup_busy`.")
LOOKUP.add(
    "breaker_failures",
    integer(1, 1000, "never"),
    "10",
    "Failures in a row after which an API is tried by single questions only. 0: never.",
)
LOOKUP.add("breaker_interval", duration(0.1, 60), "1s", "The longest time from one such question to the next.")
LOOKUP.add(
    "retry_after_limit", duration(0, 3600), "1m", "How long at most an API's `Retry-After` keeps us from asking it."
)

CACHE: Final = Section(
    title="cache",
    owner=settings.Cache,
    doc="What is remembered of the API's answers. Routes and misses live apart: scanners never push a route out.",
)
CACHE.add("ttl", duration(0, YEAR), "5m", "How long a route is remembered when the answer does not say. 0: for ever.")
CACHE.add("neg_ttl", duration(0, YEAR), "30s", "The same for an unknown host. 0: for ever.")
CACHE.add(
    "stale_ttl",
    duration(0, 30 * DAY),
    "1h",
    "How long beyond that a route is served while the lookup fails, when the answer does not say.",
)
CACHE.add(
    "stale_while_revalidate",
    duration(0, DAY),
    "5s",
    "How long after its time a route in use is served at once while it is asked about anew. 0: never.",
)
CACHE.add(
    "refresh_ahead",
    integer(0, 90),
    "20",
    "A route that is used in the last so many per cent of its time is asked about before it expires. 0: never.",
)
CACHE.add("min_ttl", duration(0, DAY), "5s", "What an answer says of its time counts as at least this (0 stays 0).")
CACHE.add("max_ttl", duration(0.001, YEAR), "1h", "And as at most this, for a route.")
CACHE.add("max_neg_ttl", duration(0.001, YEAR), "10m", "The same for an unknown host.")
CACHE.add("max_stale_ttl", duration(0, YEAR), "2d", "The same for the time that a route may be served stale.")
CACHE.add(
    "error_ttl", duration(0, 60), "500ms", "How long a name is not asked about again after its lookup failed. 0: off."
)
CACHE.add("max_error_ttl", duration(0, 300), "30s", "It doubles with each failure in a row, up to this.")
CACHE.add(
    "renew_interval",
    duration(0, 3600),
    "30s",
    "A host whose route does not work is asked about again at most once in this time.",
)
CACHE.add("routes", integer(1, 10_000_000), "500000", "Routes kept at most; the least recently used one goes first.")
CACHE.add("misses", integer(1, 10_000_000), "50000", "Unknown hosts kept at most.")
CACHE.add("routes_size", size(65536, 64 * 1024 * MIB), "1024 MiB", "The same in bytes of memory, roughly, for routes.")
CACHE.add("misses_size", size(65536, 64 * 1024 * MIB), "64 MiB", "And for unknown hosts.")
CACHE.add(
    "snapshot",
    DATA_FILE,
    "/var/lib/starship/routes",
    "A file that keeps the routes over a restart. Without it: none is kept.",
)
CACHE.add("snapshot_interval", duration(1, DAY), "10m", "How often it is written; and once more at the stop.")

NAMES: Final = Section(
    title="names",
    owner=settings.Names,
    doc=(
        "Which names are ever looked up, and how many may turn out to be unknown: random names then cost the API a"
        " bounded rate. Names that are known, and names that lead somewhere, are never counted."
    ),
)
NAMES.add(
    "suffixes",
    SUFFIXES,
    "example.com, example.net",
    "Only these names and those below them are looked up; all others are unknown at once. Without it: all.",
)
NAMES.add(
    "new_per_source",
    integer(1, 1_000_000, "no limit"),
    "50",
    "Unknown names a second that one client address (IPv6: one /64) may have looked up in the long run. 0: no limit.",
)
NAMES.add("burst_per_source", integer(1, 10_000_000), "1000", "How many of them at once.")
NAMES.add("new_overall", integer(1, 10_000_000, "no limit"), "2000", "The same for all clients together. 0: no limit.")
NAMES.add("burst_overall", integer(1, 10_000_000), "10000", "How many of them at once.")

SHADOW: Final = Section(
    title="shadow",
    owner=settings.Shadow,
    doc=(
        "A second API to be tried on real names: it is asked after the first one, compared, and never used."
        " Differences are counted and logged. It gets the same token and certificates."
    ),
)
SHADOW.add("url", URL, "http://10.0.0.9:8000/?host={host}", "What is asked, as `[lookup] url`.", hidden=True)
SHADOW.add("fraction", integer(1, 100), "10", "How many per cent of the names, always the same ones.")
