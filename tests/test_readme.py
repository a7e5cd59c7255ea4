"""What the README shows is true: its configuration loads, its commands exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from starship.config.load import parse
from starship.mock.certificates import Authority

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_s17_its_configuration_is_one_that_loads(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority.made("test", datetime.now(UTC)).pem)
    (tmp_path / "token").write_text("secret")
    ini = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)[0]
    settings = parse(re.sub(r"/(etc|var/lib|var/log)/starship", str(tmp_path), ini).encode(), "README", tmp_path)
    assert [door.name for door in settings.listeners] == ["https", "http"]


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_page_of_the_docs_is_linked_from_it() -> None:
    linked = set(re.findall(r"\]\((docs/[a-z-]+\.md)", README))
    assert linked == {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")}
