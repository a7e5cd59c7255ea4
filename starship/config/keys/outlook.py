"""
The keys of what is said and shown: pages, the access log, the admin site.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.endpoints import WINDOW
from starship.config.files import DIRECTORY, LOG_FILE, LOGO, TOKEN_FILE
from starship.config.keys.table import DAY, Section
from starship.config.links import SUPPORT
from starship.config.values import BOOLEAN, COLOUR, choice, duration, text

PAGES: Final = Section(title="pages", owner=settings.Pages, doc="How refusals look over plain HTTP.")
PAGES.add("brand", text(64), "Acme Hosting", "The name on the pages.")
PAGES.add("colour", COLOUR, "#0f766e", "The colour of the pages' accents.")
PAGES.add("logo", LOGO, "/etc/starship/logo.svg", "A picture of at most 32 KiB, sent within the page.")
PAGES.add(
    "support", SUPPORT, "mailto:help@example.com", "Where the pages send people: an https:, http: or mailto: link."
)
PAGES.add("templates", DIRECTORY, "/etc/starship/pages", "A directory whose files replace ours, name by name.")
PAGES.add("retry_after", duration(1, DAY), "30s", "What `Retry-After` says when the lookup does not work.")

ACCESS_LOG: Final = Section(
    title="access_log", owner=settings.AccessLog, doc="One line for each connection that ended, and why."
)
ACCESS_LOG.add("enabled", BOOLEAN, "no", "Write the access log.")
ACCESS_LOG.add(
    "path", LOG_FILE, "/var/log/starship/access.log", "`-` for the standard output, or a file, reopened on SIGUSR1."
)
ACCESS_LOG.add("format", choice("text", "json"), "json", "One line of text, or one JSON object a line.")
ACCESS_LOG.add(
    "proxy_fields", BOOLEAN, "yes", "In JSON: what else the balancer's PROXY header said of a client, such as its id."
)

ADMIN: Final = Section(
    title="admin", owner=settings.Admin, doc="Metrics and health, why a name goes where it goes, and the cache."
)
ADMIN.add(
    "endpoint",
    WINDOW,
    "unix:/run/starship/admin.sock:mode=660",
    "Where the admin site listens: `tcp:`, `tcp6:`, `unix:` or `systemd:`. Empty: nowhere.",
)
ADMIN.add(
    "token_file",
    TOKEN_FILE,
    "/etc/starship/admin-token",
    "A file with the token (`Authorization: Bearer`) that pages which show names or change something want. Without it"
    " they are there where no other machine reaches the endpoint: loopback and unix sockets.",
    hidden=True,
)
