"""
Certificates for the little clusters: an authority made on the fly, and leaves for their names.

Part of `mock`, which knows only the ground. Knows X.509; not who uses the keys, nor what day it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY: Final = timedelta(days=7)
SLACK: Final = timedelta(hours=1)
"""Certificates begin this long before they are made: clocks differ."""


@frozen(kw_only=True)
class Credentials:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@frozen(kw_only=True)
class Authority:
    """A certificate authority that lives in memory: ECDSA P-256, valid from `now` for `VALIDITY`."""

    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def made(cls, name: str, now: datetime) -> Authority:
        """Make one. `now` is an aware datetime."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(subject, subject, key, now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate=certificate, key=key)

    @property
    def pem(self) -> bytes:
        """The authority's own certificate, for `curl --cacert`."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def leaf(self, names: tuple[str, ...], now: datetime) -> Credentials:
        """A server's certificate for one or more names (wildcards too)."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = (
            _builder(_subject(names[0][:64]), self.certificate.subject, key, now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        written = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Credentials(certificate=certificate.public_bytes(serialization.Encoding.PEM), key=written)

    def write(self, directory: Path) -> Path:
        """Put the authority's certificate (never a key) into a directory; returns the file."""
        path = directory / "ca.pem"
        path.write_bytes(self.pem)
        return path


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
