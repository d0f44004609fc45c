"""How a simulated device answers commands.

Source: Apple's device-management schema, mdm/commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.simulator import templates
from bridge.simulator.devices.apps import App, Book, Install
from bridge.simulator.devices.script import (
    DECLARED,
    KIOSK,
    KIOSK_ERROR,
    LICENCE_ERROR,
    MDM_ERROR,
    STORE_ERROR,
    TEXTS,
    Planned,
)
from bridge.simulator.plists import Value, text, texts

if TYPE_CHECKING:
    from bridge.simulator.devices.device import Device

Details = dict[str, Value]


@dataclass(frozen=True)
class Answer:
    """What goes back to the server: `body` is the plist, sent `twice` if the device stutters."""

    status: str
    body: bytes = field(repr=False)
    twice: bool = False


@dataclass(frozen=True)
class _Reply:
    """Status and members, before they are a plist."""

    status: str
    parts: tuple[str, ...] = ()


def adam_id_of(device: Device, command: Details) -> str:
    """The adam id that a command is about: its iTunesStoreID, or that of its Identifier."""
    store_id = command.get("iTunesStoreID")
    if isinstance(store_id, int):
        return str(store_id)
    identifier = text(command, "Identifier")
    found = [adam for adam, (bundle_id, _) in device.catalogue.items() if bundle_id == identifier]
    return found[0] if found else ""


def answer(
    device: Device,
    command_uuid: str,
    command: Details,
    planned: Planned | None,
    user_id: str = "",
) -> Answer | None:
    """The device's answer to a command, as `planned` or as it should be; None for silence.

    With `user_id` it is the channel of that user on which the command came.
    """
    deed = planned.deed if planned else ""
    if deed == "silent":
        return None
    if planned and deed == "error":
        reply = _error(planned.domain, planned.code)
    elif deed == "not_now" or _is_busy(device, text(command, "RequestType"), user_id):
        reply = _Reply("NotNow")
    elif deed == "command_format_error":
        reply = _Reply("CommandFormatError")
    elif text(command, "RequestType") == "InstallApplication":
        reply = _install(device, command_uuid, command, deed, user_id)
    elif text(command, "RequestType") in _OF_USERS:
        reply = _OF_USERS[text(command, "RequestType")](device, command, user_id)
    else:
        handle = _HANDLERS.get(text(command, "RequestType"), _unknown)
        reply = handle(device, command)
    if deed == "installs_silently":
        return None
    parts = (*reply.parts, templates.user(user_id))
    body = templates.answer(device, command_uuid, reply.status, *parts)
    return Answer(reply.status, body, twice=deed == "answers_twice")


def _is_busy(device: Device, request_type: str, user_id: str) -> bool:
    """Whether Setup Assistant, or what follows it, puts a command off."""
    if user_id:
        return False
    setup, platform = device.setup, device.platform
    if device.kernel.now < setup.busy_until:
        return True
    return setup.puts_off(request_type, platform, device.os_version, supervised=device.supervised)


def _configured(device: Device, _command: Details) -> _Reply:
    """Source: Apple schema, mdm/commands/device.configured.yaml; what a device says that awaits
    nothing stands nowhere."""
    if not device.setup.awaits:
        return _error(MDM_ERROR, 12021)
    device.leave_setup()
    return _done()


def _done(*parts: str) -> _Reply:
    return _Reply("Acknowledged", parts)


def _error(domain: str, code: int, *parts: str) -> _Reply:
    words = TEXTS.get((domain, code), "The operation could not be completed.")
    return _Reply("Error", (templates.error_chain(domain, code, words), *parts))


def _install(
    device: Device, command_uuid: str, command: Details, deed: str, user_id: str
) -> _Reply:
    adam_id = adam_id_of(device, command)
    if adam_id not in device.catalogue or _is_book(device, adam_id):
        return _error(MDM_ERROR, 12023)
    options = command.get("Options")
    if not isinstance(options, dict) or options.get("PurchaseMethod") != 1:
        return _error(MDM_ERROR, 12040)
    now = device.kernel.now
    bundle_id, name = device.catalogue[adam_id]
    named = templates.string("Identifier", bundle_id if device.tells_identifier else "")
    app = device.apps.get(bundle_id, now)
    if app is not None and app.declared:
        return _error(MDM_ERROR, DECLARED, named)
    on_mac = device.platform == "macOS"
    if app is not None and app.status == "Installing" and on_mac:
        failed = templates.string("State", "Failed"), templates.string("RejectionReason", "Other")
        return _error(STORE_ERROR, 506, named, *failed)
    if not _may_have(device, adam_id, user_id):
        return _error(LICENCE_ERROR, 9610) if on_mac else _error("MDMErrorDomain", 12064)
    wants_managed = not on_mac or command.get("InstallAsManaged") is True
    if app is not None and app.present:
        reply = _take_over(device, app, command, wants_managed)
        return _Reply(reply.status, (named, *reply.parts))
    if app is None or app.status != "Installing":
        app = App(bundle_id, adam_id, name, "Installing", wants_managed)
        if (release := device.releases.get(adam_id)) is not None:
            app.version, app.external, _ = release
        app.take(command)
        app.command_uuid = command_uuid
        _begin(device, app, deed)
    return _done(named, templates.string("State", app.status))


def _is_book(device: Device, adam_id: str) -> bool:
    """A book has no bundle id."""
    return not device.catalogue[adam_id][0]


def _may_have(device: Device, adam_id: str, user_id: str) -> bool:
    """Whether there is a licence for it, the device's own or its account's.

    One for the serial number is of no use to a user-enrolled device, and nothing says so. On a Mac
    that is not, the account's counts on its user's channel alone.
    """
    own = not device.enrollment_id and device.licensed(device.serial_number, adam_id)
    reached = device.platform != "macOS" or bool(user_id or device.enrollment_id)
    account = device.account if reached else ""
    return own or bool(account and device.licensed_to_user(account, adam_id))


def _install_media(device: Device, command: Details, user_id: str) -> _Reply:
    """A book, for whoever is signed in. Source: Apple schema, mdm/commands/media.install.yaml."""
    adam_id = adam_id_of(device, command)
    here = bool(user_id) if device.platform == "macOS" else not user_id
    if device.platform not in ("iOS", "macOS") or not here:
        return _error(MDM_ERROR, 12021)
    failed = templates.string("State", "Failed")
    if adam_id not in device.catalogue or not _is_book(device, adam_id):
        reason = templates.string("RejectionReason", "CouldNotVerifyITunesStoreID")
        return _done(failed, reason)
    if not device.account or not device.licensed_to_user(device.account, adam_id):
        return _done(failed, templates.string("RejectionReason", "PurchaseNotFound"))
    now = device.kernel.now
    book = device.books.setdefault(adam_id, Book(now + device.install_time))
    device.installs.append(Install(now, adam_id, ""))
    number = templates.integer("iTunesStoreID", int(adam_id))
    return _done(
        templates.string("MediaType", "Book"), number, templates.string("State", book.state(now))
    )


def _media_list(device: Device, command: Details, user_id: str) -> _Reply:
    if device.platform != "iOS" or user_id:
        return _error(MDM_ERROR, 12021)
    now = device.kernel.now
    books = {adam_id: book.state(now) for adam_id, book in device.books.items()}
    return _done(templates.managed_media_list(books))


def _invite(device: Device, command: Details, user_id: str) -> _Reply:
    """The invitation is shown; who opens it accepts at Apple. Source: Apple schema,
    mdm/commands/application.invitetoprogram.yaml."""
    here = bool(user_id) if device.platform == "macOS" else not user_id
    if device.enrollment_id or device.platform not in ("iOS", "macOS") or not here:
        return _error(MDM_ERROR, 12021)
    url, result = text(command, "InvitationURL"), "Acknowledged"
    if text(command, "ProgramID") != "com.apple.cloudvpp":
        result = "InvalidProgramID"
    elif not url.startswith(("https://", "http://127.0.0.1")):
        result = "InvalidInvitationURL"
    else:
        device.invitations.append(url)
    return _done(templates.string("InvitationResult", result))


def _begin(device: Device, app: App, deed: str) -> None:
    """Start an install; unsupervised devices ask their user first."""
    start = device.kernel.now
    device.apps.put(app)
    if deed in {"prompting", "user_rejected"} or (not device.supervised and _prompts(device)):
        device.prompts.append((start, app.adam_id))
        app.status = "Prompting"
        if deed == "user_rejected":
            app.coming = [(start, "UserRejected")]
        if deed or device.prompt_time is None:
            return
        start += device.prompt_time
        app.coming = [(start, "Installing")]
    device.installs.append(Install(start, app.adam_id, app.command_uuid))
    if deed != "installs_for_ever":
        well = "Managed" if app.managed else ""
        end = _BAD_ENDS.get(deed, well)
        app.coming.append((start + device.install_time, end))


_BAD_ENDS = {"install_fails": "Failed", "never_arrives": "ManagedButUninstalled"}


def _prompts(device: Device) -> bool:
    return device.platform == "iOS"


def _take_over(device: Device, app: App, command: Details, wants_managed: bool) -> _Reply:
    """An install of an app that is there already."""
    if not wants_managed:
        # A Mac that is told to install without InstallAsManaged gives a managed app up.
        app.managed, app.status = False, ""
        return _done(templates.string("State", "UserInstalledApp"))
    if app.managed and device.kiosk:
        return _error(KIOSK_ERROR, KIOSK)
    if app.managed:
        app.take(command)
        if (release := device.releases.get(app.adam_id)) is not None:
            app.update(release, device.kernel.now, device.install_time)
        return _done(templates.string("State", app.status))
    if text(command, "ChangeManagementState") != "Managed":
        reason = "Other" if device.platform == "macOS" else "AppAlreadyInstalled"
        return _error(MDM_ERROR, 12025, templates.string("RejectionReason", reason))
    app.managed, app.status = True, "Managed"
    app.take(command)
    if not device.supervised and _prompts(device):
        app.status = "PromptingForManagement"
        device.prompts.append((device.kernel.now, app.adam_id))
        if device.prompt_time is not None:
            app.coming = [(device.kernel.now + device.prompt_time, "Managed")]
    return _done(templates.string("State", app.status))


def _managed_list(device: Device, command: Details) -> _Reply:
    told = device.apps.report_managed(device.kernel.now, texts(command, "Identifiers"))
    versions = device.apps.externals(device.kernel.now)
    return _done(templates.managed_application_list(told, versions))


def _installed_list(device: Device, command: Details) -> _Reply:
    told = device.apps.report_installed(device.kernel.now, texts(command, "Identifiers"))
    versions, newest = device.apps.externals(device.kernel.now), device.releases
    outdated = {
        device.catalogue[adam_id][0]: versions[device.catalogue[adam_id][0]] < release.external
        for adam_id, release in newest.items()
        if device.catalogue[adam_id][0] in versions
    }
    return _done(templates.installed_application_list(told, outdated))


def _information(device: Device, command: Details) -> _Reply:
    known = {
        "SerialNumber": templates.string("SerialNumber", device.serial_number),
        "UDID": templates.string("UDID", device.udid),
        "DeviceName": templates.string("DeviceName", device.name),
        "OSVersion": templates.string("OSVersion", device.os_version),
        "BuildVersion": templates.string("BuildVersion", device.build),
        "ProductName": templates.string("ProductName", device.product_name),
        "Model": templates.string("Model", device.model),
        "ModelName": templates.string("ModelName", device.name),
        "IsSupervised": templates.boolean("IsSupervised", device.supervised),
    }
    if device.enrollment_id:
        del known["SerialNumber"], known["UDID"]
    queries = texts(command, "Queries") or []
    answers = [known[query] for query in queries if query in known]
    return _done(templates.dictionary("QueryResponses", *answers))


def _remove(device: Device, command: Details) -> _Reply:
    bundle_id = text(command, "Identifier")
    if bundle_id not in device.apps.managed(device.kernel.now):
        return _error(MDM_ERROR, 12029)
    device.apps.remove(bundle_id)
    return _done()


def _unknown(_device: Device, _command: Details) -> _Reply:
    return _error(MDM_ERROR, 12021)


_OF_USERS: dict[str, Callable[[Device, Details, str], _Reply]] = {
    "InstallMedia": _install_media,
    "ManagedMediaList": _media_list,
    "InviteToProgram": _invite,
}
"""Which of them a device takes depends on the channel."""

_HANDLERS: dict[str, Callable[[Device, Details], _Reply]] = {
    "ManagedApplicationList": _managed_list,
    "InstalledApplicationList": _installed_list,
    "DeviceInformation": _information,
    "RemoveApplication": _remove,
    "DeviceConfigured": _configured,
}
