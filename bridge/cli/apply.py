"""`apply`: store what the file's groups and apps want, after showing what that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.engine import status
from bridge.engine.wishes import Change


@click.command()
@click.option("--yes", is_flag=True, help="Store without asking.")
@json_option
@click.pass_obj
def apply(settings: Settings, yes: bool, as_json: bool) -> int:
    """Store what the file's groups and apps want, after showing what that changes.

    Works before the first `serve`, and while it runs: the bridge then acts at once. Exit code 0
    when it was stored, 1 when you said no, 2 when nobody could be asked.
    """
    with settings.open_bridge() as bridge:
        wanted = bridge.config.wanted
        with bridge.database.read() as db:
            same = status.applied(bridge.context(db)) == wanted
        planned = bridge.change(wanted)
        nothing = same and not (planned.added or planned.removed)
        if not as_json:
            _show(planned, _apps(bridge, planned), nothing=nothing)
        if not (yes or nothing):
            if not show.can_ask():
                show.line(
                    "nothing was stored: say --yes to store it without a question", error=True
                )
                return USAGE
            if not click.confirm("Store this?", err=True):
                show.line("nothing was stored", error=True)
                return BAD_NEWS
        stored = bridge.apply(wanted)
        if as_json:
            show.as_json(_as_json(stored, _apps(bridge, stored)))
        elif not nothing:
            show.line("Stored.")
    return 0


def _apps(bridge: Bridge, change: Change) -> list[dict[str, Any]]:
    """The apps that the change touches, each with how many devices get and lose it."""
    added = Counter(adam_id for _, adam_id in change.added)
    removed = Counter(adam_id for _, adam_id in change.removed)
    touched = sorted({*added, *removed})
    with bridge.database.read() as db:
        names = status.app_names(bridge.context(db), touched)
    wanted = {app.adam_id: app.name for app in bridge.config.wanted.apps}
    return [
        {
            "adam_id": adam_id,
            "name": wanted.get(adam_id) or names.get(adam_id),
            "added": added[adam_id],
            "removed": removed[adam_id],
        }
        for adam_id in touched
    ]


def _as_json(change: Change, apps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stored": True,
        "added": len(change.added),
        "removed": len(change.removed),
        "unchanged": change.kept,
        "apps": apps,
    }


def _show(change: Change, apps: Sequence[dict[str, Any]], *, nothing: bool) -> None:
    if nothing:
        show.line(f"Nothing to do: {show.counted(change.kept, 'install')} as applied before.")
        return
    if apps:
        show.table(
            ("app", "name", "added", "removed"),
            [(app["adam_id"], app["name"], app["added"], app["removed"]) for app in apps],
        )
        show.line()
    show.line(
        f"{len(change.added)} to add, {len(change.removed)} to remove, {change.kept} unchanged."
    )
    if not apps:
        show.line("Groups or settings differ from what was applied before.")
