"""What stands around a bridge that dies: a simulated outside, and what the database says.

The bridge is the real `serve`; the outside is on loopback in this process, and follows the clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.simulator.serve import Running, run
from bridge.simulator.world import World, build_world
from bridge.store.inbox.mark import taken
from bridge.store.inbox.waiting import Waiting
from bridge.store.postgresql.connection import connect
from bridge.wire.apple_notification import parse_notification
from bridge.wire.mdm_webhook import parse_webhook
from tests import postgresql
from tests.soak.faults import waiting
from tests.soak.served import Served

_POLICY = """\
policy:
  apply: {unseen_limit: 10000}
  call: {retry: [300ms, 1s, 2s]}
  event_status: {first_after: 1s, min_interval: 1s}
  associate: {collect_for: 200ms, in_doubt_wait: 5s, retry: [1s, 2s]}
  command: {in_doubt_after: 2s, repush_after: 5s}
  install: {license_retry: [1s, 2s, 4s], max_open_per_device: 2}
  verify: {first_after: 1s, unreadable_retry: [1s, 1s, 2s, 2s, 5s, 10s]}
  device: {ask_serial_every: 5s}
  sync: {assignments_every: 10s, changes_every: 5s, devices_every: 5s}
"""
_CONFIG = """\
database: {database}
listen: 127.0.0.1:{port}
public_url: http://127.0.0.1:{port}
api: {key: api-key}
servers:
  main: {kind: {kind}, url: "{mdm}", api_key: {mdm_key}, webhook_key: webhook-key}
locations: {hq: {content_token_file: hq.vpptoken}}
apple: {url: "{apple}"}
groups:
  everyone: {all: true}
  nobody: {match: {name: no device has this name}}
apps:
  - {adam_id: "{wanted}", name: Wanted, groups: [everyone]}
  - {adam_id: "{wished}", name: Wished, groups: [nobody], on_unwanted: release}
"""


@dataclass(frozen=True)
class Mode:
    """Where the bridge keeps what it knows, and beside which MDM server it is."""

    database: Literal["sqlite", "postgresql"]
    mdm: Literal["micromdm", "nanomdm"]

    @property
    def name(self) -> str:
        """For people."""
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        return f"{names[self.database]}, {'MicroMDM' if self.mdm == 'micromdm' else 'NanoMDM'}"


MODES = (
    Mode("sqlite", "micromdm"),
    Mode("postgresql", "nanomdm"),
    Mode("sqlite", "nanomdm"),
    Mode("postgresql", "micromdm"),
)


@contextmanager
def database(mode: Mode) -> Iterator[str | None]:
    """The connection string of a new database; None where it is a file."""
    if mode.database == "sqlite":
        yield None
        return
    with postgresql.server() as server, postgresql.database(server) as made:
        yield made


@dataclass
class Outside:
    """The simulated services, and which of their messages were answered 200."""

    world: World
    running: Running
    answered: set[str] = field(default_factory=set)

    def config(self, mode: Mode, database: str) -> str:
        """The bridge's configuration, but for its port."""
        text = _CONFIG + _POLICY
        wanted, wished = self.world.catalogue
        for name, value in {
            "database": database,
            "kind": mode.mdm,
            "mdm": self.running.mdm_url,
            "mdm_key": self.world.mdm.settings.api_key,
            "apple": self.running.apple_url,
            "wanted": wanted,
            "wished": wished,
        }.items():
            text = text.replace("{" + name + "}", value)
        return text

    def note(self, body: bytes, status: int | None) -> None:
        """A message was answered."""
        if status != 200:
            return
        with suppress(Exception):
            webhook = parse_webhook(body)
            if webhook.event_id:
                self.answered.add(webhook.event_id)
                return
        with suppress(Exception):
            notification = parse_notification(body)
            if notification.notification_id:
                self.answered.add(notification.notification_id)


@contextmanager
def outside_of(mode: Mode, seed: int) -> Iterator[Outside]:
    """The services of a small, quick world."""
    world = build_world(
        devices=2,
        apps=2,
        seed=seed,
        seats=100_000,
        clock=time.time,
        install_time=0.2,
        apple=AppleSettings(process_delay=0.3, notifications=NotificationSettings(delay=0.1)),
        mdm=MdmSettings(kind=mode.mdm, push_delay=0.02),
    )
    outside = Outside(world, run(world))
    post = world.outgoing.post

    def posted(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int | None:
        status = post(url, headers, body, timeout)
        outside.note(body, status)
        return status

    world.outgoing.post = posted
    try:
        yield outside
    finally:
        outside.running.stop()


@dataclass(frozen=True)
class Stored:
    """What the bridge's database says, read beside it; `where` is None for the file."""

    served: Served
    where: str | None

    def rows(self, statement: str) -> list[Any]:
        """What a statement tells."""
        if self.where is None:
            return self.served.rows(statement)
        with closing(connect(self.where)) as db:
            return list(db.execute(statement).fetchall())

    def messages(self) -> set[str]:
        """The ids of all messages that are there."""
        if self.where is None:
            return self.served.stored("")
        found = self.rows(
            "SELECT message_id FROM inbox WHERE body IS NOT NULL "
            "UNION SELECT message_id FROM seen_messages"
        )
        return {row[0] for row in found}

    def unhandled(self) -> int:
        """How many messages are not handled yet."""
        if self.where is None:
            return waiting(self.served)
        with closing(connect(self.where)) as db:
            left = db.execute("SELECT count(*) FROM events WHERE processed_at IS NULL").fetchone()
            return int(left[0]) + len(list(Waiting(db, taken(db)).all()))

    def unsettled(self) -> list[str]:
        """Wanted installs that are not installed as the bridge sees it."""
        found = self.rows(
            "SELECT target, adam_id, state, reason FROM installs "
            "WHERE desired = 1 AND state <> 'installed'"
        )
        return [f"{row[0]} {row[1]} is {row[2]} {row[3]}" for row in found]

    def damage(self) -> str:
        """What is wrong with the file; a server looks after its own."""
        said = "ok" if self.where else str(self.rows("PRAGMA integrity_check")[0][0])
        return "" if said == "ok" else said
