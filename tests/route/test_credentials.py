"""Tokens, CA files and client certificates: read at start, refused with the file's name (S4 over https)."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface.verify import verifyObject

from starship.route.credentials import CredentialsUnusable, https_policy, read_token
from tests.route.certificates import Authority

# Twisted's own TLS options still hand pyOpenSSL's certificates to pyOpenSSL, which would rather have cryptography's.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def test_a_token_is_read_without_the_space_around_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"  s3cret.token-_~+/=\r\n")
    assert read_token(tmp_path / "token") == "s3cret.token-_~+/="


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", b"caf\xc3\xa9", b"a\0b", b"a" * 8193])
def test_what_is_no_token_is_refused_without_being_repeated(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(CredentialsUnusable) as caught:
        read_token(tmp_path / "token")
    assert str(caught.value) == f"{tmp_path / 'token'} does not hold a token: printable ASCII on one line"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable, match="nowhere cannot be read: No such file"):
        read_token(tmp_path / "nowhere")


def test_a_policy_can_be_made_of_nothing_of_a_ca_file_and_of_a_client_certificate(authority: Authority) -> None:
    client = authority.sign("client", "client.example")
    policies = [
        https_policy(),
        https_policy(ca_file=authority.own.certificate),
        https_policy(client_certificate=client.certificate, client_key=client.key),
    ]
    for policy in policies:
        verifyObject(IPolicyForHTTPS, policy)
        # Kept by host: an agent asks for it at each request, and making one reads all the roots again.
        creator = policy.creatorForNetloc(b"api.example", 443)
        assert policy.creatorForNetloc(b"api.example", 443) is creator


def test_a_chain_and_a_key_may_share_the_file(authority: Authority, tmp_path: Path) -> None:
    client = authority.sign("client", "client.example")
    together = tmp_path / "together.pem"
    parts = (client.certificate, authority.own.certificate, client.key)
    together.write_bytes(b"".join(part.read_bytes() for part in parts))
    https_policy(client_certificate=together)


def test_a_key_that_is_not_the_certificates_is_refused(authority: Authority) -> None:
    one, other = authority.sign("one", "one.example"), authority.sign("other", "other.example")
    with pytest.raises(CredentialsUnusable, match=r"other\.key is not the key of .*one\.pem"):
        https_policy(client_certificate=one.certificate, client_key=other.key)


def test_files_that_hold_something_else_are_refused(authority: Authority, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for ca_file, why in ((authority.own.key, "no certificate"), (broken, "cannot be read"), (tmp_path, "directory")):
        with pytest.raises(CredentialsUnusable, match=why):
            https_policy(ca_file=ca_file)
    with pytest.raises(CredentialsUnusable, match="no private key"):
        https_policy(client_certificate=authority.own.certificate)


def test_a_key_too_weak_for_tls_shows_itself_at_start(authority: Authority) -> None:
    weak = authority.sign("weak", "client.example", key=rsa.generate_private_key(65537, 1024))
    with pytest.raises(CredentialsUnusable, match=r"weak\.pem cannot be used for TLS"):
        https_policy(client_certificate=weak.certificate, client_key=weak.key)
