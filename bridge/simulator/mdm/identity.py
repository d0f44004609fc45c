"""Identities that a real MDM server believes: SCEP certificates, and messages signed with them.

Needs `scepclient` on PATH and the extra `real`. Source for the signature: MicroMDM,
mdm/server.go (header Mdm-Signature, which SignMessage in the enrolment profile asks for).
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError
from bridge.simulator.plists import read_plist

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


def _signer(certificate_pem: bytes, key_pem: bytes) -> Callable[[bytes], bytes]:
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra, wanted here only
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415
    except ImportError as error:
        message = "a real MDM server needs the extra: pip install 'micromdm-vpp-bridge[real]'"
        raise BridgeError(message) from error
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
