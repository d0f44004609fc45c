"""A simulated Apple device: enrolment, check-ins, pushes, and the truth about its apps.

It talks through a Transport, so the same device serves the simulated MDM server and a real one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from bridge.errors import PlistError
from bridge.simulator import templates
from bridge.simulator.devices import commands
from bridge.simulator.devices.apps import App, Apps, Book, Install, Received, Release
from bridge.simulator.devices.script import Planned, Script
from bridge.simulator.devices.setup_assistant import SetupAssistant
from bridge.simulator.kernel import Kernel
from bridge.simulator.plists import Value, read_plist, text

Releases = Mapping[str, Release]
"""The newest versions in the store, by adam id; an app that is not among them has just one."""

Catalogue = Mapping[str, tuple[str, str]]
"""The store: adam id to (bundle id, name)."""


class Transport(Protocol):
    """How a device reaches its MDM server."""

    def checkin(self, device: Device, body: bytes) -> int:
        """PUT the body to the check-in URL; returns the HTTP status."""

    def connect(self, device: Device, body: bytes) -> tuple[int, bytes]:
        """PUT the body to the server URL; HTTP status and reply, b"" for nothing to do."""


@dataclass(eq=False, kw_only=True)
class Device:
    """One device. Times are in seconds; `received`, `installs` and `prompts` keep what happened.

    `enrollment_id` makes it user-enrolled (it tells neither UDID nor serial number), `user_id`
    gives it a user channel that talks too, `account` is the clientUserId of the registered user
    with whose Apple Account somebody is signed in, `tells_serial=False` leaves the serial number
    out of Authenticate, `tells_identifier=False` the bundle id out of install answers.
    `awaits_configuration` has it wait in Setup Assistant when it enrols, until DeviceConfigured;
    `tells_release=False` leaves out the TokenUpdate after that.
    `kiosk` shows a single app, and nobody there can answer for another version of one.
    `prompt_time` is how long the user of an unsupervised device takes to accept (None: for ever);
    `not_now_rest` how long after a NotNow it comes by itself. `licensed(serial_number, adam_id)`
    says whether Apple's store gives it the app, `licensed_to_user(client_user_id, adam_id)` the
    same of its account; `misbehave(device, request_type, adam_id)` is asked for a deed when
    `script` has none; `mangle(request_type, answer)` makes of an answer what it really sends.
    """

    kernel: Kernel = field(repr=False)
    transport: Transport = field(repr=False)
    catalogue: Catalogue = field(repr=False)
    udid: str
    serial_number: str
    product_name: str = "iPad13,18"
    model: str = "MPQ13LL/A"
    os_version: str = "18.1"
    build: str = "22B83"
    name: str = "iPad"
    supervised: bool = True
    enrollment_id: str = ""
    user_id: str = ""
    account: str = ""
    tells_serial: bool = True
    tells_identifier: bool = True
    awaits_configuration: bool = False
    tells_release: bool = True
    online: bool = True
    kiosk: bool = False
    releases: Releases = field(default_factory=dict, repr=False)
    install_time: float = 5.0
    prompt_time: float | None = 10.0
    wake_latency: float = 0.3
    not_now_rest: float = 30.0
    licensed: Callable[[str, str], bool] = field(
        default=lambda serial_number, adam_id: True, repr=False
    )
    licensed_to_user: Callable[[str, str], bool] = field(
        default=lambda client_user_id, adam_id: True, repr=False
    )
    misbehave: Callable[[Device, str, str], Planned | None] = field(
        default=lambda device, request_type, adam_id: None, repr=False
    )

    mangle: Callable[[str, bytes], bytes] = field(
        default=lambda request_type, answer: answer, repr=False
    )

    setup: SetupAssistant = field(default_factory=SetupAssistant, init=False)
    enrolled: bool = field(default=False, init=False)
    script: Script = field(default_factory=Script, init=False, repr=False)
    apps: Apps = field(default_factory=Apps, init=False, repr=False)
    books: dict[str, Book] = field(default_factory=dict, init=False, repr=False)
    invitations: list[str] = field(default_factory=list, init=False, repr=False)
    received: list[Received] = field(default_factory=list, init=False, repr=False)
    installs: list[Install] = field(default_factory=list, init=False, repr=False)
    prompts: list[tuple[float, str]] = field(default_factory=list, init=False, repr=False)
    _waking: bool = field(default=False, init=False, repr=False)
    _kept_push: float = field(default=0.0, init=False, repr=False)

    @property
    def key(self) -> str:
        """What MicroMDM keys its queue by: the UDID, or the enrolment id."""
        return self.enrollment_id or self.udid

    @property
    def platform(self) -> str:
        """iOS, macOS, tvOS, watchOS or visionOS, as Apple's supportedPlatforms names them."""
        if "Mac" in self.product_name:
            return "macOS"
        begins = {"AppleTV": "tvOS", "Watch": "watchOS", "RealityDevice": "visionOS"}
        found = (v for k, v in begins.items() if self.product_name.startswith(k))
        return next(found, "iOS")

    # Truth

    @property
    def managed_apps(self) -> dict[str, str]:
        """Bundle id to status of ManagedApplicationList, as it is now; uses nothing up."""
        return self.apps.managed(self.kernel.now)

    def installed(self, adam_id: str) -> bool:
        """Whether the app is there and managed."""
        app = self.apps.get(self.catalogue[adam_id][0], self.kernel.now)
        return app is not None and app.managed and app.status == "Managed"

    def has(self, adam_id: str) -> bool:
        """Whether the app is there, managed or not."""
        app = self.apps.get(self.catalogue[adam_id][0], self.kernel.now)
        return app is not None and app.present

    def has_book(self, adam_id: str) -> bool:
        """Whether the book is there."""
        book = self.books.get(adam_id)
        return book is not None and book.state(self.kernel.now) == "Installed"

    # Enrolment

    def authenticate(self) -> int:
        """Begin an enrolment; returns the HTTP status."""
        with_serial = self.tells_serial and not self.enrollment_id
        return self.transport.checkin(self, templates.authenticate(self, with_serial=with_serial))

    def token_update(self, user_id: str = "") -> int:
        """Tell where to push; with `user_id` on the user channel. Returns the HTTP status."""
        digest = hashlib.sha256((user_id or self.key).encode())
        magic = digest.hexdigest()[:32].upper()
        awaits = self.setup.awaits and not user_id
        body = templates.token_update(self, digest.digest(), magic, user_id, awaits=awaits)
        return self.transport.checkin(self, body)

    def enrol(self, *, preserving: bool = False) -> None:
        """Authenticate, then TokenUpdate, on the user channel too if there is one; in Setup
        Assistant if it `awaits_configuration`."""
        if self.awaits_configuration:
            self.setup.begin(self.apps, self.kernel.now, preserves=preserving)
        self.authenticate()
        self.token_update()
        if self.user_id:
            self.token_update(self.user_id)
        self.enrolled = True

    def reenrol(self, erased: bool = True) -> None:
        """Enrol again with the same UDID; an erased device has lost its apps."""
        if erased:
            self.apps.clear()
            self.books.clear()
        self.enrol()

    def return_to_service(self) -> None:
        """Enrol again with all apps, of which those are lost that are not sent before the release;
        the same is a move to another server with its apps. It waits for DeviceConfigured whatever
        its enrolment profile says."""
        self.awaits_configuration = True
        self.enrol(preserving=True)

    def leave_setup(self) -> None:
        """DeviceConfigured came; soon a TokenUpdate tells that the device is out."""
        self.setup.release(self.apps, self.kernel.now)
        if self.tells_release:
            self.kernel.after(1.0, self.token_update)

    def check_out(self) -> int:
        """Leave the management: apps flagged so go with it, the others stay unmanaged."""
        self.apps.unmanage(self.kernel.now)
        self.enrolled = False
        return self.transport.checkin(self, templates.check_out(self))

    def escrow_bootstrap_token(self, token: bytes) -> int:
        """SetBootstrapToken, as Macs send it."""
        return self.transport.checkin(self, templates.set_bootstrap_token(self, token))

    # Pushes and connections

    def wake(self, until: float | None = None) -> None:
        """A push arrives: connect soon. APNs keeps it `until` then for an offline device."""
        if not self.online:
            self._kept_push = max(self._kept_push, until or 0.0)
        elif not self._waking and self.enrolled:
            self._waking = True
            self.kernel.after(self.wake_latency, self._awake)

    def _awake(self) -> None:
        self._waking = False
        if self.online and self.enrolled:
            self.connect()

    def go_offline(self) -> None:
        """Out of reach: pushes do not arrive."""
        self.online = False

    def go_online(self) -> None:
        """In reach again; a push that APNs kept arrives now."""
        self.online = True
        if self._kept_push >= self.kernel.now:
            self.wake()
        self._kept_push = 0.0

    def connect(self) -> int:
        """Ask for commands and answer them until there are none; returns how many it answered."""
        answered = self._connect(self.user_id) if self.user_id else 0
        return answered + self._connect("")

    def _connect(self, user_id: str) -> int:
        """On one channel: its user's, or the device's own."""
        answered = 0
        status, reply = self.transport.connect(self, templates.idle(self, user_id))
        put_off = False
        while status == 200 and reply:
            answer = self._answer(reply, user_id)
            if answer is None:
                break
            for _ in range(2 if answer.twice else 1):
                status, reply = self.transport.connect(self, answer.body)
            put_off = answer.status == "NotNow"
            answered += 1
        if put_off:
            self.kernel.after(self.not_now_rest, self.wake)
        return answered

    def _answer(self, reply: bytes, user_id: str) -> commands.Answer | None:
        try:
            values = read_plist(reply)
        except PlistError:
            return None
        command = values.get("Command")
        details: dict[str, Value] = command if isinstance(command, dict) else {}
        uuid, kind = text(values, "CommandUUID"), text(details, "RequestType")
        adam_id = commands.adam_id_of(self, details)
        self.received.append(Received(self.kernel.now, uuid, kind, adam_id))
        planned = self.script.take(kind, adam_id) or self.misbehave(self, kind, adam_id)
        answer = commands.answer(self, uuid, details, planned, user_id)
        if answer is None:
            return None
        return replace(answer, body=self.mangle(kind, answer.body))

    # What declarations do

    def declare(
        self, adam_id: str, state: str = "managed", *reasons: str, tell: bool = True
    ) -> None:
        """A declaration takes the app over, which is told in a status report with these codes."""
        bundle_id, name = self.catalogue[adam_id]
        status = "Managed" if state == "managed" else "Installing"
        self.apps.put(App(bundle_id, adam_id, name, status, managed=True, declared=True))
        entry: dict[str, object] = {"identifier": bundle_id, "state": state}
        entry |= {"declaration-identifier": f"app-{adam_id}", "external-version-id": 845960}
        if reasons:
            entry["reasons"] = [{"code": code, "description": code} for code in reasons]
        if tell:
            self.report_status({"app": {"managed": {"list": [entry]}}})

    def end_declaration(self, adam_id: str) -> None:
        """The declaration goes, and the app with it."""
        bundle_id = self.catalogue[adam_id][0]
        self.apps.remove(bundle_id)
        self.report_status(
            {"app": {"managed": {"list": [{"identifier": bundle_id, "_removed": True}]}}}
        )

    def report_status(self, items: Mapping[str, object]) -> int:
        """Send a declarative status report with these items."""
        report = json.dumps({"StatusItems": items, "Errors": []}).encode()
        return self.transport.checkin(self, templates.declarative_status(self, report))

    # What the person at the device does

    def user_installs(self, adam_id: str) -> None:
        """The user installs the app from the store: it is there, unmanaged."""
        bundle_id, name = self.catalogue[adam_id]
        self.apps.put(App(bundle_id, adam_id, name))

    def user_opens(self, adam_id: str) -> None:
        """The user works with the app."""
        self._app(adam_id).in_use = True

    def user_closes(self, adam_id: str) -> None:
        """The user works with it no more: a version that waited for that is there."""
        self._app(adam_id).in_use = False

    def version(self, adam_id: str) -> str:
        """Which version of the app is there."""
        return self._app(adam_id).version

    def _app(self, adam_id: str) -> App:
        app = self.apps.get(self.catalogue[adam_id][0], self.kernel.now)
        assert app is not None, "the app is there"
        return app

    def user_deletes(self, adam_id: str) -> None:
        """The user deletes the app; a managed one becomes ManagedButUninstalled."""
        bundle_id = self.catalogue[adam_id][0]
        app = self.apps.get(bundle_id, self.kernel.now)
        if app is not None and app.managed:
            app.status, app.coming = "ManagedButUninstalled", []
        else:
            self.apps.remove(bundle_id)

    def answer_prompt(self, adam_id: str, *, accept: bool) -> None:
        """The user answers what the device asked for this app; without a question, nothing."""
        app = self.apps.get(self.catalogue[adam_id][0], self.kernel.now)
        if app is None or app.status not in {"Prompting", "PromptingForManagement"}:
            return
        if app.status == "PromptingForManagement":
            app.status = "Managed" if accept else "ManagementRejected"
        elif accept:
            app.status = "Installing"
            app.coming = [(self.kernel.now + self.install_time, "Managed")]
            self.installs.append(Install(self.kernel.now, adam_id, app.command_uuid))
        else:
            app.status = "UserRejected"
