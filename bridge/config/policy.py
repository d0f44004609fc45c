"""Reading `policy:` by the annotations of `bridge.domain.policy`.

A new field there needs no code here, as long as its type is one that `_KINDS` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bridge.config import values
from bridge.config.read import Reader, Spot
from bridge.domain.policy import Bytes, Policy, Seconds, UpdatePolicy
from bridge.domain.users.wish import OnUnwantedUser

T = TypeVar("T")

_KINDS: Mapping[Any, Callable[[str], Any]] = {
    Seconds: values.duration,
    Bytes: values.size,
    int: values.count,
    bool: values.boolean,
    OnUnwantedUser: values.one_of(*get_args(OnUnwantedUser)),
    str: str,
}
_OWN: Mapping[str, Callable[[str], Any]] = {
    "policy.time_zone": values.time_zone,
    "policy.prompts.quiet_hours": values.quiet_hours,
    "policy.apply.unseen_limit": values.number,
    "policy.update.window": values.window,
    "policy.update.days": values.week_day,
    "policy.update.stop_at": values.stop_at,
    "policy.reclaim.unenrolled_after": values.patience,
    "policy.reclaim.silent_after": values.patience,
}

_ELSEWHERE: Mapping[type, Mapping[str, str]] = {
    UpdatePolicy: {
        "to": "is of each app alone; write update: latest at those that are to be updated",
        "rings": "is of each app alone; write update: {to: latest, rings: […]} at the app",
    }
}
"""What is looked for in a part of the policy, and where it is written."""

_AT_MOST = {"policy.prompts.again": 2}
"""Of lists whose length is a promise: people are asked again at most twice."""

_MISTAKEN = object()


def read_policy(reader: Reader, spot: Spot | None) -> Policy:
    """The policy with what the file sets; every other value is the default."""
    return _group(reader, spot, Policy)


def _group(reader: Reader, spot: Spot | None, kind: type[T]) -> T:
    hints = get_type_hints(kind, include_extras=True)
    found = reader.section(spot, hints, elsewhere=_ELSEWHERE.get(kind))
    read = {name: _value(reader, child, hints[name]) for name, child in found.items()}
    return kind(**{name: value for name, value in read.items() if value is not _MISTAKEN})


def _value(reader: Reader, spot: Spot, hint: Any) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _group(reader, spot, hint)
    if get_origin(hint) is tuple:
        found = reader.values(spot, _OWN.get(spot.key, _KINDS[get_args(hint)[0]]))
        most = _AT_MOST.get(spot.key, len(found))
        if len(found) > most:
            reader.wrong(spot, f"has {len(found)} waits; write at most {most}")
        return found
    if get_origin(hint) in (Union, UnionType):
        if spot.is_null:
            return None
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    value = reader.value(spot, _reads(spot.key, hint))
    return _MISTAKEN if value is None else value


def _reads(key: str, hint: Any) -> Callable[[str], Any]:
    if hint == Seconds and key.endswith("_every"):
        return values.period
    if hint == Seconds and key.endswith("_timeout"):
        return values.timeout
    return _OWN.get(key, _KINDS[hint])
