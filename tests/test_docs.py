"""The pages of docs/ say what the code does: each table is held against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from starship.config.load import load
from starship.process.descriptors import shortage
from starship.reasons import Reason
from starship.refuse.alerts import AlertRefuser
from starship.refuse.pages import load_pages
from starship.tlv import WORDS
from starship.words import Address, Arrival, Door, Refusal

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
INSTALL = (DOCS / "install.md").read_text()
UNIT = (ROOT / "etc" / "starship.service").read_text()
REFUSALS = (DOCS / "refusals.md").read_text()
ARRIVAL = Arrival(
    number=1, id="x", door=Door("d", 443), client=Address("192.0.2.7", 1), local=Address("192.0.2.1", 443), start=0.0
)
PAGES = load_pages(
    brand="S", colour="#4f46e5", logo=None, support=None, templates=None, retry_after=5, wall_clock=lambda: 0.0
)
ALERT = 6  # its place in the record


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of refusals.md."""
    section = REFUSALS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def said(reason: Reason) -> list[str]:
    """A row of the table as the refusers have it."""
    refusal = Refusal(reason=reason, location="https://a.com/" if reason is Reason.REDIRECTED else None)
    page, alert = PAGES.farewell(refusal, ARRIVAL), AlertRefuser().farewell(refusal, ARRIVAL)
    http = str(page.status) if page.data else f"- ({page.status})"
    tls = str(alert.data[ALERT]) if alert.data else f"- ({alert.status})"
    return [f"`{reason}`", str(reason.row.mood), http, tls, reason.row.text]


def test_each_reason_is_in_the_docs_with_its_mood_status_alert_and_words() -> None:
    assert rows("What each reason looks like") == [said(reason) for reason in Reason if reason is not Reason.OK]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.row.alert is not None])
def test_an_alert_is_logged_as_495_and_a_page_as_its_status(reason: Reason) -> None:
    refusal = Refusal(reason=reason)
    assert AlertRefuser().farewell(refusal, ARRIVAL).status == 495
    assert PAGES.farewell(refusal, ARRIVAL).data.split(b" ", 2)[1] == str(reason.row.status).encode()


def test_each_alert_is_in_the_docs_with_what_people_see_of_it() -> None:
    documented = {row[0] for row in rows("What people see")}
    assert documented >= {str(reason.row.alert) for reason in Reason if reason.row.alert is not None} | {"-"}


def test_the_links_of_the_docs_lead_somewhere() -> None:
    for page in (*DOCS.glob("*.md"), DOCS.parent / "README.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def blocks(language: str) -> list[str]:
    """The code of that language in install.md."""
    return re.findall(rf"^```{language}\n(.*?)^```$", INSTALL, re.MULTILINE | re.DOTALL)


def unit(key: str) -> int:
    return int(re.findall(rf"^{key}=(\d+)$", UNIT, re.MULTILINE)[0])


def test_the_unit_gives_the_example_time_to_drain_and_descriptors_for_its_connections() -> None:
    settings = load(ROOT / "etc" / "starship.ini")
    assert unit("TimeoutStopSec") > settings.lame_duck + settings.drain_timeout
    assert shortage(unit("LimitNOFILE"), settings.limits.connections) is None
    assert shortage(unit("LimitNOFILE"), 500000) is None


def test_the_files_that_the_install_notes_copy_are_there() -> None:
    copied = re.findall(r"(?<![\w/])etc/[\w.]+", "".join(blocks("sh")))
    assert {"etc/starship.ini", "etc/starship.service", "etc/logrotate"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_listeners_of_the_install_notes_are_understood(tmp_path: Path) -> None:
    config = tmp_path / "starship.ini"
    (listeners,) = (block for block in blocks("ini") if "[listener:" in block)
    config.write_text(f"{listeners}\n[routes]\na.com = 10.0.0.24\n")
    assert [door.name for door in load(config).listeners] == ["https", "office", "mail"]


def test_the_examples_of_the_clients_address_are_understood(tmp_path: Path) -> None:
    page = (DOCS / "client-address.md").read_text()
    config = tmp_path / "starship.ini"
    config.write_text(
        "".join(re.findall(r"^```ini\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)) + "[routes]\na.b = ::1\n"
    )
    settings = load(config)
    assert [door.proxy_protocol for door in settings.listeners] == ["required"]
    assert settings.upstream.proxy_protocol == "v2"


def test_the_example_of_endpoints_by_name_is_understood(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```ini\n(.*?)^```$", (DOCS / "dns.md").read_text(), re.MULTILINE | re.DOTALL)
    config = tmp_path / "starship.ini"
    config.write_text(f"[listener:a]\nprotocol = http\nendpoint = tcp:80\n[routes]\na.b = pool:web\n{example}")
    assert set(load(config).pools) == {"web", "api"}


def test_the_words_of_proxy_fields_are_all_in_the_docs() -> None:
    page = (DOCS / "client-address.md").read_text()
    assert [word for word in WORDS.values() if f"`{word}`" not in page] == []


def test_the_kernel_settings_of_the_install_notes_are_spelt_as_the_kernel_has_them() -> None:
    (settings,) = (block for block in blocks("ini") if "somaxconn" in block)
    keys = re.findall(r"^([\w.]+) = \d+", settings, re.MULTILINE)
    assert len(keys) == 5
    # nf_conntrack_max is there while a firewall tracks connections
    there = [key for key in keys if Path("/proc/sys", *key.split(".")).exists()]
    assert set(keys) - set(there) <= {"net.netfilter.nf_conntrack_max"}


def test_the_install_notes_watch_metrics_that_exist() -> None:
    watched = set(re.findall(r"starship_[a-z_]+", INSTALL))
    assert watched
    assert watched <= set(re.findall(r"starship_[a-z_]+", (DOCS / "metrics.md").read_text()))
