"""What happened for one install: from the wish to the device's list, each step with its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bridge.domain.model import Device, Install
from bridge.domain.times import rfc3339
from bridge.domain.views import installs as views
from bridge.domain.views.installs import Of
from bridge.engine.context import Context
from bridge.store import events
from bridge.store.commands import commands
from bridge.store.commands.commands import Command
from bridge.store.devices import devices
from bridge.store.events import Event
from bridge.store.installs import facts
from bridge.store.licences import history
from bridge.store.licences.history import Asked

INSTALLS = ("InstallApplication", "InstallMedia")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `of` says what it can be looked up by: the id of an event or of an
    outbox row, Apple's eventId, a CommandUUID."""

    at: float
    what: str
    of: Of = field(default_factory=Of)

    def as_json(self) -> views.Step:
        """Ready for JSON."""
        return {"at": rfc3339(self.at), "step": self.what, **self.of}


@dataclass(frozen=True, slots=True)
class History:
    """All that is kept of what was asked and sent for one install."""

    install: Install
    asked: Sequence[Asked]
    told: Mapping[int, Sequence[Event]]
    """Apple's notifications about the pair, by the request that they are about."""
    sent: Sequence[Command]
    answers: Sequence[Any]
    moves: Sequence[Device] = ()
    """The records that the device left for another server."""

    @classmethod
    def load(cls, context: Context, install: Install) -> History:
        """Read it."""
        db, waiting = context.db, context.waiting
        asked = history.history(db, install.location, facts.pair_of(install))
        told = {each.request_id: _told(context, install, each) for each in asked if each.request_id}
        sent = commands.of_install(db, install.id)
        uuids = [command.command_uuid for command in sent]
        arrived = [events.new(each, context.now) for each in waiting.about("command_uuid", uuids)]
        answers = [*events.by_command(db, uuids), *map(asdict, arrived)]
        return cls(install, asked, told, sent, answers, devices.moves(db, install.target))

    def steps(self) -> list[Step]:
        """What happened, oldest first."""
        found = [Step(self.install.created_at, "wished for")]
        for asked in self.asked:
            found += self._of_request(asked)
        for command in self.sent:
            found += _of_command(command)
        for event in self.answers:
            what = f"{event['topic']}: {event['outcome'] or event['status']}"
            of = Of(command_uuid=event["command_uuid"], event=event["id"])
            found.append(Step(event["received_at"], what, of))
        for past in self.moves:
            what = f"the device moved from {past.server} to {past.moved_to}"
            found.append(Step(past.moved_at or 0.0, what))
        if self.install.installed_at is not None:
            what = "a list from the device showed it Managed"
            found.append(Step(self.install.installed_at, what))
        return sorted(found, key=lambda step: step.at)

    def _of_request(self, asked: Asked) -> Iterator[Step]:
        of = Of(outbox=asked.request_id, apple_event_id=asked.apple_event_id)
        to_give = asked.kind == "ASSOCIATE"
        if asked.submitted_at is not None:
            what = "for the licence" if to_give else "to take the licence back"
            yield Step(asked.submitted_at, f"asked Apple {what}", of)
        if asked.status_asked_at is not None:
            yield Step(asked.status_asked_at, "asked Apple for the event's status", of)
        told = self.told.get(asked.request_id or 0, ())
        for event in told:
            what = f"{event.topic}: {event.outcome or event.status}"
            named = Of(apple_event_id=asked.apple_event_id, event=event.id)
            yield Step(event.received_at, what, named)
        if asked.settled_at is not None:
            number = f" ({asked.error_number})" if asked.error_number else ""
            teller = (
                f", told by {asked.settled_by}{margin(asked, told)}" if asked.settled_by else ""
            )
            noun = "licence" if to_give else "giving back"
            yield Step(asked.settled_at, f"{noun} {asked.state}{number}{teller}", of)

    def took(self) -> list[views.Took]:
        """How long each step took that led to what is so now, from the wish on."""
        install = self.install
        ended_at = install.installed_at or install.since
        wished_at = install.round_at if install.round_at <= ended_at else install.created_at
        stages = [s for s in self._stages() if s.at >= wished_at]
        steps, last = list[views.Took](), wished_at
        for stage in sorted(stages, key=lambda step: step.at):
            took_s = round(stage.at - last, 3)
            steps.append({"at": rfc3339(stage.at), "step": stage.what, "took_s": took_s})
            last = stage.at
        return steps

    def _stages(self) -> Iterator[Step]:
        given = [a for a in self.asked if a.kind == "ASSOCIATE" and a.state == "confirmed"]
        for asked in given[-1:]:
            if asked.submitted_at is not None and asked.settled_at is not None:
                yield Step(asked.submitted_at, "Apple was asked for the licence")
                yield Step(asked.settled_at, f"Apple confirmed it, told by {asked.settled_by}")
        taken = [c for c in self.sent if c.request_type in INSTALLS and c.state == "acknowledged"]
        for command in taken[-1:]:
            if command.posted_at is not None:
                yield Step(command.posted_at, "the command went to the MDM server")
            if command.answered_at is not None:
                yield Step(command.answered_at, "the device acknowledged it")
        if self.install.installed_at is not None:
            yield Step(self.install.installed_at, "the device listed the app as Managed")


def _told(context: Context, install: Install, asked: Asked) -> list[Event]:
    """The notifications about a request that name this install's device."""
    if asked.apple_event_id is None:
        return []
    about = events.by_apple_event(context.db, install.location, asked.apple_event_id)
    arrived = context.waiting.about("apple_event_id", [asked.apple_event_id])
    about += [events.new(each, context.now) for each in arrived if each.origin == install.location]
    name = install.target.encode()
    return [event for event in about if name in event.body.upper()]


def margin(asked: Asked, told: Sequence[Event]) -> str:
    """By how much the one that told first, notification or status, was ahead of the other."""
    if asked.settled_at is None:
        return ""
    if asked.settled_by == "status":
        later = [e.received_at for e in told if e.received_at >= asked.settled_at]
        if later:
            return f", {_seconds(min(later) - asked.settled_at)} before the notification"
        return "; no notification has come"
    if asked.settled_by == "notification":
        if asked.status_asked_at is None:
            return "; the status was not asked for"
        return f", {_seconds(asked.settled_at - asked.status_asked_at)} after the last status"
    return ""


def _seconds(length: float) -> str:
    return f"{length:.1f} s" if length < 60 else f"{length / 60:.0f} min"


def _of_command(command: Command) -> Iterator[Step]:
    of = Of(command_uuid=command.command_uuid)
    what = "attempt" if command.request_type in INSTALLS else command.request_type
    yield Step(command.created_at, f"{what} {command.attempt} decided", of)
    if command.posted_at is not None:
        times = f" ({command.posts} times)" if command.posts > 1 else ""
        yield Step(command.posted_at, f"posted to {command.server}{times}", of)
    if command.in_doubt_at is not None:
        yield Step(command.in_doubt_at, "in doubt: the device is asked", of)
