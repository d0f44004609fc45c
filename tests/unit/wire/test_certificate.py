"""The end of a certificate, as a library reads it."""

from __future__ import annotations

import datetime
from datetime import UTC

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from bridge.errors import ShapeError
from bridge.wire.certificate import not_after


def made(end: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push" * 10)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2**150 + 1)
        .not_valid_before(datetime.datetime(1999, 1, 1, tzinfo=UTC))
        .not_valid_after(end)
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize("year", [1999, 2026, 2049, 2050, 2099])
def test_the_end_is_read_in_both_of_its_forms(year: int) -> None:
    end = datetime.datetime(year, 7, 31, 23, 59, 58, tzinfo=UTC)
    assert not_after(made(end)) == end.timestamp()


def test_whatever_is_cut_off_is_no_certificate() -> None:
    whole = made(datetime.datetime(2030, 1, 1, tzinfo=UTC))
    for size in range(len(whole)):
        with pytest.raises(ShapeError):
            not_after(whole[:size])


@pytest.mark.parametrize("data", [b"-----BEGIN CERTIFICATE-----", b"\x30\x80\x00\x00", b"\x30\x84"])
def test_what_is_no_certificate_is_told(data: bytes) -> None:
    with pytest.raises(ShapeError, match="cannot be read"):
        not_after(data)
