"""What a plan does to installs that are there: what follows for those that are removed, and what of
the others' wishes is another than before. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from bridge.domain.desired.change import Cohort, PairName
from bridge.domain.desired.desired import Desired, OnUnwanted
from bridge.domain.installs.options import Options
from bridge.domain.updates.rule import UpdateRule
from bridge.domain.views import desired as views
from bridge.domain.wording import counted

WHAT_FOLLOWS: Final[Mapping[OnUnwanted, str]] = {
    "keep": "nothing happens, app and licence stay",
    "release": "the licence goes back; an app that stays stops working after 30 days",
    "remove": "the licence goes back, then the app is deleted from the device",
}
"""By `on_unwanted`; licences that others assigned stay in any case."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an app's wish that is another afterwards, on this many devices."""

    adam_id: str
    key: str
    old: str
    new: str
    installs: int

    def as_json(self) -> views.ChangedSetting:
        """Ready for JSON."""
        return {
            "adam_id": self.adam_id,
            "key": self.key,
            "from": self.old,
            "to": self.new,
            "installs": self.installs,
        }


def settings(
    before: Sequence[Cohort], after: Sequence[Cohort], otherwise: Collection[PairName]
) -> tuple[Setting, ...]:
    """What differs between the wishes for the installs that stay desired `otherwise`."""
    serials: dict[str, set[str]] = {}
    for serial, adam_id in otherwise:
        serials.setdefault(adam_id, set()).add(serial)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for old in before:
        of_app = serials.get(old.asset.adam_id, set()) & old.serials
        for new in after if of_app else ():
            if new.asset.adam_id == old.asset.adam_id and (both := of_app & new.serials):
                for key, was, is_ in _differences(old, new):
                    counts[old.asset.adam_id, key, was, is_] += len(both)
    return tuple(Setting(*key, number) for key, number in sorted(counts.items()))


def _differences(old: Cohort, new: Cohort) -> Iterable[tuple[str, str, str]]:
    was, is_ = _values(old), _values(new)
    for key in was:
        if was[key] != is_[key]:
            if key == "configuration":  # its values are secrets, and only a digest is known
                yield key, _there(was[key]), _there(is_[key], again=was[key] is not None)
            else:
                yield key, _shown(was[key]), _shown(is_[key])


def _values(cohort: Cohort) -> dict[str, object]:
    names = [each.name for each in fields(Options)]
    return {
        "location": ", ".join((cohort.location, *cohort.fallbacks)),
        "pricing_param": cohort.asset.pricing_param,
        "priority": cohort.priority,
        **{name: getattr(cohort.options, name) for name in names},
    }


def _there(digest: object, *, again: bool = False) -> str:
    if digest is None:
        return "none"
    return "another one" if again else "one"


_NOTHING: Final = "null"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=dict, sort_keys=True)


def groups(old: Desired, new: Desired) -> list[str]:
    """The groups that differ, each in a few words."""
    before = {group.name: group for group in old.groups}
    after = {group.name: group for group in new.groups}
    found = [f"{name} is new" for name in after if name not in before]
    found += [f"{name} is gone" for name in before if name not in after]
    for name, group in after.items():
        if name in before and before[name] != group:
            was, is_ = set(before[name].serials), set(group.serials)
            words = [f"{len(is_ - was)} more"] if is_ - was else []
            words += [f"{len(was - is_)} fewer"] if was - is_ else []
            listed = f" ({', '.join(words)} serial numbers)" if words else ""
            found.append(f"{name} is another{listed}")
    return found


def leaving_lines(
    leaving: Mapping[PairName, OnUnwanted], names: Mapping[str, str]
) -> Iterable[str]:
    """What happens where an app is not wanted any more, a sentence for each app and way; `names`
    are the apps' in words."""
    counts = Counter((adam_id, way) for (_, adam_id), way in leaving.items())
    for (adam_id, way), number in sorted(counts.items()):
        where = counted(number, "device")
        yield f"{names[adam_id]} is no longer wanted on {where}: {WHAT_FOLLOWS[way]}."


def setting_lines(found: Sequence[Setting], names: Mapping[str, str]) -> Iterable[str]:
    """What of the wishes changes, a sentence each."""
    for each in found:
        where = counted(each.installs, "device")
        old, new = (_in_words(each.key, value) for value in (each.old, each.new))
        yield f"{names[each.adam_id]}, {each.key}: {old} -> {new} on {where}."


def _in_words(key: str, value: str) -> str:
    if key != "update":
        return value
    return "never" if value == _NOTHING else str(UpdateRule.from_text(value))
