"""Certificates for servers of tests: one of a CA of theirs, good or bad in one way."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, both in PEM."""

    pem: bytes
    key: bytes

    def write(self, path: Path) -> Path:
        path.write_bytes(self.pem + self.key)
        return path

    def for_micromdm(self) -> bytes:
        """As the body of PUT /v1/config/certificate."""
        parts = {"cert": self.pem, "key": self.key}
        return json.dumps({name: b64encode(each).decode() for name, each in parts.items()}).encode()


class Authority:
    """A CA that nobody knows."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of a test")])
        made = self._begun(self._name, self._key.public_key(), -10, 10)
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        self.pem = _pem(made.add_extension(constraint, critical=True).sign(self._key, SHA256()))

    def issue(
        self, host: str = "127.0.0.1", days: tuple[float, float] = (-1, 9), *, push: bool = False
    ) -> Certificate:
        """For a host, valid from and until so many days from now; with `push` as Apple's are for
        pushes to managed devices."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        topic = [x509.NameAttribute(NameOID.USER_ID, "com.apple.mgmt.External.test")] * push
        name = x509.Name([*topic, x509.NameAttribute(NameOID.COMMON_NAME, host)])
        alternative: x509.GeneralName = x509.DNSName(host)
        if host[0].isdigit():
            alternative = x509.IPAddress(ipaddress.ip_address(host))
        made = self._begun(name, key.public_key(), *days).add_extension(
            x509.SubjectAlternativeName([alternative]), critical=False
        )
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return Certificate(_pem(made.sign(self._key, SHA256())), plain)

    def _begun(
        self, name: x509.Name, public_key: rsa.RSAPublicKey, begins: float, ends: float
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW + datetime.timedelta(days=begins))
            .not_valid_after(_NOW + datetime.timedelta(days=ends))
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def tls_with(certificate: Certificate, directory: Path) -> ssl.SSLContext:
    """The context of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.write(directory / "server.pem"))
    return context
