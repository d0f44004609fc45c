"""The apps on a simulated device, managed and not, with installs that take time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.simulator.plists import Value

TRANSIENT = frozenset(
    "UserInstalledApp UserRejected UpdateRejected ManagementRejected Failed".split()
)
"""Statuses that one list tells, and none after it. Source: Apple schema,
mdm/commands/application.managed.list.yaml."""

_AFTER = {"UserInstalledApp": "", "ManagementRejected": "", "UpdateRejected": "Managed"}
"""What an app is once its transient status has been told; of the others nothing is left."""

_PRESENT = frozenset(_AFTER) | {"Managed", "PromptingForManagement", "Updating"}


class Received(NamedTuple):
    """A command that reached the device at `at` (epoch seconds), answered or not."""

    at: float
    command_uuid: str
    request_type: str
    adam_id: str


class Release(NamedTuple):
    """A version of an app in the store, as people read it and by Apple's number of it."""

    version: str
    external: int
    minimum_os: str = ""


class Install(NamedTuple):
    """An install that the device really began; with a prompt, when its user said yes."""

    at: float
    adam_id: str
    command_uuid: str


@dataclass
class App:
    """An app on the device. `status` is that of ManagedApplicationList, "" if it is just there.

    `coming` are the states it will reach, with their times (epoch seconds), soonest first.
    `command_uuid` is of the command that brought it, `version` what the device says it has.
    Of one that is `declared` a declaration is in charge: commands do not see it.
    `settings` is what an MDM server gave it: Configuration, Attributes, iOSApp. `external` is
    Apple's number of its version (0: it tells none). While it is `in_use` a version that is
    `arriving` (at a time) waits until somebody closes it.
    """

    bundle_id: str
    adam_id: str
    name: str
    status: str = ""
    managed: bool = False
    flags: int = 0
    command_uuid: str = ""
    version: str = "1.0"
    declared: bool = False
    external: int = 0
    in_use: bool = False
    arriving: tuple[float, Release] | None = None
    settings: dict[str, Value] = field(default_factory=dict)
    coming: list[tuple[float, str]] = field(default_factory=list)
    sent: bool = True
    """Whether an install of the present enrolment is for it."""

    def take(self, command: Mapping[str, Value]) -> None:
        """Become as an InstallApplication says; a key that it leaves out stays as it was."""
        self.sent = True
        flags = command.get("ManagementFlags")
        self.flags = flags if isinstance(flags, int) else 0
        for key in ("Configuration", "Attributes", "iOSApp"):
            if key in command:
                self.settings[key] = command[key]

    def settle(self, now: float) -> None:
        """Become what is due by `now`."""
        while self.coming and self.coming[0][0] <= now:
            self.status = self.coming.pop(0)[1]
        if self.arriving is not None and not self.in_use and self.arriving[0] <= now:
            self.version, self.external, _ = self.arriving[1]
            self.arriving = None

    def update(self, release: Release, now: float, takes: float) -> None:
        """Get another version, `takes` seconds from now."""
        if release.external != self.external:
            self.arriving = (now + takes, release)
            if not self.in_use:
                self.status, self.coming = "Updating", [(now + takes, "Managed")]

    @property
    def present(self) -> bool:
        """Whether it is installed, managed or not."""
        return not self.status or self.status in _PRESENT


@dataclass(frozen=True)
class Book:
    """A book of the store that InstallMedia brought, there from `there_at` (epoch seconds) on."""

    there_at: float

    def state(self, now: float) -> str:
        """As in ManagedMediaList: one of the store is Installed, never Managed."""
        return "Installed" if now >= self.there_at else "Installing"


class Apps:
    """All apps of one device by bundle id. Every method brings them up to `now` first."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}

    def __len__(self) -> int:
        return len(self._apps)

    def get(self, bundle_id: str, now: float) -> App | None:
        """The app, if anything of it is there."""
        app = self._apps.get(bundle_id)
        if app is not None:
            app.settle(now)
        return app

    def put(self, app: App) -> None:
        """Have it, instead of what was there."""
        self._apps[app.bundle_id] = app

    def remove(self, bundle_id: str) -> None:
        """Have it no more."""
        self._apps.pop(bundle_id, None)

    def clear(self) -> None:
        """An erased device has none."""
        self._apps.clear()

    def doubt(self, now: float) -> None:
        """The device has enrolled anew with its apps: none of them was sent to it since."""
        for app in self._settled(now):
            app.sent = not app.managed

    def drop_unsent(self, now: float) -> float:
        """What was not sent since goes; returns when all that comes will be there."""
        for app in self._settled(now):
            if not app.sent:
                self.remove(app.bundle_id)
        return max((app.coming[-1][0] for app in self._apps.values() if app.coming), default=now)

    def unmanage(self, now: float) -> None:
        """The management ends: apps flagged to go with it go, the others stay unmanaged."""
        for app in self._settled(now):
            if app.managed and (app.flags & 1 or app.status != "Managed"):
                self.remove(app.bundle_id)
            app.managed, app.status = False, ""
            app.coming.clear()

    def managed(self, now: float) -> dict[str, str]:
        """Status by bundle id, without using up the transient ones."""
        return {
            app.bundle_id: app.status
            for app in self._settled(now)
            if app.managed and not app.declared
        }

    def externals(self, now: float) -> dict[str, int]:
        """Apple's numbers of the versions, by bundle id, where an app tells one."""
        return {app.bundle_id: app.external for app in self._settled(now) if app.external}

    def report_managed(
        self, now: float, identifiers: Iterable[str] | None
    ) -> dict[str, tuple[str, int]]:
        """What ManagedApplicationList tells: (status, flags); transient statuses are used up."""
        asked = None if identifiers is None else set(identifiers)
        told: dict[str, tuple[str, int]] = {}
        for app in self._settled(now):
            if (
                not app.managed
                or app.declared
                or (asked is not None and app.bundle_id not in asked)
            ):
                continue
            told[app.bundle_id] = (app.status, app.flags)
            if app.status in _AFTER:
                app.status = _AFTER[app.status]
                app.managed = bool(app.status)
            elif app.status in TRANSIENT:
                self.remove(app.bundle_id)
        return told

    def report_installed(
        self, now: float, identifiers: Iterable[str] | None
    ) -> dict[str, tuple[str, bool, str]]:
        """What InstalledApplicationList tells: (name, still installing, version)."""
        asked = None if identifiers is None else set(identifiers)
        return {
            app.bundle_id: (app.name, app.status == "Installing", app.version)
            for app in self._settled(now)
            if (app.present or app.status == "Installing")
            and (asked is None or app.bundle_id in asked)
        }

    def _settled(self, now: float) -> list[App]:
        apps = list(self._apps.values())
        for app in apps:
            app.settle(now)
        return apps
