"""`backup` and `restore`: a copy of the database, and a copy put in its place.

A database on a server is copied by the server's own programs; of these the lines are told, and what
the bridge has to do afterwards is done by `restore --after-pg-restore`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from bridge.app import Bridge
from bridge.app.calls import make_calls
from bridge.cli import show
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings, whoever
from bridge.config import Config
from bridge.domain.database_url import DatabaseUrl
from bridge.domain.pg_programs import dump_line, restore_line
from bridge.engine.upkeep import restoring
from bridge.errors import NoDatabase
from bridge.store.database import Connection, Database
from bridge.store.file import backup as copies
from bridge.store.file.companions import beside
from bridge.store.file.database import FileDatabase, nobody_else
from bridge.store.meta import instance_id
from bridge.store.postgresql import put_back

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

    A database on a PostgreSQL server is copied by pg_dump, whose line is told (exit code 2).
    """
    config = settings.config()
    if isinstance(config.database, DatabaseUrl):
        _not_done("backup", config.database, [dump_line(config.database, file)], as_json)
        return USAGE

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
@click.argument("file", type=FILE, required=False)
@click.option("--yes", is_flag=True, help="Restore without asking.")
@click.option(
    "--after-pg-restore",
    "restored",
    is_flag=True,
    help="pg_restore has put a backup into the database on its server: begin with that.",
)
@json_option
@click.pass_obj
def restore(settings: Settings, file: Path | None, yes: bool, restored: bool, as_json: bool) -> int:
    """Put a backup in the place of the database, which is kept beside it.

    Nobody may have the database open: stop the bridge first. What has happened since the backup is
    not known to the restored bridge, so it begins paused, under a new id, and looks up whatever was
    under way before it asks or sends anything again. Exit code 1 when nothing was restored.

    Do not copy files over the database by hand instead: beside the -wal of the old one SQLite takes
    both for one database, which then is a mixture of the two, or the old one again.

    A database on a PostgreSQL server is put back by pg_restore, whose line is told (exit code 2);
    run it while no bridge runs, then this command with --after-pg-restore and no FILE.
    """
    config = settings.config()
    if isinstance(config.database, DatabaseUrl):
        if restored and file is None:
            return _after_pg_restore(settings, config, yes, as_json)
        if file is None or restored:
            raise click.UsageError("Name a file, or say --after-pg-restore without one")
        lines = [restore_line(config.database, file), _again(settings)]
        _not_done("restore", config.database, lines, as_json)
        return USAGE
    if restored:
        raise click.UsageError("--after-pg-restore is for a database on a PostgreSQL server")
    if file is None:
        raise click.UsageError("Missing argument 'FILE'")
    with _prepared(settings, config, file) as (copied, identity):
        refused = None if yes else _refused(f"Replace {config.database} by {file}?")
        if refused is not None:
            return refused
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
    _show_next_steps(config)
    return 0


def _show_next_steps(config: Config) -> None:
    show.heading("What to do next")
    for number, step in enumerate(_next_steps(config), 1):
        show.line(f"{number}. {step}")


def _refused(question: str) -> int | None:
    """The exit code where nobody agrees; None where somebody does."""
    if not show.can_ask():
        show.line("nothing was restored: say --yes to replace the database", error=True)
        return USAGE
    if not click.confirm(question, err=True):
        show.line("nothing was restored", error=True)
        return BAD_NEWS
    return None


def _not_done(what: str, database: DatabaseUrl, lines: Sequence[str], as_json: bool) -> None:
    """Tell the lines to run, which alone are on standard output."""
    copies_itself = f"{database} is on a server, which has programs of its own for that"
    if as_json:
        show.as_json({"database": str(database), "done": False, "commands": list(lines)})
    show.line(f"vpp-bridge {what} does nothing here: {copies_itself}; run:", error=True)
    if not as_json:
        for line in lines:
            click.echo(line)


def _again(settings: Settings) -> str:
    where = shlex.quote(str(settings.config_path))
    return f"vpp-bridge --config {where} restore --after-pg-restore"


def _after_pg_restore(settings: Settings, config: Config, yes: bool, as_json: bool) -> int:
    """What the server holds now is of some time in the past: begin with it as `restore` does."""
    bridge = Bridge(config, settings.clock, whoever())
    try:
        if bridge.database.is_missing():
            raise NoDatabase(config.database)
        bridge.database.check_alone()
        bridge.engine_lock.acquire(0.0)
        refused = None if yes else _refused(f"Was {config.database} just put back by pg_restore?")
        if refused is not None:
            return refused
        bridge.database.open()
        identity = _made_present(bridge, bridge.database, put_back.forget)
        bridge.database.check_put_back()  # it is marked anew
    finally:
        bridge.engine_lock.release()
        bridge.close()
    if as_json:
        shown = {
            "database": str(config.database),
            "kept": None,
            "instance_id": identity,
            "next": _next_steps(config),
        }
        show.as_json(shown)
        return 0
    show.line(f"{config.database} is paused, has a new id, and doubts what was under way.")
    _show_next_steps(config)
    return 0


@contextmanager
def _prepared(settings: Settings, config: Config, file: Path) -> Iterator[tuple[Path, str]]:
    """A checked copy of `file` that may be put in the database's place, and the bridge's new id.

    Nobody else has the database in this block; the copy is gone after it. Raises StoreError.
    """
    assert isinstance(config.database, Path)
    bridge = Bridge(config, settings.clock, whoever())
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
    database = FileDatabase(copied)
    database.open()  # migrates it, or says that a newer bridge wrote it
    try:
        return _made_present(bridge, database)
    finally:
        database.close()


def _made_present(
    bridge: Bridge, database: Database, first: Callable[[Connection], None] = lambda _db: None
) -> str:
    """Begin with a database as it was in the past, `first` of all by this; the bridge's new id."""
    calls = make_calls(database, bridge.clients(), bridge.config)
    with database.write() as db:
        first(db)
        restoring.make_present(bridge.context(db), calls, bridge.actor)
        return instance_id(db)


def _next_steps(config: Config) -> list[str]:
    claims = ", ".join(f"vpp-bridge claim {name}" for name in config.locations)
    return [
        "Make sure that the bridge from which the backup came does not run any more.",
        "Start this one (vpp-bridge serve): it is paused, and sends nothing.",
        "Look at vpp-bridge status, then let it go on: vpp-bridge resume --all",
        f"Take the locations over, since it has a new id: {claims or 'none is configured'}",
    ]
