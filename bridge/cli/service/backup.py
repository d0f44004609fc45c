"""`backup` and `restore`: a copy of the database, and a copy put in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bridge.app import Bridge
from bridge.app.calls import make_calls
from bridge.cli import show
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.config import Config
from bridge.engine.upkeep import restoring
from bridge.store.database import Database, nobody_else
from bridge.store.file import backup as copies
from bridge.store.file.companions import beside
from bridge.store.meta import instance_id

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
@click.pass_obj
def backup(settings: Settings, file: Path, force: bool, as_json: bool) -> int:
    """Copy the database to FILE, as it is at this moment, also while the bridge runs.

    The copy is one file, checked, and readable for its owner only: it holds what the database
    holds, such as the settings of apps. Content tokens and keys are not in it.
    """
    config = settings.config()

    with show.progress(quiet=as_json or not show.on_terminal()) as view:

        def report(copied: int, pages: int) -> None:
            view.update({"Copied": f"{show.bar(copied, pages)} {copied} of {pages} pages"})

        size = copies.back_up(config.database, file, replace=force, report=report)
    if as_json:
        show.as_json({"database": str(config.database), "file": str(file), "bytes": size})
    else:
        show.line(f"{file} is a sound copy of {config.database}, {size / 1e6:.1f} MB.")
    return 0


@click.command()
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Restore without asking.")
@json_option
@click.pass_obj
def restore(settings: Settings, file: Path, yes: bool, as_json: bool) -> int:
    """Put a backup in the place of the database, which is kept beside it.

    Nobody may have the database open: stop the bridge first. What has happened since the backup is
    not known to the restored bridge, so it begins paused, under a new id, and looks up whatever was
    under way before it asks or sends anything again. Exit code 1 when nothing was restored.

    Do not copy files over the database by hand instead: beside the -wal of the old one SQLite takes
    both for one database, which then is a mixture of the two, or the old one again.
    """
    config = settings.config()
    with _prepared(settings, config, file) as (copied, identity):
        if not yes:
            if not show.can_ask():
                show.line("nothing was restored: say --yes to replace the database", error=True)
                return USAGE
            if not click.confirm(f"Replace {config.database} by {file}?", err=True):
                show.line("nothing was restored", error=True)
                return BAD_NEWS
        kept = copies.put_in_place(copied, config.database, settings.clock())
    if as_json:
        shown = {
            "database": str(config.database),
            "kept": None if kept is None else str(kept),
            "instance_id": identity,
            "next": _next_steps(config),
        }
        show.as_json(shown)
        return 0
    show.line(f"{config.database} was restored from {file}.")
    if kept is not None:
        show.line(f"The database that was there is kept as {kept}.")
    show.heading("What to do next")
    for number, step in enumerate(_next_steps(config), 1):
        show.line(f"{number}. {step}")
    return 0


@contextmanager
def _prepared(settings: Settings, config: Config, file: Path) -> Iterator[tuple[Path, str]]:
    """A checked copy of `file` that may be put in the database's place, and the bridge's new id.

    Nobody else has the database in this block; the copy is gone after it. Raises StoreError.
    """
    bridge = Bridge(config, settings.clock)
    bridge.engine_lock.acquire(0.0)
    try:
        with nobody_else(config.database):
            copied = beside(config.database, ".restoring")
            try:
                for ending in _PARTS:
                    beside(copied, ending).unlink(missing_ok=True)
                copies.copy(file, copied)
                yield copied, _prepare(bridge, copied)
            finally:
                for ending in _PARTS:
                    beside(copied, ending).unlink(missing_ok=True)
    finally:
        bridge.engine_lock.release()


_PARTS = ("", "-wal", "-shm", ".lock", ".open")


def _prepare(bridge: Bridge, copied: Path) -> str:
    database = Database(copied)
    database.open()  # migrates it, or says that a newer bridge wrote it
    try:
        calls = make_calls(database, bridge.clients(), bridge.config)
        with database.write() as db:
            restoring.make_present(bridge.context(db), calls)
            return instance_id(db)
    finally:
        database.close()


def _next_steps(config: Config) -> list[str]:
    claims = ", ".join(f"vpp-bridge claim {name}" for name in config.locations)
    return [
        "Make sure that the bridge from which the backup came does not run any more.",
        "Start this one (vpp-bridge serve): it is paused, and sends nothing.",
        "Look at vpp-bridge status, then let it go on: vpp-bridge resume --all",
        f"Take the locations over, since it has a new id: {claims or 'none is configured'}",
    ]
