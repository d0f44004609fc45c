"""A person wants the newest version of an app: on whom it is missing, and sending it ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge.domain.decide import updates
from bridge.domain.facts import DeviceFacts
from bridge.domain.updates.facts import Asked
from bridge.engine.context import Context
from bridge.engine.updates.steps import JOB
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.installs import facts, updating
from bridge.store.updates import rollouts, turns

AT_ONCE = 300
"""Installs whose facts are read together."""


def behind(db: Connection, adam_id: str, targets: Collection[str] | None = None) -> list[int]:
    """The installs of an app, on these devices or all, that are there and are not known to be the
    newest version; what is never updated is left out."""
    there = updating.there(db, adam_id)
    some = [i for i in there if targets is None or i.target in targets]
    found: list[int] = []
    for start in range(0, len(some), AT_ONCE):
        asked = [replace(i, update_asked="in_window") for i in some[start : start + AT_ONCE]]
        known = facts.load(db, asked)
        on_devices = (fact for fact in known if isinstance(fact, DeviceFacts))
        found += [fact.install.id for fact in on_devices if updates.is_behind(fact)]
    return found


def ask(
    context: Context, adam_id: str, install_ids: Sequence[int], *, at_once: bool, whole: bool
) -> None:
    """Send it ahead of its ring, in the window of each device or `at_once`; what failed before does
    not count any more. With `whole`, a version that was stopped goes on."""
    asked: Asked = "now" if at_once else "in_window"
    if whole:
        rollouts.go_on(context.db, adam_id)
    for install_id in install_ids:
        turns.ahead(context.db, install_id, context.now)
    updating.ask(context.db, install_ids, asked, context.now)
    meta.hasten_job(context.db, f"{JOB}:{adam_id}", context.now)
