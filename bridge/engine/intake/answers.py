"""What a device's answer to a command of ours changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.domain.catalogue import FORMAT_ERROR, SAID_ONCE, statuses_of, telling_link
from bridge.domain.devices import books
from bridge.domain.devices.installed_apps import InstalledReport, Presence
from bridge.domain.devices.platforms import platform_of
from bridge.domain.model import Device
from bridge.engine.commands import follow_up
from bridge.engine.context import Context
from bridge.engine.desired import apply
from bridge.engine.intake import described, odd_status
from bridge.engine.setup import phase
from bridge.errors import ShapeError
from bridge.store import meta
from bridge.store.catalog import apps
from bridge.store.commands import commands, device_queue, timers
from bridge.store.commands.commands import Answer, Command
from bridge.store.devices import devices, installed_apps, unheard, unreadable
from bridge.store.events import Event
from bridge.store.installs import installs, naming
from bridge.store.users import invitations
from bridge.wire.device_report import (
    InstalledApp,
    InstallResult,
    Message,
    parse_error_chain,
    parse_install_result,
    parse_installed_list,
    parse_invitation_result,
    parse_managed_list,
    parse_media_list,
)
from bridge.wire.mdm_webhook import StoredWebhook

ENDS = ("Acknowledged", "Error", FORMAT_ERROR)
"""The words that settle a command."""
STATUSES = (*ENDS, "NotNow", "Idle")
"""The words that devices have for how a command fared (Apple, "Response status codes")."""


def touch(context: Context, device_id: int, before: Device | None = None) -> None:
    """The device changed: give it what its groups want, unless it is as it was `before` to them,
    and decide its installs anew."""
    device = devices.by_id(context.db, device_id)
    if device is None or device.target is None:
        return
    if device.enrolled and (before is None or device.said != before.said):
        apply.for_device(context, device.target)
    installs.touch_serials(context.db, [device.target], context.now)


def handle(
    context: Context,
    event: Event,
    webhook: StoredWebhook,
    status: str | None,
    device: Device,
    command: Command,
) -> str:
    """Keep an answer, whatever it is; returns in a few words what came of it.

    `status` settles the command, whatever the rest is like; with a word that nobody knows, or none,
    it stays open.
    """
    db = context.db
    if command.posted_at is not None:
        look_at = context.now + context.policy.command.in_doubt_after
        timers.stored_up_to(db, command.server, command.posted_at, look_at)
    if status == "NotNow":
        since = command.not_now_since or event.received_at
        push_at = context.now + follow_up.push_after(context.policy, since, context.now)
        commands.not_now(db, command.command_uuid, event.received_at, push_at=push_at)
        if command.install_id is not None:
            installs.touch_ids(db, [command.install_id], context.now)
        return f"{command.request_type}: NotNow"
    message, unread = webhook.message or {}, webhook.payload_error
    found_again = command.install_id is None and unheard.heard(db, device.id, command.request_type)
    if status not in ENDS:
        return odd_status.handle(context, event, status or "none", device, command)
    full = device_queue.length(db, device.id) >= context.policy.install.max_open_per_device
    app, at = parse_install_result(message), event.received_at
    told = _told(status, message, app, unread)
    room_at = at + context.policy.command.after_connect_delay if full else at
    if not commands.answered(db, command.command_uuid, told, at, room_at=room_at):
        return f"{command.request_type}: answered again, the first answer stands"
    if full:
        device_queue.delay(db, device.id, room_at)
    if status == FORMAT_ERROR:
        meta.count(db, "command.malformed", context.now)
    answer = Answered(event, message, device, command, told, app.identifier, unread)
    unread, news = _observe(context, answer)
    _touch(context, answer, None if found_again else news)
    outcome = f"{command.request_type}: {told.status}"
    return outcome if unread is None else f"{outcome}; the rest cannot be read: {unread}"


def _told(status: str, message: Message, app: InstallResult, unread: str | None) -> Answer:
    """What decides, out of an answer; of an ErrorChain the link that says most."""
    chain = parse_error_chain(message) if "ErrorChain" in message else ()
    error = chain[telling_link([(e.domain, e.code) for e in chain])] if chain else None
    return Answer(
        status=status,
        error_domain=error.domain if error else None,
        error_code=error.code if error else None,
        error_text=(error.us_english or error.text) if error else None,
        app_state=app.state,
        rejection_reason=app.rejection_reason,
        unread=unread,
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A command with the answer that came; `unread` says why nothing but its status is known."""

    event: Event
    message: Message
    device: Device
    command: Command
    told: Answer
    bundle_id: str | None
    """How the device names the app of the command."""
    unread: str | None

    @property
    def accepted(self) -> bool:
        """Whether the device did as it was told."""
        return self.told.status == "Acknowledged"

    @property
    def refusal(self) -> str:
        """What a device said that did not, in words."""
        told = self.told
        words = (told.status, told.error_domain, told.error_code, told.error_text, told.unread)
        return " ".join(str(word) for word in words if word is not None)


News = set[str] | None
"""The bundle ids of which a list told anything but that they are still there; None for an answer
that may concern whatever is wanted on its device."""


def _touch(context: Context, answer: Answered, news: News) -> None:
    """Decide anew what an answer may have changed."""
    db, device, command = context.db, answer.device, answer.command
    if command.install_id is not None:
        installs.touch_ids(db, [command.install_id], context.now)
    elif news is not None and (target := device.serial_number or device.target) is not None:
        naming.touch_listed(db, target, news, context.now)
    else:
        touch(context, device.id, before=device)


def _observe(context: Context, answer: Answered) -> tuple[str | None, News]:
    """What an answer says of the device and its apps, beside how the command fared: why, if that
    cannot be read, and what of it is news."""
    unread, command, news = answer.unread, answer.command, None
    observer = _OBSERVERS.get(command.request_type)
    if observer is not None and (unread is None or answer.told.status in ENDS[1:]):
        try:
            news = observer(context, answer)
        except ShapeError as error:
            unread = str(error)
    if unread is not None:
        _cannot_be_read(context, answer, unread)
        return unread, None
    was_unreadable = unreadable.readable(context.db, answer.device.id, command.request_type)
    return None, None if was_unreadable else news


def _cannot_be_read(context: Context, answer: Answered, why: str, bundle_id: str = "") -> None:
    """Count it; the log tells it once, when it is no mishap of one answer."""
    device, command = answer.device, answer.command
    times = unreadable.note(
        context.db, device, command.request_type, why, answer.event.received_at, bundle_id
    )
    if times == 2:
        odd_status.warn(device, command, why)


def _facts(context: Context, answer: Answered) -> News:
    message = answer.message if answer.accepted else None
    described.learn(context, answer.device, message, answer.event.received_at)
    return None


def _released(context: Context, answer: Answered) -> News:
    if answer.accepted and answer.command.enrolment == answer.device.enrolment:
        phase.ended(context, answer.device, answer.event.received_at)
    return None


def _managed_apps(context: Context, answer: Answered) -> News:
    device, now = answer.device, answer.event.received_at
    if not answer.accepted:
        devices.update(context.db, device.id, apps_refused_at=now, refusal=answer.refusal)
        return None
    listed = parse_managed_list(answer.message)
    if answer.command.enrolment != device.enrolment:
        return None
    ours = apps.ours(context.db, device.serial_number or device.target)
    unread = [a.bundle_id for a in listed if a.status is None and a.bundle_id in ours]
    news = apps.store_list(
        context.db,
        device,
        [
            (a.bundle_id, a.status or "Unknown", _text(a.external_version))
            for a in listed
            if a.bundle_id not in unread
        ],
        asked_at=answer.command.created_at,
        now=now,
        said_once=SAID_ONCE,
        there=statuses_of("there"),
        unread=unread,
    )
    was_unreadable = _readable_but(context, answer, unread)
    return news if device.apps_known and not (unread or was_unreadable) else None


def _managed_books(context: Context, answer: Answered) -> News:
    """As a list of apps, of the books of the store."""
    device, now = answer.device, answer.event.received_at
    if not answer.accepted:
        devices.update(context.db, device.id, media_refused_at=now, refusal=answer.refusal)
        return None
    listed = parse_media_list(answer.message)
    if answer.command.enrolment == device.enrolment:
        apps.store_list(
            context.db,
            device,
            [(books.named(each.adam_id), books.status(each.state), None) for each in listed],
            asked_at=answer.command.created_at,
            now=now,
            said_once=SAID_ONCE,
            there=statuses_of("there"),
            is_of_books=True,
        )
    return None


def _readable_but(context: Context, answer: Answered, unread: Sequence[str]) -> bool:
    """A list was read, and what it says of these apps of ours could not be; whether more could not
    be read before it."""
    device, command = answer.device, answer.command
    more = unreadable.readable_but(context.db, device.id, command.request_type, unread)
    for bundle_id in unread:
        _cannot_be_read(context, answer, f"what it says of {bundle_id} is not an entry", bundle_id)
    return more


def _installed_apps(context: Context, answer: Answered) -> News:
    """An app that was asked for and is not listed is not there; one still arriving is not, yet.

    With an entry that names no app, what is not listed may be that one.
    """
    device, command, now = answer.device, answer.command, answer.event.received_at
    if not answer.accepted:
        devices.update(context.db, device.id, installed_refused_at=now, refusal=answer.refusal)
        return None
    listed = parse_installed_list(answer.message)
    if command.enrolment != device.enrolment:
        return None
    found = {app.bundle_id: app for app in listed if app is not None}
    asked: list[str] = json.loads(command.identifiers or "[]")
    unread = [each for each in asked if each not in found] if None in listed else []
    reports = [
        _report(each, found.get(each), command.created_at, now)
        for each in asked
        if each not in unread
    ]
    news = installed_apps.store(context.db, device.id, reports)
    was_unreadable = _readable_but(context, answer, unread)
    return None if unread or was_unreadable else news


def _report(
    bundle_id: str, app: InstalledApp | None, asked_at: float, now: float
) -> InstalledReport:
    if app is None:
        return InstalledReport(bundle_id, "absent", None, None, asked_at, now)
    presence: Presence = "installing" if app.installing else "there"
    there_at = now if presence == "there" else None
    return InstalledReport(
        bundle_id,
        presence,
        app.version,
        app.short_version,
        asked_at,
        now,
        there_at,
        app.has_update_available,
    )


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _learn_bundle_id(context: Context, answer: Answered) -> News:
    """What the device names holds for its own install; other devices go by it until somebody who
    counts more has told. Refusals name the app, too."""
    bundle_id = answer.bundle_id
    known = naming.of_install(context.db, answer.command.install_id or 0)
    if bundle_id is None or known is None:
        return None
    own = known.own != bundle_id and installs.learn_bundle_id(
        context.db, answer.command.install_id or 0, bundle_id
    )
    if own and bundle_id != known.of_app:  # an entry of unknown origin may have held up others
        installs.touch_serials(context.db, [known.target], context.now)
    if bundle_id == known.of_app and known.told_by != "watch":
        return None
    on_watch = platform_of(answer.device.product_name) == "watchOS"
    source = "watch" if on_watch else "device"
    news = apps.learn_app(context.db, known.adam_id, bundle_id=bundle_id, name=None, source=source)
    if news:
        installs.touch_app(context.db, known.adam_id, context.now)
    return None


def _removed(context: Context, answer: Answered) -> News:
    """The app is gone, whatever a list said that was asked for before."""
    device, command = answer.device, answer.command
    known = naming.of_install(context.db, command.install_id or 0)
    bundle_id = None if known is None else known.own or known.of_app
    is_newest = (device.apps_asked_at or 0.0) < command.created_at
    if answer.accepted and bundle_id and is_newest and command.enrolment == device.enrolment:
        apps.removed(context.db, device.id, bundle_id, answer.event.received_at)
    return None


def _invitation(context: Context, answer: Answered) -> News:
    """Whether the device showed it. Whether the person accepts, Apple tells."""
    said = parse_invitation_result(answer.message) if answer.accepted else answer.refusal
    shown = answer.accepted and said in (None, "Acknowledged")
    uuid = answer.command.command_uuid
    invitations.answered(context.db, uuid, said or "Acknowledged", shown=shown)
    return set()


_OBSERVERS: dict[str, Callable[[Context, Answered], News]] = {
    "InstallApplication": _learn_bundle_id,
    "DeviceInformation": _facts,
    "DeviceConfigured": _released,
    "ManagedApplicationList": _managed_apps,
    "InstalledApplicationList": _installed_apps,
    "ManagedMediaList": _managed_books,
    "InviteToProgram": _invitation,
    "RemoveApplication": _removed,
}
