"""Which installs have a list, a declarative status and an assignment that disagree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypedDict

from bridge.domain.wording import counted
from bridge.engine.context import Context
from bridge.store.devices import declared_apps

if TYPE_CHECKING:
    from bridge.domain.contradictions import Contradiction

AT_MOST = 1000
"""Installs that declarations have to do with and that are looked at."""


class Contradicted(TypedDict):
    """One app and one way in which its devices contradict themselves, ready for JSON."""

    name: str
    adam_id: str
    app_name: str | None
    devices: int
    example: str
    sentence: str
    mend: str


def found(context: Context) -> list[Contradicted]:
    """All contradictions among the first `AT_MOST` installs, by app and kind."""
    ids = declared_apps.of_installs(context.db, AT_MOST)
    if not ids:
        return []
    # `status` loads no rules and facts for a fleet without declarations, which most are.
    from bridge.domain.contradictions import CONTRADICTIONS, contradiction  # noqa: PLC0415
    from bridge.store.installs import facts, installs  # noqa: PLC0415

    some = [each for id in ids if (each := installs.by_id(context.db, id)) is not None]
    groups = defaultdict(list)
    for fact in facts.load(context.db, some):
        if (of := contradiction(fact)) is not None:
            groups[of.name, fact.install.adam_id].append(fact)
    return [
        {
            "name": name,
            "adam_id": adam_id,
            "app_name": of_app[0].app_name,
            "devices": len(of_app),
            "example": of_app[0].install.target,
            "sentence": _sentence(
                CONTRADICTIONS[name],
                of_app[0].app_name or f"app {adam_id}",
                len(of_app),
                of_app[0].install.target,
            ),
            "mend": CONTRADICTIONS[name].mend,
        }
        for (name, adam_id), of_app in groups.items()
    ]


def _sentence(of: Contradiction, app: str, count: int, serial_number: str) -> str:
    where = serial_number if count == 1 else f"{counted(count, 'device')}, such as {serial_number}"
    return f"{of.name}: {app} on {where}: {of.text}"
