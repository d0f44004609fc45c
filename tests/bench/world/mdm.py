"""MicroMDM with devices that answer at once.

A command wakes its device, which connects (Idle), takes and answers what its queue holds, and has
each app from its InstallApplication on. Each message is a webhook, posted one after the other.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.simulator import templates
from tests.bench.world.http import Answer, Poster, Request

_UUID = re.compile(rb"<key>CommandUUID</key>\s*<string>([^<]*)<")
_TYPE = re.compile(rb"<key>RequestType</key>\s*<string>([^<]*)<")
_STORE_ID = re.compile(rb"<key>iTunesStoreID</key>\s*<integer>(\d+)<")
_LISTED = re.compile(rb"<key>Identifiers</key>\s*<array>(.*?)</array>", re.DOTALL)
_TEXT = re.compile(rb"<string>([^<]*)<")


@dataclass
class Device:
    """A device; `apps` are the bundle ids that it has, `shown` those that a list showed."""

    number: int
    udid: str
    serial_number: str
    product_name: str = "iPad13,18"
    model: str = "MPQ13LL/A"
    os_version: str = "18.1"
    build: str = "22B83"
    name: str = "iPad"
    enrollment_id: str = ""
    silent: bool = False
    apps: dict[str, tuple[str, int]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    queue: deque[tuple[str, bytes]] = field(default_factory=deque)
    connected: bool = False


def bundle_id(adam_id: str) -> str:
    """The bundle id of an app of the catalogue."""
    return f"com.example.app{adam_id}"


def fleet(count: int) -> list[Device]:
    """So many devices, the same each time."""
    return [
        Device(n, str(uuid.UUID(int=(0xBE << 120) | n)).upper(), f"BENCH{n:07}")
        for n in range(count)
    ]


class Mdm:
    """The server and its devices."""

    def __init__(self, devices: list[Device], poster: Poster, apps: int) -> None:
        """`apps` is how many apps a device has in the end."""
        self.devices = devices
        self.poster = poster
        self.commands: dict[str, int] = {}
        self.posts = 0
        self.pushes = 0
        self.repeated = 0
        self.complete = 0
        self.first_token_update_at: float | None = None
        self.installs_seen: dict[tuple[str, str], float] = {}
        """When the InstallApplication for (serial number, adam id) came, by time.time()."""
        self.hold = False
        """Whether the devices do not come for what waits."""
        self._apps = apps
        self._by_udid = {device.udid: device for device in devices}
        self._had: set[str] = set()
        self._events = _numbers()

    # What an administrator asks

    def handle(self, request: Request) -> Answer:
        """MicroMDM's API, as far as the bridge uses it."""
        _, *parts = request.path.split("/")
        method = request.method
        match parts:
            case ["version"]:
                return _json({"version": "1.13.1", "branch": "unknown"})
            case ["v1", "commands", udid] if method in ("POST", "PUT"):
                return self._enqueue(udid, request.body)
            case ["v1", "commands", udid]:
                return self._queue(udid)
            case ["v1", "devices"]:
                return self._list(request.body)
            case ["v1", "push", udid] | ["push", udid]:
                self.pushes += 1
                self._wake(udid)
                return _json({"status": "success", "push_notification_id": next(self._events)})
        return Answer(404)

    def _enqueue(self, udid: str, plist: bytes) -> Answer:
        command_uuid = _first(_UUID, plist)
        request_type = _first(_TYPE, plist)
        self.posts += 1
        self.commands[request_type] = self.commands.get(request_type, 0) + 1
        self.repeated += command_uuid in self._had
        self._had.add(command_uuid)
        device = self._by_udid.get(udid)
        if device is not None:
            if adam_id := _first(_STORE_ID, plist):
                self.installs_seen.setdefault((device.serial_number, adam_id), time.time())
            device.queue.append((command_uuid, plist))
            asyncio.get_running_loop().call_soon(self._wake, udid)
        echo = {
            "payload": {
                "udid": udid,
                "command_uuid": command_uuid,
                "command": {"request_type": request_type},
                "payload": base64.b64encode(plist).decode(),
            }
        }
        return _json(echo, 201)

    def _queue(self, udid: str) -> Answer:
        device = self._by_udid.get(udid)
        waiting = [
            {"uuid": command_uuid, "payload": base64.b64encode(plist).decode()}
            for command_uuid, plist in (device.queue if device else ())
        ]
        return _json({"commands": waiting} if waiting else {})

    def _list(self, body: bytes) -> Answer:
        wanted = set(json.loads(body or b"{}").get("filter_serial") or ())
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return _json(
            {
                "devices": [
                    {
                        "serial_number": device.serial_number,
                        "udid": device.udid,
                        "enrollment_status": True,
                        "last_seen": now,
                        "dep_profile_status": "",
                    }
                    for device in self.devices
                    if device.connected and (not wanted or device.serial_number in wanted)
                ]
                or None
            }
        )

    # What devices do

    def authenticate(self) -> None:
        """All devices begin to enrol."""
        for device in self.devices:
            body = templates.authenticate(device, with_serial=True)
            self._checkin("mdm.Authenticate", device, body)

    def token_update(self, then: Callable[[], None] | None = None) -> None:
        """All devices are enrolled."""
        self.first_token_update_at = time.time()
        for device in self.devices:
            device.connected = True
            token = device.number.to_bytes(32, "big")
            body = templates.token_update(device, token, f"{device.number:032X}")
            self._checkin("mdm.TokenUpdate", device, body)

    def check_in_all(self) -> None:
        """Every device comes once and has nothing to do."""
        for device in self.devices:
            self._connected(device, "Idle", "", templates.idle(device))

    def release(self) -> None:
        """The devices come for what waited."""
        self.hold = False
        for device in self.devices:
            self._wake(device.udid)

    def _wake(self, udid: str) -> None:
        device = self._by_udid.get(udid)
        if device is None or self.hold or device.silent:
            return
        self._connected(device, "Idle", "", templates.idle(device))
        while device.queue:
            command_uuid, plist = device.queue.popleft()
            body = templates.answer(
                device, command_uuid, "Acknowledged", *self._deed(device, plist)
            )
            self._connected(device, "Acknowledged", command_uuid, body)

    def _deed(self, device: Device, plist: bytes) -> tuple[str, ...]:
        kind = _first(_TYPE, plist)
        if kind == "InstallApplication":
            app = bundle_id(_first(_STORE_ID, plist))
            device.apps[app] = ("Managed", 1)
            return templates.string("Identifier", app), templates.string("State", "Installing")
        if kind == "ManagedApplicationList":
            return (templates.managed_application_list(self._show(device, plist)),)
        if kind == "InstalledApplicationList":
            listed = {app: (app, False, "1.0") for app in self._show(device, plist)}
            return (templates.installed_application_list(listed),)
        if kind == "DeviceInformation":
            told = {
                "SerialNumber": device.serial_number,
                "UDID": device.udid,
                "ProductName": device.product_name,
                "Model": device.model,
                "OSVersion": device.os_version,
                "DeviceName": device.name,
            }
            texts = "".join(templates.string(key, value) for key, value in told.items())
            return (templates.dictionary("QueryResponses", texts),)
        return ()

    def _show(self, device: Device, plist: bytes) -> dict[str, tuple[str, int]]:
        found = _LISTED.search(plist)
        wanted = {name.decode() for name in _TEXT.findall(found[1])} if found else None
        listed = {a: has for a, has in device.apps.items() if wanted is None or a in wanted}
        before = len(device.shown)
        device.shown.update(listed)
        if before < self._apps <= len(device.shown):
            self.complete += 1
        return listed

    def _checkin(self, topic: str, device: Device, plist: bytes) -> None:
        event = f'"checkin_event": {{"udid": "{device.udid}", "url_params": null'
        self._publish(topic, event, plist)

    def _connected(self, device: Device, status: str, command_uuid: str, plist: bytes) -> None:
        named = f', "command_uuid": "{command_uuid}"' if command_uuid else ""
        event = f'"acknowledge_event": {{"udid": "{device.udid}", "status": "{status}"{named}'
        self._publish("mdm.Connect", event, plist)

    def _publish(self, topic: str, event: str, plist: bytes) -> None:
        raw = base64.b64encode(plist).decode()
        stamp = datetime.now(UTC).isoformat().replace("+00:00", "123Z")
        body = (
            f'{{\n  "topic": "{topic}",\n  "event_id": "{next(self._events)}",\n'
            f'  "created_at": "{stamp}",\n  {event}, "raw_payload": "{raw}"}}\n}}'
        )
        self.poster.post(body.encode())


def _numbers() -> Iterator[str]:
    """Identifiers in the form of UUIDs, new in each run."""
    run, number = uuid.uuid4().hex[:16], 0
    while True:
        number += 1
        yield f"{run[:8]}-{run[8:12]}-4{run[13:16]}-8000-{number:012x}"


def _first(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    return found[1].decode() if found else ""


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())
