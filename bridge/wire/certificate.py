"""When a certificate ends: the one thing that is read of one here.

A DER reader of a few lines: the library for it, cryptography, is 20 times the size of the bridge.
Source: RFC 5280, 4.1 and 4.1.2.5.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.errors import ShapeError

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED = 0x30, 0xA0, 0x17, 0x18
_LONG = 0x80


def not_after(der: bytes) -> float:
    """The end of a certificate's validity, in seconds since the epoch; raises ShapeError."""
    try:
        _, inner, _ = _element(_element(der, _SEQUENCE)[1], _SEQUENCE)
        tag, _, rest = _element(inner)
        if tag != _VERSION:  # of version 1, which does not name it: what comes first is the number
            rest = inner
        for _part in ("serialNumber", "signature", "issuer"):
            _, _, rest = _element(rest)
        _, validity, _ = _element(rest, _SEQUENCE)
        _, _, ends = _element(validity)
        return _time(*_element(ends)[:2])
    except (IndexError, ValueError, OverflowError):
        raise ShapeError("the certificate cannot be read") from None


def _element(data: bytes, expected: int | None = None) -> tuple[int, bytes, bytes]:
    """The first element: its tag, its content, what follows. Raises IndexError or ValueError."""
    tag, size, start = data[0], data[1], 2
    if size > _LONG:
        start += size - _LONG
        size = int.from_bytes(data[2:start], "big")
    if size == _LONG or len(data) < start + size or expected not in (None, tag):
        raise ValueError
    return tag, data[start : start + size], data[start + size :]


def _time(tag: int, text: bytes) -> float:
    """A UTCTime (its years are 1950 to 2049) or GeneralizedTime, both with seconds and Z."""
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        digits = ("20" if digits < "50" else "19") + digits
    elif tag != _GENERALIZED:
        raise ValueError
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
