"""The composition root: a configuration becomes a bridge.

Two processes make one each on the same database: the web side, which stores what comes in and
answers questions, and the engine, which does everything else.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.app.acts import Acts
from bridge.app.calls import make_calls
from bridge.app.claims import Claiming
from bridge.app.desired import Wishes
from bridge.app.inbox_upkeep import InboxUpkeep
from bridge.app.invitations import Inviting
from bridge.app.looks import Looks
from bridge.app.lost import LostWebhooks
from bridge.app.metrics import Measuring
from bridge.app.opening import Opening
from bridge.app.pauses import Pauses
from bridge.app.reclaims import Reclaiming
from bridge.app.refusals import Refusals
from bridge.app.telling import Telling
from bridge.app.updates import Updates
from bridge.app.views import Lists
from bridge.clients.listener import MARK
from bridge.config import Config, settings
from bridge.domain.audit import BY_ITSELF, Actor, Deed, some
from bridge.domain.pauses import Way, by_command
from bridge.domain.plan.unlisted import KnownDevices
from bridge.domain.roles import Role
from bridge.domain.views import HealthPart
from bridge.domain.views.installs import ExplainedInstall
from bridge.domain.views.traffic import AskedRead
from bridge.domain.webhooks import PROBE_TOPIC
from bridge.domain.wording import counted
from bridge.engine import sync
from bridge.engine.alerts.watch import AlertWatch
from bridge.engine.client_pool import ClientPool, Transports
from bridge.engine.desired.plan import known_devices
from bridge.engine.dispatch import Executor, inline
from bridge.engine.insight import explain, health, restart
from bridge.engine.intake import inbox
from bridge.engine.intake.forward import Forwarder, Webhook
from bridge.engine.licences import notification_tokens
from bridge.engine.licences.token_guard import Guards
from bridge.engine.licences.token_watch import TokenWatch
from bridge.engine.loop import Engine
from bridge.engine.sync import Places
from bridge.engine.timers import Outside
from bridge.engine.wake import Wake
from bridge.errors import StoreAway, StoreError, StoreFull, StoreGone
from bridge.store import meta
from bridge.store.database import Engines
from bridge.store.licences import locations
from bridge.store.patience import AT_THE_END, patient
from bridge.store.service import doctor_secret
from bridge.store.service import running as running_store
from bridge.store.users import users
from bridge.store.write_probe import WriteProbe

log = logging.getLogger(__name__)

SERVICE_UNAVAILABLE = 503


class Bridge(
    Acts,
    Claiming,
    Inviting,
    Lists,
    Looks,
    Measuring,
    Pauses,
    Reclaiming,
    Telling,
    Updates,
    Wishes,
):
    """Everything that the web side and the command line need, on one database."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.time,
        actor: Actor = BY_ITSELF,
    ) -> None:
        super().__init__(config, clock, actor)
        self.engine_lock = self.database.engine_lock()
        self.engine_elsewhere = False
        """Whether the engine is another service: then no restart of this one brings it back, and
        what comes in is taken in without it."""
        self._probe = WriteProbe(self.database)
        self.lost = LostWebhooks(self.database, self.now)
        self.forwarder = Forwarder(self.database, config, self.now)
        self.refusals = Refusals(self.database, self.now)
        self._opening = Opening(self._open_for_hooks)
        self._inbox_upkeep = InboxUpkeep(self.database)

    def open(self) -> Bridge:
        """Open the database, creating and migrating it as needed; raises StoreError."""
        self.database.open()
        try:
            self.database.check_put_back()
            with self.database.read() as db:
                known = meta.recall(db, "instance_id")
            if known is None:
                with self.database.write() as db:
                    meta.instance_id(db)
        except BaseException as error:
            self.database.close(error if isinstance(error, StoreError) else None)
            raise
        return self

    def open_when_possible(self) -> Bridge:
        """Open the database now, or later if that may help: until then all that needs it raises
        what is wrong. Raises StoreError where waiting is no use. From then on what the engine took
        from the inbox is removed."""
        self._opening.begin()
        self._inbox_upkeep.begin()
        return self

    def _open_for_hooks(self) -> None:
        self.open()
        self.database.inbox.open()
        if self.engine_elsewhere:
            self.lost.begun(tuple(self.config.servers))

    def close(self) -> None:
        """Close the database, after a moment for webhooks that are being passed on."""
        self._opening.stop()
        self._inbox_upkeep.stop()
        self.forwarder.stop()
        with patient(AT_THE_END):
            self.refusals.flush()
            self.database.close()

    def end(self) -> None:
        """Pass no more webhooks on, and store how it went; the process is about to end.

        Nothing is left in the `-wal`, as far as possible: a copy of the database that is put in its
        place by hand would meet it there.
        """
        self.forwarder.stop()
        with patient(AT_THE_END):
            self.refusals.flush()
        self._inbox_upkeep.stop()
        try:
            self.database.inbox.fold()
            self.database.fold()
        except StoreError as error:
            log.warning("the write-ahead log could not be folded in: %s", error)

    def receive_webhook(
        self,
        server: str,
        body: bytes,
        content_type: str | None = None,
        forwarded_by: str | None = None,
        signature: str | None = None,
    ) -> None:
        """Store and commit one webhook, and pass a new one on to the server's other listeners.

        One that a bridge has passed on already is not passed on again: it might go in a circle.
        Raises ShapeError or StoreError.
        """
        passed_on = self.forwarder.has_listeners(server)
        received = inbox.receive_webhook(
            self.database, server, body, self.now(), tell_new=passed_on
        )
        self.lost.note()
        if received.topic == PROBE_TOPIC:
            self.refusals.flush()  # doctor looks at them next
            return
        if not received.new:
            return
        self.refusals.accepted(server)
        if not passed_on:
            return
        if MARK in (forwarded_by or ""):
            self.count_refused(f"forward.{server}.looped")
        else:
            self.forwarder.offer(server, Webhook(body, content_type, received.topic, signature))

    def receive_notification(self, location: str, body: bytes) -> None:
        """Store and commit one notification; raises ShapeError or StoreError."""
        inbox.receive_notification(self.database, location, body, self.now())

    def notification_token_ok(self, location: str, token: str) -> bool:
        """Whether Apple was given this token; the one that is just being told counts, too."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        with self.database.read() as db:
            known = locations.get(db, location)
        expected = notification_tokens.accepted(known, self.now())
        matches = [hmac.compare_digest(digest, each) for each in expected]
        return any(matches)

    def webhook_refused(self, server: str, status: int) -> None:
        """A webhook was lost through our answer: have what it may have told looked up."""
        self.lost.add(server, status)
        if status != SERVICE_UNAVAILABLE:
            self.lost.note()

    def count_refused(self, kind: str, *, server: str | None = None) -> None:
        """Count one refused request, `mdm.401` and the like; `server` where it was a webhook."""
        if server is None:
            self.refusals.count(kind)
        else:
            self.refusals.webhook(server, int(kind.rpartition(".")[2]), kind)

    def count_denied(self, actor: Actor, needed: Role) -> None:
        """Count that `actor` was refused for want of the role `needed`."""
        self.refusals.denied(actor, needed)

    def is_probe(self, offered: str) -> bool:
        """Whether `offered` is the secret by which a running `doctor` marks its requests."""
        try:
            with self.database.read() as db:
                return doctor_secret.matches(db, offered, self.now())
        except StoreError:
            log.exception("it is not known whether a request was doctor's own")
            return False

    def health(self) -> Sequence[HealthPart]:
        """How every part does; whether events are taken in is tried."""
        trouble = self._probe.trouble()
        if trouble is None:
            self.refusals.flush()
        first = health.taking_in(trouble, self.database)
        engine = health.engine_part(self.engine_lock)
        if self.engine_elsewhere:
            engine = replace(engine, severity="degraded")
        try:
            with self.looking() as context:
                return [*first, engine, *health.parts(context, self.config)]
        except StoreError:
            return [*first, engine]

    def keep_settings(self) -> None:
        """Keep digests of what this process runs with; for the engine, at its start. What differs
        from the last time stands in the audit log, by its keys alone."""
        with self.database.read() as db:
            stored = running_store.settings(db)
        before = None if stored is None else settings.Digests(**stored)
        kept = settings.digests(self.config, None if before is None else before.salt)
        differ = [] if before is None else settings.differing_keys(before, kept)
        with self.database.write() as db:
            running_store.keep_settings(db, kept.as_json())
            if differ:
                text = f"serve began with {counted(len(differ), 'setting')} that it had not before"
                self.record(db, Deed("settings", text, after={"differ": some(differ)}))

    def restart_needed(self, config: Config, *, with_keys: bool = True) -> list[str]:
        """The parts of the file's `config` that the running engine was not started with."""
        return restart.needed(self.database, self.engine_lock, config, with_keys=with_keys)

    def alive(self) -> bool:
        """Whether the engine lives beside this process, or lacks only what no restart gives it:
        room on the disk, a database that was removed, or whose server is away. It would take the
        hooks' answers away.
        """
        return self.engine_elsewhere or self.engine_up()

    def engine_up(self) -> bool:
        """Whether the engine lives, or lacks only what no restart gives it."""
        lives = health.engine_part(self.engine_lock).ok
        return lives or isinstance(self._probe.trouble(), StoreFull | StoreGone | StoreAway)

    def get_install(
        self, serial: str, adam_id: str, way: Way = by_command
    ) -> ExplainedInstall | None:
        """One install with its explanation and timeline; `way` tells how to end a pause."""
        with self.looking() as context:
            return explain.explain(context, serial, adam_id, way)

    def sync(self, what: str) -> Sequence[AskedRead]:
        """Have the engine read everything anew, or only one kind of it.

        `asked` says whether it will; False where such a read is under way already, and for a
        server that has no list of devices: there, devices of which more is to be known are asked.
        """
        reads = sync.chosen(what, self.readable())
        job = sync.Sync(
            self.database, self.config.policy, {}, reads, self.clock, record=self.record
        )
        asked = job.ask()
        unlisted = self.ask_unlisted() if what in ("devices", "all") else {}
        told = [AskedRead(what=r.shown, of=r.scope, asked=r in asked) for r in reads]
        return told + [AskedRead(what="devices", of=name, asked=False) for name in unlisted]

    def readable(self) -> Places:
        """Where there is something to read in full."""
        names = tuple(self.config.locations)
        with self.database.read() as db:
            with_users = [each for each in names if users.is_any_concerned(db, each)]
        return Places(
            names,
            self.listing_servers,
            self.told_of_servers,
            with_users,
            self.config.subscriptions,
        )

    def ask_unlisted(self) -> list[str]:
        """Have devices asked of servers of which nothing tells what devices they have; who these
        are."""
        names = [each for each in self.unlisted_servers if each not in self.told_of_servers]
        if names:
            with self.database.write() as db:
                sync.ask_unlisted(db, names, self.now())
        return names

    def known_devices(self) -> list[KnownDevices]:
        """What is known of the devices of each server that cannot list them."""
        with self.database.read() as db:
            return [known_devices(db, name) for name in self.unlisted_servers]

    def clients(self, transports: Transports | None = None) -> ClientPool:
        """The clients of this bridge, which keep each location to its own library."""
        names = tuple(self.config.locations)
        guards = Guards(self.database, self.config.policy, names, self.clock)
        return ClientPool(self.config, self.clock, transports or Transports(), guards)

    def engine(
        self,
        transports: Transports | None = None,
        execute: Executor = inline,
        wake: Wake | None = None,
        engines: Engines | None = None,
    ) -> Engine:
        """The engine of this bridge; the engine's lock is the caller's business, and so is its
        place among the `engines` that share the calls."""
        clients = self.clients(transports)
        outside = Outside(
            tuple(self.config.locations),
            self.servers,
            self.config.subscriptions,
            tuple(self.config.alerts),
            place=str(self.config.database),
        )
        tokens = TokenWatch(
            self.database, self.config.policy, outside.locations, clients.token_file_changed
        )
        return Engine(
            self.database,
            self.config.policy,
            make_calls(self.database, clients, self.config),
            outside,
            self.clock,
            execute,
            (tokens, AlertWatch(self.database, self.looking, self.config)),
            (transports or Transports()).clock or time.monotonic,
            wake,
            engines,
        )


def open_bridge(config: Config, *, engine_elsewhere: bool = False) -> Bridge:
    """A bridge for the web side: it answers, though its database may not be usable yet."""
    bridge = Bridge(config)
    bridge.engine_elsewhere = engine_elsewhere
    return bridge.open_when_possible()
