"""Whether each MDM server's webhooks come, and what to do where they do not.

A webhook that is refused is lost, and the MDM server tells only its own log. So the probes,
`status`, `doctor` and once an hour our log tell of what was refused since the last webhook that was
taken in, and of a silence that is longer than usual. No key is named.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.clients.mdm.port import Words
from bridge.domain import webhooks
from bridge.domain.alerts import Fault
from bridge.domain.times import to_the_second
from bridge.domain.views import HealthPart
from bridge.domain.webhooks import Record, Refused
from bridge.domain.wording import counted, named
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.service import webhooks as store

log = logging.getLogger(__name__)

TOLD_EVERY = 3600.0
"""Seconds between two lines in the log about the same webhooks."""

TELL_AFTER = 10.0
"""Seconds until the log tells of what was refused: one that is taken in by then ends it."""

_LEAST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a server's webhooks, and how it is mended.

    `refused` is false for a silence, which may have good reasons.
    """

    refused: bool
    text: str
    mend: str

    @property
    def shown(self) -> str:
        return f"{self.text}; {self.mend}"


def part_name(server: str) -> str:
    """As the probes and `doctor` name it; `webhook` alone for what is of no known server."""
    return f"webhook {server}".rstrip()


def parts(context: Context, servers: Sequence[str]) -> list[HealthPart]:
    """A part for each server, and one for webhooks of which nobody knows whose they are."""
    found = []
    for server in servers:
        wrong = trouble(context, server, servers)
        at = last_at(context, server)
        age = None if at is None else max(context.now - at, 0.0)
        detail = wrong.shown if wrong else "" if at is not None else "none came yet"
        faults = _faults(wrong, server)
        found.append(HealthPart(part_name(server), wrong is None, "degraded", detail, age, faults))
    wrong = trouble(context, webhooks.NOBODY, servers)
    if wrong is not None:
        name, faults = part_name(webhooks.NOBODY), _faults(wrong, webhooks.NOBODY)
        found.append(HealthPart(name, False, "degraded", wrong.shown, faults=faults))
    return found


def _faults(wrong: Trouble | None, server: str) -> tuple[Fault, ...]:
    if wrong is None:
        return ()
    subject = {"server": server, "what": "webhooks"} if server else {"what": "webhooks"}
    return (Fault("silence", subject, f"{part_name(server)}: {wrong.shown}"),)


def trouble(context: Context, server: str, servers: Sequence[str]) -> Trouble | None:
    """What is wrong with a server's webhooks (`NOBODY`: with those of no known one), if anything.

    `servers` are all that are configured.
    """
    record = _record(context, server)
    if server == webhooks.NOBODY:
        return _of_nobody(context, record, servers)
    if record.refused:
        mends = _mends(record.refused, server, context.abilities(server).words)
        return Trouble(True, _told(record.refused), "; ".join(mends.values()))
    if webhooks.is_silent(record, context.now) and record.last_at is not None:
        gap = max(record.longest_gap, webhooks.SHORT_GAP)
        words = context.abilities(server).words
        return Trouble(
            False,
            f"none came since {to_the_second(record.last_at)}, "
            f"{_span(context.now - record.last_at)} ago; the longest gap of {webhooks.GAP_DAYS} "
            f"days was {_at_most(record, gap)}",
            f"see that {words.program} runs and reaches the bridge, and that {flag(words)} is the "
            f'one that vpp-bridge doctor shows; its log says "{words.lost_webhook}" and why',
        )
    return None


def last_at(context: Context, server: str) -> float | None:
    """When the newest webhook of a server was taken in, though it may wait in the inbox yet."""
    return _record(context, server).last_at


def _record(context: Context, server: str) -> Record:
    """What is known, and what waits in the inbox."""
    record = store.record(context.db, server, context.now)
    number, newest = context.waiting.by_server(webhooks.PROBE_TOPIC).get(server, (0, None))
    if newest is None:
        return record
    return replace(
        record,
        accepted=record.accepted + number,
        last_at=newest if record.last_at is None else max(record.last_at, newest),
        refused=tuple(each for each in record.refused if each.last_at > newest),
    )


def refused(context: Context, server: str) -> int:
    """How many were refused since the last one that was taken in."""
    record = _record(context, server)
    return sum(each.count for each in record.refused)


def note_refused(db: Connection, server: str, more: Refused) -> None:
    """Keep what was refused, and have the log told of it if it lasts."""
    store.refused(db, server, more)
    told_at = store.told_at(db, server)
    at = more.last_at + TELL_AFTER
    meta.hasten_job(
        db, f"{store.JOB}:{server}", at if told_at is None else max(at, told_at + TOLD_EVERY)
    )


def look(context: Context, server: str, servers: Sequence[str]) -> None:
    """Tell the log what is wrong, at most once an hour, and when it is over; plan the next look."""
    db, now = context.db, context.now
    wrong, told_at = trouble(context, server, servers), store.told_at(db, server)
    if wrong is not None and (told_at is None or now >= told_at + TOLD_EVERY):
        log.warning("%s: %s", part_name(server), wrong.shown, extra={"server": server or None})
        store.told(db, server, now)
    elif wrong is None and told_at is not None:
        log.info("%s: they come again", part_name(server), extra={"server": server or None})
        store.told(db, server, None)
    job = f"{store.JOB}:{server}"
    if wrong is not None:
        meta.plan_job(db, job, (store.told_at(db, server) or now) + TOLD_EVERY)
    elif server == webhooks.NOBODY:
        meta.forget_job(db, job)
    else:
        silent = webhooks.silent_at(store.record(db, server, now)) or now + TOLD_EVERY
        meta.plan_job(db, job, min(max(silent, now + _LEAST_WAIT), now + TOLD_EVERY))


def _of_nobody(context: Context, record: Record, servers: Sequence[str]) -> Trouble | None:
    """They may have been of any server that was not heard of since."""
    last = max((each.last_at for each in record.refused), default=None)
    if last is None:
        return None
    heard = (last_at(context, server) for server in servers)
    if all(at is not None and at > last for at in heard):
        return None
    flags = dict.fromkeys(flag(context.abilities(server).words) for server in servers)
    return Trouble(
        True,
        f"{_told(record.refused)}, and of which MDM server they were is not known",
        f"let {' or '.join(flags)} end in /hooks/mdm/ and the server's name here: {named(servers)}",
    )


def _told(refused: Sequence[Refused]) -> str:
    number = sum(each.count for each in refused)
    since = to_the_second(min(each.first_at for each in refused))
    last = to_the_second(max(each.last_at for each in refused))
    when = f"at {since}" if number == 1 else f"since {since}, the last at {last}"
    why = ", ".join(
        f"{_WHY.get(e.status, 'not taken in')} ({e.count} × {e.status})" for e in refused
    )
    return f"{counted(number, 'webhook')} refused {when}: {why}"


_WHY: Mapping[int, str] = {
    400: "not a JSON object",
    401: "wrong or missing password",
    404: "wrong path",
    413: "too large",
}


def flag(words: Words) -> str:
    """The option in which an MDM server of these words is told where to post."""
    return f"{words.program}'s {words.webhook_flag}"


def _mends(refused: Iterable[Refused], server: str, words: Words) -> Mapping[int, str]:
    password = f"set the password in {flag(words)} to servers.{server}.webhook_key, percent-encoded"
    if words.signature_flag is not None:
        password += f", or its {words.signature_flag} to servers.{server}.webhook_hmac_key"
    mends: Mapping[int, str] = {
        400: f"see what stands between {words.program} and the bridge, and changes what is posted",
        401: password,
        404: f"let {flag(words)} end in /hooks/mdm/{server}",
        413: "raise policy.limits.mdm_body",
    }
    return {each.status: mends.get(each.status, "the log says why") for each in refused}


def _at_most(record: Record, gap: float) -> str:
    return _span(gap) if record.longest_gap else f"less than {_span(gap)}"


def _span(seconds: float) -> str:
    """About how long: `50 minutes`, `5 hours`, `3 days`."""
    for unit, length in (("day", 86400.0), ("hour", 3600.0)):
        if seconds >= 2 * length:
            return counted(round(seconds / length), unit)
    return counted(max(round(seconds / 60), 1), "minute")
