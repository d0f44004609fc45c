"""A whole simulated outside: Apple, an MDM server, devices, mishaps, and evidence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.simulator.apple.apple import Apple, AppleSettings, Location
from bridge.simulator.apple.library import Asset
from bridge.simulator.devices.apps import Release
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned
from bridge.simulator.faults import Fault, Faults
from bridge.simulator.kernel import Kernel
from bridge.simulator.ledger import Ledger
from bridge.simulator.mdm.mdm import Mdm, MdmSettings
from bridge.simulator.mdm.nano import NanoMdm
from bridge.simulator.outgoing import Outgoing, Post, http_post

START = 1_800_000_000.0
"""When virtual worlds begin: 15 January 2027, 08:00 UTC."""

_NAMES = ("Pages", "Numbers", "Keynote", "Notebook", "Atlas", "Compass", "Ledger", "Sketch")
_FIRST_ADAM_ID = 361309726


@dataclass
class MdmTransport:
    """A device's way to the simulated MDM server, without HTTP."""

    mdm: Mdm
    lock: threading.RLock

    def checkin(self, device: Device, body: bytes) -> int:
        """See `Transport`."""
        with self.lock:
            return self.mdm.checkin(body)

    def connect(self, device: Device, body: bytes) -> tuple[int, bytes]:
        """See `Transport`."""
        with self.lock:
            return self.mdm.connect(body)


@dataclass
class World:
    """Everything outside the bridge. `catalogue` maps an adam id to (bundle id, name).

    In a `hasty` world what is due at once happens before the reply to the request that caused it:
    with all delays at 0, a notification beats the eventId and an answer beats the 201.
    """

    kernel: Kernel
    outgoing: Outgoing
    faults: Faults
    ledger: Ledger
    apple: Apple
    mdm: Mdm
    catalogue: dict[str, tuple[str, str]] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    hasty: bool = False
    releases: dict[str, Release] = field(default_factory=dict)
    """The newest versions in the store, by adam id."""
    _by_serial: dict[str, Device] = field(default_factory=dict, repr=False)

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever touches the world from a thread of its own."""
        return self.kernel.lock

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.kernel.now

    @property
    def location(self) -> Location:
        """The first location."""
        return self.apple.locations[0]

    def advance(self, seconds: float) -> int:
        """Let virtual time pass; returns how many things happened."""
        return self.kernel.advance(self.kernel.now + seconds)

    def device(self, serial_number: str) -> Device:
        """The device with this serial number; raises KeyError."""
        return self._by_serial[serial_number]

    def add_device(self, device: Device) -> Device:
        """A further device, reachable by push; it is not enrolled yet."""
        self.devices.append(device)
        self._by_serial[device.serial_number] = device
        self.mdm.reach(device.key, device.wake)
        if device.user_id:
            self.mdm.reach(self.mdm.user_key(device.udid, device.user_id), device.wake)
        return device

    def new_device(self, serial_number: str = "", **traits: Any) -> Device:
        """Make and add a device of this world's kind; `traits` are fields of Device."""
        number = len(self.devices) + 1
        values: dict[str, Any] = {
            "kernel": self.kernel,
            "transport": MdmTransport(self.mdm, self.lock),
            "catalogue": self.catalogue,
            "udid": self.kernel.uuid().upper(),
            "serial_number": serial_number or f"SIM{number:07d}",
            "name": f"Device {number}",
            "licensed": self._licensed,
            "licensed_to_user": self._licensed_to_user,
            "misbehave": self._misbehave,
            "releases": self.releases,
        }
        return self.add_device(Device(**(values | traits)))

    def add_app(
        self, location: Location, adam_id: str, bundle_id: str, name: str, asset: Asset
    ) -> Asset:
        """Put an app into the store and into a location's library."""
        self.catalogue[adam_id] = (bundle_id, name)
        return location.library.add(asset)

    def release(self, adam_id: str, version: str, external: int, minimum_os: str = "") -> None:
        """A version of an app appears in the store."""
        self.releases[adam_id] = Release(version, external, minimum_os)
        settings = self.apple.settings
        settings.newest_versions[adam_id] = version
        settings.external_versions[adam_id] = external
        settings.minimum_os[adam_id] = minimum_os

    def enrol_all(self) -> None:
        """Enrol every device that is not."""
        for device in self.devices:
            if not device.enrolled:
                device.enrol()

    def missing(self, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those (serial_number, adam_id) that are not really installed and managed."""
        return [
            (serial, adam_id)
            for serial, adam_id in wanted
            if not self.device(serial).installed(adam_id)
        ]

    def everything(self) -> list[tuple[str, str]]:
        """Every (serial_number, adam_id) of the world."""
        return [
            (device.serial_number, adam_id) for device in self.devices for adam_id in self.catalogue
        ]

    def add_book(self, location: Location, adam_id: str, name: str, total: int = 100) -> Asset:
        """Put a book into the store and into a location's library: for users, and for good."""
        book = Asset(adam_id, total, product_type="Book", device_assignable=False, revocable=False)
        return self.add_app(location, adam_id, "", name, book)

    def assigned(self, serial_number: str, adam_id: str) -> bool:
        """Whether Apple holds an assignment for a device, or for the account that is signed in."""
        device = self._by_serial.get(serial_number)
        account = device.account if device is not None else ""
        of_user = bool(account) and self._licensed_to_user(account, adam_id)
        return of_user or self.apple.assigned(serial_number, adam_id)

    def _licensed_to_user(self, client_user_id: str, adam_id: str) -> bool:
        with self.lock:
            return self.apple.licensed_to_user(client_user_id, adam_id)

    def _licensed(self, serial_number: str, adam_id: str) -> bool:
        with self.lock:
            return self.apple.licensed(serial_number, adam_id)

    def _misbehave(self, device: Device, request_type: str, adam_id: str) -> Planned | None:
        fault = self.faults.strike("device", f"{request_type} {adam_id} {device.serial_number}")
        if fault is None:
            return None
        if fault.what == "error":
            return Planned("error", domain=fault.domain, code=fault.number)
        return Planned("not_now" if fault.what == "not_now" else "silent")


def build_world(
    devices: int = 20,
    apps: int = 3,
    seed: int = 1,
    start: float = START,
    post: Post = http_post,
    *,
    macs: float = 0.25,
    seats: int | None = None,
    locations: Iterable[str] = ("hq",),
    faults: Iterable[Fault] = (),
    clock: Callable[[], float] | None = None,
    apple: AppleSettings | None = None,
    mdm: MdmSettings | None = None,
    install_time: float = 5.0,
    traits: Mapping[str, Any] | None = None,
    enrol: bool = True,
) -> World:
    """A world of `devices` devices and `apps` apps, each with `seats` seats (default: enough).

    A share `macs` of the devices are Macs; every app runs on iOS and macOS. With `clock` the world
    follows it (real time), else time starts at `start` and moves by `advance`. Devices are
    `enrol`led at once, before any webhook URL is set. `install_time` is in seconds; devices take
    up to half as much more. `traits` are further fields of every Device, such as `not_now_rest`.
    """
    kernel = Kernel(start, seed, clock)
    outgoing = Outgoing(kernel, post)
    troubles, ledger = Faults(faults), Ledger()
    server = Mdm if mdm is None or mdm.kind == "micromdm" else NanoMdm
    world = World(
        kernel,
        outgoing,
        troubles,
        ledger,
        Apple(kernel, outgoing, troubles, ledger, apple),
        server(kernel, outgoing, troubles, ledger, mdm),
    )
    world.mdm.licensed = world.assigned
    for name in locations:
        _stock(world, world.apple.add_location(name), apps, devices if seats is None else seats)
    for number in range(devices):
        time = install_time * kernel.random.uniform(1.0, 1.5)
        kind = _kind(number < devices * macs)
        world.new_device(**({"install_time": time} | kind | dict(traits or {})))
    if enrol:
        world.enrol_all()
    return world


def _stock(world: World, location: Location, apps: int, seats: int) -> None:
    for number in range(apps):
        adam_id = str(_FIRST_ADAM_ID + number * 1013)
        name = _NAMES[number % len(_NAMES)] + (f" {number}" if number >= len(_NAMES) else "")
        bundle_id = f"com.example.{name.replace(' ', '').lower()}"
        asset = Asset(adam_id, total=seats, platforms=("iOS", "macOS"))
        world.add_app(location, adam_id, bundle_id, name, asset)


def _kind(mac: bool) -> dict[str, Any]:
    if mac:
        return {
            "product_name": "Mac14,2",
            "model": "MLY33LL/A",
            "os_version": "15.1",
            "build": "24B83",
        }
    return {}
