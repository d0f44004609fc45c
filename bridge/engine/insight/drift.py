"""What disagrees, a page at a time: candidates by the store's indexes, each compared whole."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bridge.config import Config
from bridge.domain import drift
from bridge.domain.devices.serials import mistyped
from bridge.domain.devices.targets import enrolment_of, is_enrolment, user_of
from bridge.domain.drift import DRIFT_KINDS, Around, Drift, DriftKind
from bridge.domain.facts import Facts
from bridge.domain.times import rfc3339, to_the_second
from bridge.domain.views import Page
from bridge.domain.views.drift import Drift as Shown
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.catalog import apps
from bridge.store.commands.unknown import UnknownCommand
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.devices.devices import target_of
from bridge.store.installs import facts
from bridge.store.licences import locations
from bridge.store.paging import Order, cursor_after, read_cursor
from bridge.store.views import drift as stored
from bridge.store.views import totals
from bridge.store.views.drift import Key, Record, Suspects
from bridge.store.views.totals import InstallCount

AT_ONCE = 500
"""Apps on devices that are compared together."""

_ORDER = Order(("target", "adam_id", "kind", "location"), (str, str, str, str))
_START = ("", "", "", "")


def page(
    context: Context,
    config: Config,
    *,
    kind: DriftKind | None = None,
    serial: str | None = None,
    adam_id: str | None = None,
    foreign: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Shown]:
    """A page of what disagrees, by device, app and kind; with `foreign` also what is about others'
    licences. Raises QueryError for a cursor that this did not give out."""
    after = _START if cursor is None else tuple(read_cursor(cursor, _ORDER))
    target = None if serial is None else target_of(context.db, serial)
    found: list[Drift] = []
    where = stored.suspects(context.db, totals.installs(context.db), others=bool(foreign))
    for each in _walk(context, config, where, (after[0], after[1]), target, others=bool(foreign)):
        if each.key <= after or not _is_asked(each, kind, adam_id):
            continue
        found.append(each)
        if len(found) > limit:
            break
    following = cursor_after(found[limit - 1].key) if len(found) > limit else None
    return Page(_shown(context.db, found[:limit]), following)


def counts(
    context: Context, config: Config, installs: Sequence[InstallCount]
) -> Mapping[DriftKind, int]:
    """How much disagrees of each kind, without others' licences; `installs` as counted now."""
    where = stored.suspects(context.db, installs, others=False)
    walk = _walk(context, config, where, stored.FIRST, None, with_unknown=False)
    found = Counter(each.kind for each in walk if not _is_wanted_unknown(each))
    if not _unread_servers(context) and not context.policy.associate.before_enrolment:
        found["serial_unknown"] += stored.wanted_unknown(context.db, where)
    return {kind: found[kind] for kind in DRIFT_KINDS}


def _is_wanted_unknown(each: Drift) -> bool:
    """There may be as many as installs, so that they are counted by the database."""
    return each.kind == "serial_unknown" and each.wanted


def blind(context: Context, config: Config) -> list[str]:
    """What was never read, a sentence each: nothing is judged by it."""
    found = [
        f"Apple's assignments at {name} were never read: run vpp-bridge sync assignments"
        for name in config.locations
        if locations.get(context.db, name).assignments_read_at is None
    ]
    return found + [
        f"the devices of {name} were never read: run vpp-bridge sync devices"
        for name in _unread_servers(context)
    ]


def _unread_servers(context: Context) -> list[str]:
    return [
        name
        for name, can in context.servers.items()
        if can.device_list and meta.recall(context.db, f"devices_read_at:{name}") is None
    ]


def _is_asked(each: Drift, kind: DriftKind | None, adam_id: str | None) -> bool:
    return (kind is None or each.kind == kind) and (adam_id is None or each.adam_id == adam_id)


def _walk(
    context: Context,
    config: Config,
    where: Suspects,
    after: Key,
    target: str | None,
    *,
    others: bool = False,
    with_unknown: bool = True,
) -> Iterator[Drift]:
    """All that disagrees from the key `after` on (itself included), in order."""
    db = context.db
    read = frozenset(
        n for n in config.locations if locations.get(db, n).assignments_read_at is not None
    )
    sees = not _unread_servers(context)
    last = max(after, (target, "")) if target is not None else after
    first = True
    while True:
        some = stored.keys(
            db, last, AT_ONCE, where, only=target, including=first, with_unknown=with_unknown
        )
        if not some:
            return
        yield from _compared(context, config, some, read, sees_devices=sees, others=others)
        last, first = some[-1], False


def _compared(
    context: Context,
    config: Config,
    some: Sequence[Key],
    read: frozenset[str],
    *,
    sees_devices: bool,
    others: bool,
) -> Iterator[Drift]:
    db = context.db
    targets = sorted({target for target, _ in some})
    serials = [each for each in targets if not is_enrolment(each) and user_of(each) is None]
    gone = stored.gone(db, serials) if sees_devices else frozenset[str]()
    strange = stored.unknown_commands(db, targets)
    around = Around(
        read=read,
        sees_devices=sees_devices,
        gone=gone,
        likely=_likely(db, gone),
        one_offs=stored.one_offs(db, some),
        expects_all=context.policy.associate.before_enrolment,
        queued=frozenset((each.target, each.adam_id) for each in strange),
    )
    known = {
        (each.install.target, each.install.adam_id): each
        for each in facts.load(db, stored.installs(db, some))
    }
    licences = stored.licences(db, some)
    records = stored.records(db, [target for target, adam_id in some if not adam_id])
    asked = frozenset(some)
    for key in some:
        found: list[Drift | None] = []
        if (its := known.get(key)) is not None:
            found.append(drift.of_install(its, around))
        found += [
            drift.of_licence(held, its, around)
            for held in licences.get(key, ())
            if held.ours or others
        ]
        if not key[1] and len({each.server for each in records.get(key[0], ())}) > 1:
            found.append(_two_servers(context, key[0], records[key[0]]))
        found += [
            _queue_unknown(context, config, each, its)
            for each in strange
            if (each.target, each.adam_id) == key and key in asked
        ]
        yield from sorted(_each_once(found), key=lambda each: each.key)


def _each_once(found: Iterable[Drift | None]) -> Iterable[Drift]:
    """One of each key: of several commands or licences alike the first tells."""
    by_key: dict[tuple[str, ...], Drift] = {}
    for each in found:
        if each is not None:
            by_key.setdefault(each.key, each)
    return by_key.values()


def _likely(db: Connection, gone: Iterable[str]) -> dict[str, list[str]]:
    """By serial number that no server knows, those that may have been meant."""
    found = {}
    for serial in gone:
        near = stored.enrolled(db, mistyped(serial)) if len(serial) <= _LONGEST_TYPED else []
        if near:
            found[serial] = near
    return found


_LONGEST_TYPED = 16
"""Letters of a serial number of which it is looked what may have been meant: Apple's have 8 to
14, and each more asks for 70 more."""


def _two_servers(context: Context, target: str, records: Sequence[Record]) -> Drift:
    past = records[-1]
    told = {each.server: (each.enrolled_at or 0.0, _seen(each.last_seen_at)) for each in records}
    remove = context.abilities(past.server).words.remove_device.format(id=past.enrolment_id)
    mend = f"at {past.server}: {remove}, then vpp-bridge sync devices"
    return drift.two_servers(target, told, mend)


def _seen(at: float | None) -> str:
    return "never heard of" if at is None else f"heard of at {to_the_second(at)}"


def _queue_unknown(
    context: Context, config: Config, command: UnknownCommand, its: Facts | None
) -> Drift:
    device = devices.by_id(context.db, command.device_id)
    name = device.server if device is not None else ""
    server = config.servers.get(name)
    clear = context.abilities(name).words.clear_queue.format(
        url=shlex.quote(server.url.rstrip("/")) if server is not None else "URL",
        id=device.enrolment_id if device is not None else "",
    )
    return drift.queue_unknown(
        command.target,
        command.adam_id,
        its,
        what=f"{command.request_type} {command.command_uuid} waits in its queue, and the bridge "
        "has not sent it",
        since=command.since,
        clear=f"{clear}, then vpp-bridge sync devices",
    )


def _shown(db: Connection, found: Sequence[Drift]) -> list[Shown]:
    """The same as people and programs read it."""
    named = apps.known(db, sorted({each.adam_id for each in found if each.adam_id}))
    carried = devices.current(db, sorted({each.target for each in found}))
    shown: list[Shown] = []
    for each in found:
        enrolment, user = enrolment_of(each.target), user_of(each.target)
        device, app = carried.get(each.target), named.get(each.adam_id)
        shown.append(
            {
                "kind": each.kind,
                "serial_number": each.target if enrolment is None and user is None else None,
                "enrollment_id": enrolment,
                "client_user_id": user,
                "device_name": device.name if device is not None else None,
                "adam_id": each.adam_id or None,
                "app_name": app.name if app is not None else None,
                "location": each.location or None,
                "wanted": each.wanted,
                "licensed": each.licensed,
                "queued": each.queued,
                "on_device": each.on_device,
                "by_others": each.by_others,
                "since": None if each.since is None else rfc3339(each.since),
                "cause": each.cause,
                "mend": each.mend,
            }
        )
    return shown
