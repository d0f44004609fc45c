"""Installs as people and programs list them: what is stored, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bridge.domain.catalogue.declared import of_detail
from bridge.domain.desired.desired import Group
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.targets import shown
from bridge.domain.model import InstallState
from bridge.domain.pauses import Pauses, Way, by_command
from bridge.domain.reasons import REASONS, Actor, describe, needs_someone
from bridge.domain.views import Page
from bridge.domain.views.installs import Install, ReasonCount, StoredInstall
from bridge.domain.wording import as_sentence, nearest
from bridge.engine.context import Context
from bridge.engine.insight import lag
from bridge.errors import UnknownName
from bridge.store import pauses
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import devices
from bridge.store.views import fleet


def page(
    context: Context, *, way: Way = by_command, group: str | None = None, **filters: Any
) -> Page[Install]:
    """A page of installs, each with the words of its explanation.

    `filters` are those of the stored list, `group` is one of the last apply's. Raises UnknownName
    for another, and QueryError for a cursor that the list did not give out.
    """
    among = None if group is None else members(context.db, group)
    found = fleet.installs(context.db, among=among, **filters)
    return Page(told(context, found.items, way), found.next_cursor)


def told(context: Context, some: Sequence[StoredInstall], way: Way = by_command) -> list[Install]:
    """The same installs with whose turn it is and a sentence, as `explain` has them.

    The words are those of what was decided last. `way` tells how a pause is ended.
    """
    paused = pauses.load(context.db)
    behind: dict[tuple[str, str, str], str] = {}
    found: list[Install] = []
    for install in some:
        state, reason, server = install["state"], install["reason"], install["server"]
        late = ""
        if server is not None:
            key = server, state, reason
            if key not in behind:
                behind[key] = lag.sentence(context, *key)
            late = behind[key]
        found.append(
            {
                **install,
                "who_must_act": _actor(install),
                "needs_someone": needs_someone(state, reason),
                "sentence": _sentence(install, paused, way) + late,
            }
        )
    return found


def _actor(install: StoredInstall) -> Actor:
    code = of_detail(install["reason"], install["detail"])
    return REASONS[install["reason"]].actor if code is None else code.actor


def _sentence(install: StoredInstall, paused: Pauses, way: Way) -> str:
    target = fleet.target(install)
    named = shown(target)
    adam_id, location, detail = install["adam_id"], install["location"], install["detail"]
    if install["reason"] == "PAUSED":
        pause = paused.over(serial_number=target, adam_id=adam_id, location=location)
        detail = pause.shown_to(way) if pause is not None else detail
    name = install["device_name"]
    sentence, _ = describe(
        install["reason"],
        app=install["app_name"] or install["bundle_id"] or f"app {adam_id}",
        device=f"{name} ({named})" if name else named,
        location=location,
        detail=detail,
        serial=named,
        adam_id=adam_id,
    )
    return as_sentence(sentence)


def members(db: Connection, group: str) -> list[str]:
    """The targets of a group of the last apply, sorted: those that it names, or whose users it
    names, and those that its rule means, enrolled or not. Raises UnknownName."""
    groups: Mapping[str, Group] = {each.name: each for each in applied.load(db).meant}
    if group not in groups:
        raise UnknownName(f"no group {group} was applied{nearest(group, sorted(groups))}")
    found = groups[group]
    if not found.all and found.match is None:
        return sorted(found.serials)
    ruled = Roster([found], devices.by_serial(db)).members(group)
    return sorted({*found.serials, *ruled})


def by_reason(context: Context, *, group: str | None = None, **filters: Any) -> list[ReasonCount]:
    """How many installs are in each state for each reason, the most first; filters as of `page`."""
    among = None if group is None else members(context.db, group)
    counts = fleet.by_reason(context.db, among=among, **filters)
    return [
        {
            "state": cast(InstallState, state),
            "reason": reason,
            "count": count,
            "who_must_act": REASONS[reason].actor,
            "needs_someone": needs_someone(state, reason),
        }
        for (state, reason), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]
