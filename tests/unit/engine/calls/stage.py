"""One outbox row of some kind, an outside that answers as the test says, and processes that die."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from bridge.app.calls import make_calls
from bridge.cli.root import Settings, cli
from bridge.domain.pauses import Pause, Scope
from bridge.engine import recovery
from bridge.engine.calls import Call
from bridge.engine.context import Context
from bridge.engine.dispatch import Dispatcher
from bridge.engine.timers import Outside
from bridge.errors import OutcomeUnknown
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.file.database import FileDatabase
from tests.unit.engine_kit import POLICY, Clock, configuration, start
from tests.unit.store_kit import PAGES

SERIAL = "S1"
RECEIVER = "chat.example.org"
NAMES: Mapping[Scope, str] = {"all": "", "app": PAGES.adam_id, "location": "hq", "serial": SERIAL}
"""What every scenario is about, by scope of a pause."""

CONFIG = """\
database: bridge.db
api: {key: a-key-of-the-api-0123456789}
servers:
  main: {url: "http://127.0.0.1:9999", api_key: an-api-key-0123456789, webhook_key: a-webhook-key-0123}
locations:
  hq: {content_token_file: hq.vpptoken}
"""  # noqa: E501


class Killed(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Scenario:
    """What a kind of call needs to be run through everything that may happen to it.

    `arrange` puts one row of it into the outbox, due now, and returns its id; it is about NAMES.
    `replies` makes what the outside answers, by method of the client, and `acts` is the method
    that has the effect. `held_by` are the pauses that keep it from leaving: it waits as `held`, or
    leaves the outbox if there is a `taken_back`, which says whether it may be intended anew.
    `doubted` and `let_go` say whether the rest of the database knows of a doubt, or that the
    location or server is gone. `not_again` is how the sentence begins that a person gets who
    repeats it by hand, None if it is repeated; `in_doubt` how the row's error does.
    `held_when_restored` says that of all pauses only that of a restored database holds it.
    """

    arrange: Callable[[Connection], int]
    replies: Callable[[], Mapping[str, Any]]
    acts: str
    held_by: Iterable[Scope] = ()
    taken_back: Callable[[Connection], bool] | None = None
    doubted: Callable[[Connection], bool] | None = None
    let_go: Callable[[Connection], bool] = lambda _db: True
    not_again: str | None = None
    in_doubt: str = "in doubt: "
    held_when_restored: bool = False


@dataclass
class Stand:
    """Clients that answer as a scenario says; `made` lists what was asked.

    The method that `acts` ends with `end` once: what is not known to have been done was done.
    """

    replies: Mapping[str, Any]
    acts: str
    end: BaseException | None = None
    made: list[str] = field(default_factory=list)

    def apple(self, location: str) -> Any:
        return self

    def metadata(self, location: str, url: str) -> Any:
        return self

    def mdm(self, server: str) -> Any:
        return self

    def enrolments(self, server: str) -> Any:
        return self

    def token_digest(self, location: str) -> str | None:
        return None

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **named: Any) -> Any:
            self.made.append(name)
            end = self.end if name == self.acts else None
            if end is not None:
                self.end = None
            if isinstance(end, Exception) and not isinstance(end, OutcomeUnknown):
                raise end
            reply = self.replies[name]
            reply = reply(*arguments, **named) if callable(reply) else reply
            if end is not None:
                raise end
            return reply

        return method


class Stage:
    """A database with one row, and the bridge's processes on it, one after the other."""

    def __init__(self, call: type[Call], scenario: Scenario, folder: Path, empty: Path) -> None:
        self.call = call
        self.scenario = scenario
        self.folder = folder
        self.clock = Clock()
        folder.mkdir()
        shutil.copy(empty, folder / "bridge.db")
        self.database = FileDatabase(folder / "bridge.db")
        self.database.open()
        self.stand = Stand(scenario.replies(), scenario.acts)
        with self.database.write() as db:
            meta.instance_id(db)  # as the bridge draws it when it opens its database
            self.row_id = scenario.arrange(db)

    @contextmanager
    def context(self) -> Iterator[Context]:
        """A write transaction now."""
        with self.database.write() as db:
            yield Context(db, POLICY, self.clock.now)

    def calls(self) -> dict[str, Call]:
        """The calls of a new process."""
        return make_calls(self.database, self.stand, configuration(self.folder))

    def turn(self, *, later: float = 0.0, calls: Mapping[str, Call] | None = None) -> None:
        """Make what is due, some time later, in a process that may die of it."""
        self.clock.now += later
        dispatcher = Dispatcher(self.database, POLICY, calls or self.calls(), self.clock)
        try:
            while start(dispatcher, self.database, self.clock.now):
                pass
        except Killed:
            pass

    def turn_with(self, step: str, end: BaseException) -> None:
        """Make what is due in a process in which this step of the call ends like this."""
        calls = self.calls()

        def broken(*_arguments: object) -> None:
            raise end

        setattr(calls[self.call.kind], step, broken)
        self.turn(calls=calls)

    def restart(self, *, configured: bool = True) -> None:
        """A new process takes up what the last one left, its location and server `configured`."""
        outside = (
            Outside(("hq",), ("main",), receivers=(RECEIVER,)) if configured else Outside((), ())
        )
        with self.context() as context:
            recovery.recover(context, self.calls(), outside)

    def shell(self, *arguments: str) -> Result:
        """Run a command of `vpp-bridge` on the database."""
        config = self.folder / "config.yaml"
        config.touch(0o600)
        config.write_text(CONFIG)
        (self.folder / "hq.vpptoken").touch(0o600)
        arguments = ("--config", str(config), *arguments)
        settings = Settings(clock=lambda: self.clock.now)
        return CliRunner().invoke(cli, arguments, obj=settings, catch_exceptions=False)

    def paused(self, scope: Scope) -> Pause:
        """A pause of what the row is about, since now."""
        return Pause(scope, NAMES[scope], since=self.clock.now)

    @property
    def state(self) -> str:
        """The row's state."""
        return str(self._row()["state"])

    @property
    def error(self) -> str:
        """The row's error, or nothing."""
        return str(self._row()["error"] or "")

    @property
    def acted(self) -> int:
        """How often the outside was asked to do it."""
        return self.stand.made.count(self.scenario.acts)

    def shows(self, question: Callable[[Connection], bool]) -> bool:
        """What the database says to this."""
        with self.database.read() as db:
            return question(db)

    def doubts(self) -> set[bool]:
        """Whether the row is of unknown end, and whether what it is for is."""
        doubted = self.scenario.doubted
        by_row = self.state == "failed" and self.error.startswith(self.scenario.in_doubt)
        return {by_row} if doubted is None else {by_row, self.shows(doubted)}

    def _row(self) -> dict[str, Any]:
        with self.database.read() as db:
            found = db.execute("SELECT * FROM outbox WHERE id = ?", (self.row_id,)).fetchone()
            return dict(zip(found.keys(), found, strict=True))
