"""What a device's answer to a command of ours changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from bridge.domain.catalogue import FORMAT_ERROR, SAID_ONCE, statuses_of, telling_link
from bridge.domain.installed import InstalledReport, Presence
from bridge.domain.model import Device
from bridge.domain.platforms import platform_of
from bridge.engine import follow_up, wishes
from bridge.engine.context import Context
from bridge.errors import ShapeError
from bridge.store import apps, commands, devices, installed_apps, installs, lanes, meta, watch
from bridge.store.commands import Answer, Command
from bridge.store.events import Event
from bridge.wire.device_report import (
    CommandResult,
    InstalledApp,
    Message,
    parse_device_information,
    parse_install_result,
    parse_installed_list,
    parse_managed_list,
    parse_result,
)


def serial(text: str | None) -> str | None:
    """A serial number as Apple has it."""
    return text.upper() if text else None


def touch(context: Context, device_id: int) -> None:
    """The device changed: give it what its groups want, and decide its installs anew."""
    device = devices.by_id(context.db, device_id)
    if device is None or device.serial_number is None:
        return
    if device.enrolled:
        wishes.for_device(context.db, device.serial_number, context.now)
    installs.touch_serials(context.db, [device.serial_number], context.now)


def handle(
    context: Context, event: Event, message: Message, device: Device, command: Command
) -> str:
    """Keep an answer, whatever it is; returns in a few words what came of it."""
    db = context.db
    result = parse_result(message)
    if command.posted_at is not None:
        look_at = context.now + context.policy.command.in_doubt_after
        watch.stored_up_to(db, command.server, command.posted_at, look_at)
    if result.status == "NotNow":
        since = command.not_now_since or event.received_at
        push_at = context.now + follow_up.nudge_after(context.policy, since, context.now)
        commands.not_now(db, command.command_uuid, event.received_at, push_at=push_at)
        _touch_install(context, command)
        return f"{command.request_type}: NotNow"
    if result.status not in ("Acknowledged", "Error", "CommandFormatError"):
        meta.count(db, "mdm.unknown_status", context.now)
        return f"unknown status {result.status}"
    full = lanes.length(db, device.id) >= context.policy.install.max_open_per_device
    if not commands.answered(db, command.command_uuid, _told(result, message), event.received_at):
        return f"{command.request_type}: answered again, the first answer stands"
    if full:
        delay = context.policy.command.after_connect_delay
        lanes.delay(db, device.id, event.received_at + delay)
    if result.status == FORMAT_ERROR:
        meta.count(db, "command.malformed", context.now)
    _observe(context, Answered(event, message, device, command, result.status == "Acknowledged"))
    _touch_install(context, command)
    return f"{command.request_type}: {result.status}"


def _told(result: CommandResult, message: Message) -> Answer:
    """What decides, out of an answer; of an ErrorChain the link that says most."""
    chain = result.error_chain
    error = chain[telling_link([(e.domain, e.code) for e in chain])] if chain else None
    app = parse_install_result(message)
    return Answer(
        status=result.status,
        error_domain=error.domain if error else None,
        error_code=error.code if error else None,
        error_text=(error.us_english or error.text) if error else None,
        app_state=app.state,
        rejection_reason=app.rejection_reason,
    )


def _touch_install(context: Context, command: Command) -> None:
    if command.install_id is not None:
        installs.touch_ids(context.db, [command.install_id], context.now)
    else:
        touch(context, command.device_id)


@dataclass(frozen=True, slots=True)
class Answered:
    """A command with the answer that came; `accepted` when its status is Acknowledged."""

    event: Event
    message: Message
    device: Device
    command: Command
    accepted: bool


def _observe(context: Context, answer: Answered) -> None:
    """What an answer says of the device and its apps, beside how the command fared."""
    observer = _OBSERVERS.get(answer.command.request_type)
    if observer is not None:
        observer(context, answer)


def _facts(context: Context, answer: Answered) -> None:
    devices.update(context.db, answer.device.id, facts_at=answer.event.received_at)
    if not answer.accepted:
        return
    facts = parse_device_information(answer.message)
    devices.learn(
        context.db,
        answer.device.id,
        {
            "serial_number": serial(facts.serial_number),
            "name": facts.device_name,
            "product_name": facts.product_name,
            "model": facts.model,
            "os_version": facts.os_version,
            "build_version": facts.build_version,
        },
        context.now,
    )


def _managed_apps(context: Context, answer: Answered) -> None:
    device, now = answer.device, answer.event.received_at
    try:
        listed = parse_managed_list(answer.message) if answer.accepted else None
    except ShapeError:
        listed = None  # an app left out would be taken for missing: no list is better
    if listed is None:
        devices.update(context.db, device.id, apps_refused_at=now)
    elif answer.command.enrolment == device.enrolment:
        apps.store_list(
            context.db,
            device,
            [(a.bundle_id, a.status or "Unknown", _text(a.external_version)) for a in listed],
            asked_at=answer.command.created_at,
            now=now,
            said_once=SAID_ONCE,
            there=statuses_of("there"),
        )


def _installed_apps(context: Context, answer: Answered) -> None:
    """An app that was asked for and is not listed is not there; one still arriving is not, yet."""
    device, command, now = answer.device, answer.command, answer.event.received_at
    try:
        listed = parse_installed_list(answer.message) if answer.accepted else None
    except ShapeError:
        listed = None
    if listed is None:
        devices.update(context.db, device.id, installed_refused_at=now)
    elif command.enrolment == device.enrolment:
        found = {app.bundle_id: app for app in listed}
        asked: list[str] = json.loads(command.identifiers or "[]")
        reports = [_report(each, found.get(each), command.created_at, now) for each in asked]
        installed_apps.store(context.db, device.id, reports)


def _report(
    bundle_id: str, app: InstalledApp | None, asked_at: float, now: float
) -> InstalledReport:
    if app is None:
        return InstalledReport(bundle_id, "absent", None, None, asked_at, now)
    presence: Presence = "installing" if app.installing else "there"
    there_at = now if presence == "there" else None
    return InstalledReport(
        bundle_id, presence, app.version, app.short_version, asked_at, now, there_at
    )


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _learn_bundle_id(context: Context, answer: Answered) -> None:
    """What the device names holds for its own install; other devices go by it until somebody who
    counts more has told. Refusals name the app, too."""
    bundle_id = parse_install_result(answer.message).identifier
    install = installs.by_id(context.db, answer.command.install_id or 0)
    if bundle_id is None or install is None:
        return
    of_app = apps.bundle_ids(context.db, [install.adam_id]).get(install.adam_id, (None, None))[0]
    own = installs.learn_bundle_id(context.db, install.id, bundle_id)
    if own and bundle_id != of_app:  # an entry of unknown origin may have held up others there
        installs.touch_serials(context.db, [install.target], context.now)
    on_watch = platform_of(answer.device.product_name) == "watchOS"
    source = "watch" if on_watch else "device"
    news = apps.learn_app(
        context.db, install.adam_id, bundle_id=bundle_id, name=None, source=source
    )
    if news:
        installs.touch_app(context.db, install.adam_id, context.now)


_OBSERVERS: dict[str, Callable[[Context, Answered], None]] = {
    "InstallApplication": _learn_bundle_id,
    "DeviceInformation": _facts,
    "ManagedApplicationList": _managed_apps,
    "InstalledApplicationList": _installed_apps,
}
