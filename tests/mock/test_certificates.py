"""The certificates of the little clusters are such as strict clients take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from starship.mock.certificates import VALIDITY, Authority

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_leaf_verifies_for_its_names_alone() -> None:
    authority = Authority.made("Test authority", NOW)
    leaf = x509.load_pem_x509_certificate(authority.leaf(("a.com", "*.shop.com"), NOW).certificate)
    for name, good in {"a.com": True, "x.shop.com": True, "b.com": False}.items():
        verifier = PolicyBuilder().store(Store([authority.certificate])).time(NOW)
        try:
            verifier.build_server_verifier(x509.DNSName(name)).verify(leaf, [])
        except x509.verification.VerificationError:
            assert not good
        else:
            assert good


def test_a_leaf_lives_from_an_hour_ago_for_a_few_days() -> None:
    leaf = x509.load_pem_x509_certificate(Authority.made("x", NOW).leaf(("a.com",), NOW).certificate)
    assert leaf.not_valid_before_utc == NOW - timedelta(hours=1)
    assert leaf.not_valid_after_utc == NOW + VALIDITY
    assert timedelta(days=1) <= VALIDITY <= timedelta(days=30)


def test_what_is_written_is_the_certificate_and_never_a_key(tmp_path: Path) -> None:
    authority = Authority.made("x", NOW)
    path = authority.write(tmp_path)
    assert path.read_bytes() == authority.pem
    assert b"PRIVATE" not in path.read_bytes()
    assert "PRIVATE" not in repr(authority.leaf(("a.com",), NOW))
