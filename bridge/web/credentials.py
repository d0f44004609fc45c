"""Who sends a request, told from its Authorization header. Secrets are compared in constant time.

Passwords are compared as bytes: Go's client, and with it MicroMDM, sends the userinfo of a URL
as it is. Source: Go, net/http, Request.SetBasicAuth.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

BASIC = 'Basic realm="bridge", charset="UTF-8"'
BEARER = 'Bearer realm="bridge"'


KNOWN = "bridge.known_sender"
"""The key under which a request's environ says that its credentials are right. Connections of such
senders are kept when there are too many, and their requests have threads of their own."""


def basic(header: str | None) -> tuple[bytes, bytes] | None:
    """User and password of a Basic header; None where it is none."""
    encoded = _of_scheme("basic", header)
    if encoded is None:
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def bearer(header: str | None) -> str | None:
    """The token of a Bearer header; None where it is none."""
    return _of_scheme("bearer", header)


def matches(offered: bytes, secrets: Iterable[str]) -> bool:
    """Whether `offered` is one of `secrets`; all of them are looked at, whichever it is."""
    found = [hmac.compare_digest(offered, secret.encode()) for secret in secrets]
    return any(found)


def signed(signature: str | None, body: bytes, keys: Iterable[str]) -> bool:
    """Whether `signature`, a header X-Hmac-Signature, is that of `body` with one of `keys`.

    Source: NanoMDM, service/webhook: the base64 of HMAC-SHA256 over the bytes that are posted.
    """
    digests = [hmac.digest(key.encode(), body, "sha256") for key in keys]
    try:
        offered = base64.b64decode(signature or "", validate=True)
    except (binascii.Error, ValueError):
        offered = b""
    found = [hmac.compare_digest(offered, digest) for digest in digests]
    return any(found)


def _of_scheme(scheme: str, header: str | None) -> str | None:
    name, _, rest = (header or "").partition(" ")
    return rest.strip() or None if name.lower() == scheme else None
