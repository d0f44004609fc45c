"""What an apply changed in the file's own terms: which groups, apps and users, by their names."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from bridge.domain.audit import some
from bridge.domain.desired.desired import Desired


@dataclass(frozen=True, slots=True)
class Difference:
    """For the audit log: how many there were and are, and the names of those that differ; of no
    setting its value. `adam_ids` are all apps whose entry differs."""

    before: dict[str, Any]
    after: dict[str, Any]
    adam_ids: Sequence[str]


def of(before: Desired, after: Desired) -> Difference:
    """What differs between what was applied and what is applied now."""
    was: dict[str, Any] = {}
    now: dict[str, Any] = {}
    old_kinds, new_kinds = _by_name(before), _by_name(after)
    for kind, old in old_kinds.items():
        new = new_kinds[kind]
        was[kind], now[kind] = len(old), len(new)
        now |= _names(f"{kind}_added", new.keys() - old.keys())
        now |= _names(f"{kind}_removed", old.keys() - new.keys())
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        now |= _names(f"{kind}_changed", changed)
    old, new = old_kinds["apps"], new_kinds["apps"]
    differing = [each for each in old.keys() | new.keys() if old.get(each) != new.get(each)]
    return Difference(was, now, sorted(differing))


def _by_name(desired: Desired) -> dict[str, dict[str, Any]]:
    """All that is wanted, by its kind and its name; of an app all its entries."""
    apps: dict[str, tuple[Any, ...]] = {}
    for app in desired.apps:
        apps[app.adam_id] = (*apps.get(app.adam_id, ()), app)
    return {
        "groups": {each.name: each for each in desired.groups},
        "apps": apps,
        "users": {each.client_user_id: each for each in desired.users},
    }


def _names(word: str, names: Set[str]) -> dict[str, Any]:
    return {word: {"count": len(names), "names": some(list(names))}} if names else {}
