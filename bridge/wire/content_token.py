"""The content token (sToken) of a location: the `.vpptoken` file that Apple hands out.

It is base64 of a JSON object with `token`, `expDate` and `orgName`; what is sent to Apple as the
bearer is the base64 text itself. Source: Apple, "Getting started with the management API".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from bridge.errors import ShapeError
from bridge.wire.clock_text import parse_apple_time
from bridge.wire.json_text import Members, read_object

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class ContentToken:
    """`secret` is the bearer; `digest`, its SHA-256 in hexadecimal, may be shown and stored.

    `expires_at` is in seconds since the epoch, None where the file does not say it readably, or
    says a time before that: programs write year 1 for none. Apple may end a token earlier.
    """

    secret: str = field(repr=False)
    organization: str | None
    expires_at: float | None
    digest: str


def parse_content_token(data: bytes) -> ContentToken:
    """Read the content of a `.vpptoken` file; white space and line breaks in it do not matter.

    Raises ShapeError, which does not carry the content, when it is not a content token.
    """
    _check_text(data)
    secret = b"".join(data.removeprefix(_BYTE_ORDER_MARK).split())
    if secret.startswith(b"{"):
        raise ShapeError("This is decoded JSON; use the .vpptoken file as Apple hands it out.")
    _check_kind(data.removeprefix(_BYTE_ORDER_MARK).lstrip())
    try:
        # The padding is not always copied along; Apple's own is left as it is.
        decoded = base64.b64decode(secret + b"=" * (-len(secret) % 4), validate=True)
        members = Members(read_object(decoded), [])
    except (binascii.Error, ShapeError):
        raise ShapeError("This is not a content token: base64 of a JSON object.") from None
    token = members.raw("token")
    if not isinstance(token, str) or not token:
        raise ShapeError("This is not a content token: it has no member token.")
    expiry = parse_apple_time(members.text("expDate") or "")
    return ContentToken(
        secret=secret.decode("ascii"),
        organization=members.text("orgName"),
        expires_at=expiry if expiry is not None and expiry > 0 else None,
        digest=hashlib.sha256(secret).hexdigest(),
    )


_OTHER_KINDS = (
    (b"-----BEGIN", "This is a certificate or a key in PEM"),
    (b"Content-Type:", "This is the server token of Automated Device Enrollment (.p7m)"),
    (b"MIME-Version:", "This is the server token of Automated Device Enrollment (.p7m)"),
    (b"<?xml", "This is a property list or other XML"),
    (b"<!DOCTYPE", "This is a web page"),
    (b"<html", "This is a web page"),
    (b"PK\x03\x04", "This is a zip archive"),
    (b"%PDF", "This is a PDF"),
)
"""How other files begin that are downloaded beside the token; none of it is base64."""


def _check_kind(data: bytes) -> None:
    for beginning, what in _OTHER_KINDS:
        if data[: len(beginning)].lower() == beginning.lower():
            raise ShapeError(
                f"{what}, not a content token: download that in Apple Business or School Manager, "
                "under Preferences, Payments and Billing."
            )


def _check_text(data: bytes) -> None:
    """Name what editors and shells make of the file, where that is to be seen."""
    if data.startswith(_UTF_16) or b"\x00" in data[:64]:
        raise ShapeError("This is UTF-16 text; save it as UTF-8, or download the token again.")
    if data.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b'"', b"'"):
        raise ShapeError("The token stands in quotation marks; take them away.")
