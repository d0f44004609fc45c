"""Apple property lists: bytes to plain values and back.

A device's answer is an XML list, other tools may send binary ones; both are hostile input.
Values are `dict[str, …]`, `list`, `str`, `int`, `float`, `bool`, `bytes` and `datetime` in UTC.
XML is read and written by the modules beside this one, binary lists are read by biplist.
"""

from __future__ import annotations

import io
import struct
import warnings
from datetime import UTC, datetime

from bridge.errors import PlistError, ShapeError
from bridge.wire import plist_xml_reader, plist_xml_writer
from bridge.wire.plist_xml_reader import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, Unusable

with warnings.catch_warnings():
    # biplist 1.0.3 calls datetime.utcfromtimestamp() while it is imported (deprecated in 3.12).
    warnings.simplefilter("ignore", DeprecationWarning)
    import biplist

MAX_BYTES = 64 * 1024 * 1024
MAX_BINARY_VALUES = 200_000
"""Of a binary list: where they are alike each is a byte, and takes biplist 3 µs. In a webhook
of the usual size could be so many that nobody else is answered for seconds."""
_BINARY_MARK = b"bplist"
_TRAILER = struct.Struct(">6xBBQQQ")  # offset size, reference size, objects, top, table's offset


def loads(data: bytes) -> object:
    """Read one property list, XML (UTF-8 or UTF-16, with or without a mark) or binary.

    Of a key that occurs twice the last value counts. An integer is within -2**63 … 2**64-1.
    Of an XML list, what follows `</plist>` is cut.
    Raises PlistError, whose `content` is `data`, for anything else: malformed, nested deeper than
    100, more than a million values (MAX_BINARY_VALUES of a binary list), more than 64 MiB, a
    document type that declares something.
    """
    if len(data) > MAX_BYTES:
        raise PlistError(f"The property list is larger than {MAX_BYTES} bytes.", data)
    try:
        if data.startswith(_BINARY_MARK):
            return _plain(_read_binary(data))
        return plist_xml_reader.read(data)
    except Unusable as error:
        raise PlistError(f"The property list cannot be read: {error}.", data) from error


def loads_dict(data: bytes) -> dict[str, object]:
    """Read a property list whose root is a dictionary, as every MDM message is.

    Raises PlistError as `loads` does, and ShapeError when the root is something else.
    """
    value = loads(data)
    if not isinstance(value, dict):
        raise ShapeError("The property list is not a dictionary.", data)
    return value


def dumps(value: object) -> bytes:
    """Write `value` as an XML property list in UTF-8, keys in their own order.

    Takes dictionaries with str keys, lists, tuples, str, bool, int (-2**63 … 2**64-1), float,
    bytes and datetime (to the second; UTC where it has no zone). Raises PlistError for anything
    else, None and characters that XML cannot carry among them; the message names the place by
    its keys and never the value, which may be a secret.
    """
    try:
        return plist_xml_writer.write(value)
    except Unusable as error:
        raise PlistError(f"No property list can be written: {error}.") from error


class _Reader(biplist.PlistReader):  # type: ignore[misc]  # biplist has no types
    """biplist's reader with a budget.

    Objects refer to each other by number, so that a few hundred bytes can unfold to more values,
    or more copies of one long value, than any memory holds.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._depth = 0
        self._values = 0
        self._references = 0
        self._bytes = 0

    def readObject(self) -> object:
        self._values += 1
        if self._values > MAX_BINARY_VALUES:
            raise Unusable(f"it has more than {MAX_BINARY_VALUES} values")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unusable(f"it is nested deeper than {MAX_DEPTH}")
        value: object = super().readObject()
        self._depth -= 1
        return value

    def readRefs(self, count: int) -> object:
        self._references += count
        if count < 0 or self._references > 2 * MAX_BINARY_VALUES:
            raise Unusable("a count in it is impossible")
        return super().readRefs(count)

    def readContents(self, length: int, description: str = "") -> object:
        self._bytes += max(length, 0)
        if self._bytes > 2 * MAX_BYTES:
            raise Unusable("it unfolds to too many bytes")
        return super().readContents(length, description)


def _read_binary(data: bytes) -> object:
    """Read with biplist; every failure of its is one of ours."""
    if len(data) < _TRAILER.size:
        raise Unusable("it is too short for a binary one")
    objects = _TRAILER.unpack(data[-_TRAILER.size :])[2]
    if objects > MAX_BINARY_VALUES:
        raise Unusable(f"it has more than {MAX_BINARY_VALUES} objects")
    try:
        value: object = _Reader(data).parse()
    except Unusable:
        raise
    except Exception as error:
        # On hostile bytes biplist lets out struct.error, UnicodeDecodeError, TypeError and more.
        raise Unusable(f"it is a damaged binary one ({type(error).__name__})") from error
    return value


def _plain(value: object) -> object:
    """What biplist made, in the types that XML lists are read to."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Unusable("a dictionary in it has a key that is not a string")
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise Unusable("an integer in it is out of range")
    if not isinstance(value, str | int | float):
        raise Unusable("it holds a null, a set or an archive's reference")
    return value
