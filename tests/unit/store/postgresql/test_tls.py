"""TLS to the server of the database: the right CA lets us in, another one is told by name."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg import conninfo

from bridge.errors import StoreAway
from bridge.store import meta
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])


@dataclass(frozen=True)
class Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def signed(name: str, by: Signed | None = None) -> Signed:
    """A CA, or a certificate of 127.0.0.1 that one signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if by:
        made = made.add_extension(LOOPBACK, critical=False)
    return Signed(made.sign(by.key if by else key, hashes.SHA256()), key)


@pytest.fixture(scope="module")
def ca() -> Signed:
    return signed("the right one")


@pytest.fixture(scope="module")
def where(ca: Signed) -> Iterator[str]:
    """The connection string of a server that is reached by TCP with TLS."""
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    folder = Path(tempfile.mkdtemp(prefix="bridge-tls-"))
    try:
        ours = signed("server", ca)
        files = {
            "server.crt": ours.pem(),
            "server.key": ours.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        if os.geteuid() == 0:
            for each in (folder, *folder.iterdir()):
                shutil.chown(each, postgresql.other_user())
        with socket.create_server(("127.0.0.1", 0)) as drawn:
            port = drawn.getsockname()[1]
        with postgresql.own_server(
            port,
            ssl="on",
            ssl_cert_file=str(folder / "server.crt"),
            ssl_key_file=str(folder / "server.key"),
        ) as server:
            yield conninfo.make_conninfo(server.where, host="127.0.0.1", sslmode="verify-full")
    finally:
        shutil.rmtree(folder)


def test_a_server_whose_ca_is_known_is_used_with_tls(
    where: str, ca: Signed, tmp_path: Path
) -> None:
    root = tmp_path / "ca.pem"
    root.write_bytes(ca.pem())
    ours = PostgresqlDatabase(conninfo.make_conninfo(where, sslrootcert=str(root)))
    ours.open()
    with ours.write() as db:
        meta.keep(db, "a", "1")
        assert db.raw.pgconn.ssl_in_use
    with ours.read() as db:
        assert meta.recall(db, "a") == "1"
    ours.close()


def test_a_server_of_another_ca_is_refused_and_it_is_said_what_to_see_to(
    where: str, tmp_path: Path
) -> None:
    root = tmp_path / "ca.pem"
    root.write_bytes(signed("another one").pem())
    ours = PostgresqlDatabase(conninfo.make_conninfo(where, sslrootcert=str(root)))
    with pytest.raises(StoreAway, match="certificate verify failed") as told:
        ours.open()
    assert told.value.mend.startswith("see to sslrootcert, or to the server's certificate")


def test_a_name_that_the_certificate_does_not_have_is_refused(
    where: str, ca: Signed, tmp_path: Path
) -> None:
    root = tmp_path / "ca.pem"
    root.write_bytes(ca.pem())
    other = conninfo.make_conninfo(
        where, host="db.example.org", hostaddr="127.0.0.1", sslrootcert=str(root)
    )
    with pytest.raises(StoreAway, match="does not match host name") as told:
        PostgresqlDatabase(other).open()
    assert "certificate" in told.value.mend


def test_a_ca_that_is_not_there_is_named(where: str, tmp_path: Path) -> None:
    missing = conninfo.make_conninfo(where, sslrootcert=str(tmp_path / "no-such.pem"))
    with pytest.raises(StoreAway, match=r'no-such\.pem" does not exist') as told:
        PostgresqlDatabase(missing).open()
    assert "sslrootcert" in told.value.mend
