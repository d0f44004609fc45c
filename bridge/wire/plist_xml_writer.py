"""XML property lists, written by hand. `bridge.wire.plist` is the door to it.

Format: Apple, PropertyList-1.0.dtd.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from bridge.wire.plist_xml_reader import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, Unusable

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
    '<plist version="1.0">\n'
)
# XML 1.0, section 2.2; a lone surrogate has no UTF-8 either.
_UNCARRIABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(value: object) -> bytes:
    """Write `value` as an XML property list; raises Unusable."""
    lines = "\n".join(_lines(value, ()))
    return f"{_HEAD}{lines}\n</plist>\n".encode()


def _lines(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if len(path) > MAX_DEPTH:
        raise Unusable(f"the value is nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        yield "<dict>"
        for key, each in value.items():
            if not isinstance(key, str):
                raise Unusable(f"a key{_at(path)} is not a string")
            yield f"<key>{_escaped(key, path)}</key>"
            yield from _lines(each, (*path, key))
        yield "</dict>"
    elif isinstance(value, list | tuple):
        yield "<array>"
        for number, each in enumerate(value):
            yield from _lines(each, (*path, str(number)))
        yield "</array>"
    else:
        yield _scalar(value, path)


def _scalar(value: object, path: tuple[str, ...]) -> str:
    match value:
        case bool():  # before int, which every bool is
            return "<true/>" if value else "<false/>"
        case str():
            return f"<string>{_escaped(value, path)}</string>"
        case int():
            if not MIN_INTEGER <= value <= MAX_INTEGER:
                raise Unusable(f"the integer{_at(path)} is out of range")
            return f"<integer>{int(value)}</integer>"
        case float():
            return f"<real>{float(value)!r}</real>"
        case bytes():
            return f"<data>{base64.b64encode(value).decode('ascii')}</data>"
        case datetime():
            return f"<date>{_date_text(value, path)}</date>"
    raise Unusable(f"the {type(value).__name__}{_at(path)} has no form in a property list")


def _date_text(value: datetime, path: tuple[str, ...]) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        utc = aware.astimezone(UTC)
    except OverflowError as error:
        raise Unusable(f"the date{_at(path)} is out of range") from error
    return utc.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _escaped(text: str, path: tuple[str, ...]) -> str:
    if _UNCARRIABLE.search(text):
        raise Unusable(f"the text{_at(path)} has a control character that XML cannot carry")
    # A bare carriage return would be read back as a line feed.
    return escape(text, {"\r": "&#13;"})


def _at(path: tuple[str, ...]) -> str:
    return f" at {'.'.join(path)}" if path else ""
