"""Identities that a real MDM server believes: certificates, and messages signed with them.

Needs the extra `real`, and `scepclient` on PATH for certificates by SCEP. Source for the signature:
MicroMDM, mdm/server.go (header Mdm-Signature, which SignMessage in the enrolment profile asks for).
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import BridgeError
from bridge.simulator.plists import read_plist

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_EXTRA = "a real MDM server needs the extra: pip install 'micromdm-vpp-bridge[real]'"
_NOT_MOVED = timedelta()
_KEY, _CERTIFICATE = "key.pem", "certificate.pem"


@dataclass(frozen=True)
class Identity:
    """A device's certificate and key, as something that signs.

    `sign` maps a message to the DER of a detached CMS signature over exactly those bytes.
    """

    common_name: str
    sign: Callable[[bytes], bytes]

    def headers(self, body: bytes) -> dict[str, str]:
        """The HTTP header that makes a server accept `body` as this device's."""
        return {"Mdm-Signature": base64.b64encode(self.sign(body)).decode()}


def enrol_identity(server_url: str, challenge: str, directory: Path, common_name: str) -> Identity:
    """Get a certificate from the server's SCEP service, or read the one already in `directory`.

    Every device needs a directory of its own: scepclient uses again whatever request lies beside
    the key. Raises BridgeError if there is no scepclient, it fails, or the extra is not installed.
    """
    key, certificate = directory / _KEY, directory / _CERTIFICATE
    if not certificate.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _run_scepclient(
            *("-server-url", f"{server_url}/scep", "-challenge", challenge),
            *("-cn", common_name, "-organization", "MicroMDM"),
            *("-private-key", str(key), "-certificate", str(certificate)),
        )
    return Identity(common_name, _signer(certificate.read_bytes(), key.read_bytes()))


def scep_challenge(profile: bytes) -> str:
    """The SCEP challenge in an unsigned enrolment profile.

    Raises PlistError for what is no XML plist, BridgeError for a profile without a challenge.
    """
    payloads = read_plist(profile).get("PayloadContent")
    for payload in payloads if isinstance(payloads, list) else []:
        content = payload.get("PayloadContent") if isinstance(payload, dict) else None
        challenge = content.get("Challenge") if isinstance(content, dict) else None
        if isinstance(challenge, str):
            return challenge
    raise BridgeError("the MDM server's enrolment profile has no SCEP challenge")


def _run_scepclient(*arguments: str) -> None:
    command = ["scepclient", *arguments]
    try:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise BridgeError("`scepclient` is not on PATH: a real MDM server needs it") from error
    if done.returncode:
        raise BridgeError(f"scepclient failed: {(done.stderr or done.stdout).strip()[-300:]}")


class Authority:
    """An authority for servers that issue no certificates; `certificate` is its own, in PEM.

    Raises BridgeError if the extra is not installed.
    """

    def __init__(self) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
        except ImportError as error:
            raise BridgeError(_EXTRA) from error
        self._key = rsa.generate_private_key(65537, 2048)
        self.certificate = self._certify("Simulated authority", self._key, is_authority=True)

    def issue(self, common_name: str, moved: timedelta = _NOT_MOVED) -> Identity:
        """A new identity of this name, good for a day before and after now, or for two days that
        are `moved` from there: for a device whose clock goes wrong by as much the other way."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = self._certify(common_name, key, is_authority=False, moved=moved)
        return Identity(common_name, _signer(certificate, pem))

    def _certify(
        self,
        common_name: str,
        key: RSAPrivateKey,
        *,
        is_authority: bool,
        moved: timedelta = _NOT_MOVED,
    ) -> bytes:
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now, day = datetime.now(UTC) + moved, timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(common_name))
            .issuer_name(named("Simulated authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
            builder = builder.add_extension(usage, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)


def _signer(certificate_pem: bytes, key_pem: bytes) -> Callable[[bytes], bytes]:
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra, wanted here only
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415
    except ImportError as error:
        raise BridgeError(_EXTRA) from error
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BridgeError("scepclient made a key that is not RSA")
    # Without Binary, line ends are rewritten before they are signed, and the server refuses.
    options = [
        pkcs7.PKCS7Options.DetachedSignature,
        pkcs7.PKCS7Options.Binary,
        pkcs7.PKCS7Options.NoCapabilities,
    ]

    def sign(body: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(body)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        return builder.sign(serialization.Encoding.DER, options)

    return sign
