"""Property list values as JSON values and back, without loss.

JSON lacks data, dates and the infinite; they become objects of one member: `{"$data": base64}`,
`{"$date": "2026-11-22T05:26:16.000000Z"}`, `{"$real": "inf"}`. A dictionary that could be taken
for one of these, since a key of its starts with `$`, becomes `{"$dict": [[key, value], …]}`.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime

from bridge.errors import ShapeError

_DATE_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def to_json(value: object) -> object:
    """`value`, as `plist.loads` returns it, in what the json module can write."""
    if isinstance(value, dict):
        pairs = [(key, to_json(each)) for key, each in value.items()]
        if any(key.startswith("$") for key in value):
            return {"$dict": [list(pair) for pair in pairs]}
        return dict(pairs)
    if isinstance(value, list):
        return [to_json(each) for each in value]
    if isinstance(value, bytes):
        return {"$data": base64.b64encode(value).decode("ascii")}
    if isinstance(value, datetime):
        return {"$date": value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$real": repr(value)}
    return value


def from_json(value: object) -> object:
    """The opposite of `to_json`; raises ShapeError where `to_json` cannot have written `value`."""
    if isinstance(value, list):
        return [from_json(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: from_json(each) for key, each in value.items()}
    try:
        return _special(value)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ShapeError("A stored message holds a value that cannot be read back.") from error


def _special(value: dict[str, object]) -> object:
    match value:
        case {"$data": str(text)} if len(value) == 1:
            return base64.b64decode(text, validate=True)
        case {"$date": str(text)} if len(value) == 1:
            return datetime.strptime(text, _DATE_FORM).replace(tzinfo=UTC)
        case {"$real": "inf" | "-inf" | "nan" as text} if len(value) == 1:
            return float(text)
        case {"$dict": list(pairs)} if len(value) == 1:
            return {str(key): from_json(each) for key, each in pairs}
    raise ValueError("not one of ours")
