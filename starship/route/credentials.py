"""
What proves us to the API and the API to us: a bearer token, a CA file, a client certificate with its key.

Part of `route`: service.py reads them at start. Knows files, not settings.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from attrs import define, field
from OpenSSL import SSL, crypto
from twisted.internet.error import VerifyError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.web.client import HostnameCachingHTTPSPolicy
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from starship.errors import StarshipError

FILE_LIMIT_BYTES: Final = 4 * 1024 * 1024
TOKEN_LIMIT: Final = 8192

_TOKEN = re.compile(rb"[\x21-\x7e]+")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CredentialsUnusable(StarshipError):
    """A file of credentials cannot be read or means nothing. str(error) names the file, and none of its content."""


def read_token(path: Path) -> str:
    """
    Read a bearer token: printable ASCII without spaces; white space around it is dropped.

    Errors: CredentialsUnusable.
    """
    token = _read(path).strip()
    if len(token) > TOKEN_LIMIT or not _TOKEN.fullmatch(token):
        raise CredentialsUnusable(f"{path} does not hold a token: printable ASCII on one line")
    return token.decode("ascii")


def https_policy(
    *, ca_file: Path | None = None, client_certificate: Path | None = None, client_key: Path | None = None
) -> IPolicyForHTTPS:
    """
    How an https API is verified, and how it may verify us. Files are PEM; the client's may hold its chain.

    ca_file None trusts the platform's roots; client_key None looks for the key in the certificate's file.
    The API's certificate must be for the host in the URL (service-identity checks that). Errors: CredentialsUnusable.
    """
    try:
        policy = _ApiPolicy(
            trust=platformTrust() if ca_file is None else trustRootFromCertificates(_certificates(ca_file)),
            **({} if client_certificate is None else _client(client_certificate, client_key or client_certificate)),
        )
        policy.try_out()
    except (SSL.Error, crypto.Error, ValueError) as error:
        raise CredentialsUnusable(f"{client_certificate or ca_file} cannot be used for TLS") from error
    return HostnameCachingHTTPSPolicy(policy)


@implementer(IPolicyForHTTPS)
@define(eq=False, kw_only=True)
class _ApiPolicy:
    _trust: Any
    _certificate: PrivateCertificate | None = None
    _chain: list[Any] = field(factory=list)

    def try_out(self) -> None:
        """Show now what OpenSSL does not take (a weak key), and not at the first connection."""
        shown: dict[str, Any] = {}
        if self._certificate is not None:
            key = self._certificate.privateKey.original
            shown = {"privateKey": key, "certificate": self._certificate.original, "extraCertChain": self._chain}
        CertificateOptions(trustRoot=self._trust, **shown).getContext()

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        return optionsForClientTLS(
            hostname.decode("ascii"),
            trustRoot=self._trust,
            clientCertificate=self._certificate,
            extraCertificateOptions={"extraCertChain": list(self._chain)} if self._chain else None,
        )


def _client(certificate: Path, key: Path) -> dict[str, Any]:
    leaf, *chain = _certificates(certificate)
    try:
        private = PrivateCertificate.loadPEM(_read(key) + b"\n" + leaf.dumpPEM())
    except VerifyError as error:
        raise CredentialsUnusable(f"{key} is not the key of {certificate}") from error
    except (crypto.Error, ValueError) as error:
        raise CredentialsUnusable(f"{key} holds no private key that can be read") from error
    return {"certificate": private, "chain": [one.original for one in chain]}


def _certificates(path: Path) -> list[Certificate]:
    try:
        found = [Certificate.loadPEM(pem) for pem in _CERTIFICATE.findall(_read(path))]
    except (crypto.Error, ValueError) as error:
        raise CredentialsUnusable(f"{path} holds a certificate that cannot be read") from error
    if not found:
        raise CredentialsUnusable(f"{path} holds no certificate in PEM")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise CredentialsUnusable(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > FILE_LIMIT_BYTES:
        raise CredentialsUnusable(f"{path} is longer than {FILE_LIMIT_BYTES} bytes")
    return content
