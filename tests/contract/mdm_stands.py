"""MDM servers of every kind, simulated and real, behind one face: one suite runs on all."""

from __future__ import annotations

import base64
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.clients.http import HttpClient
from bridge.clients.mdm.adapters import connect
from bridge.clients.mdm.port import MdmServer
from bridge.simulator.devices.device import Device, Transport
from bridge.simulator.kernel import Kernel
from bridge.simulator.mdm.http import mdm_app
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.simulator.mdm.real_nano import RealNano
from bridge.simulator.world import MdmTransport, build_world
from tests.real.lab import CATALOGUE
from tests.wsgi_adapter import WsgiAdapter

KEY = "an-api-key"
Kind = Literal["micromdm", "nanomdm", "nanohub"]
KINDS: tuple[Kind, ...] = ("micromdm", "nanomdm", "nanohub")
PREFIX = {"micromdm": "/v1", "nanomdm": "/v1", "nanohub": "/api/v1/nanomdm"}

Raw = Callable[[str, str, bytes], tuple[int, Any]]


@dataclass
class Stand:
    """A server without a push certificate; `server` is the bridge's client of it.

    `raw` makes a call below the API's prefix: the status, and the reply decoded if it is JSON.
    `settled` lets pass what a server needs to store what it took.
    """

    kind: Kind
    server: MdmServer
    stranger: MdmServer
    transport: Transport
    raw: Raw
    settled: Callable[[], object]

    def new_device(self) -> Device:
        """A device that has not enrolled yet."""
        udid = str(uuid.uuid4()).upper()
        return Device(
            kernel=Kernel(clock=time.time),
            transport=self.transport,
            catalogue=CATALOGUE,
            udid=udid,
            serial_number=f"C0{udid[:8]}",
        )

    def enrolled(self) -> Device:
        """A device that has enrolled."""
        device = self.new_device()
        device.enrol()
        return device

    def enqueue(self, device: Device, *command_uuids: str) -> None:
        """Queue an install under each of these."""
        for command_uuid in command_uuids:
            self.server.enqueue(device.key, install(command_uuid))
            self.settled()


def install(command_uuid: str) -> bytes:
    """An InstallApplication."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>Command</key><dict>'
        "<key>RequestType</key><string>InstallApplication</string>"
        "<key>iTunesStoreID</key><integer>361309726</integer></dict>"
        f"<key>CommandUUID</key><string>{command_uuid}</string></dict></plist>"
    ).encode()


@contextmanager
def simulated(kind: Kind, storage: Literal["file", "sql"] = "file") -> Iterator[Stand]:
    """One in this process."""
    settings = MdmSettings(api_key=KEY, kind=kind, storage=storage, push_certificate=False)
    world = build_world(devices=0, apps=0, mdm=settings, post=lambda *_: 200)
    adapter = WsgiAdapter(mdm_app(world))

    def client(key: str) -> MdmServer:
        where = "http://127.0.0.1:1"
        http = HttpClient(where, service="mdm", adapter=adapter, sleep=lambda _: None)
        return connect(kind, http, key)

    def raw(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        from werkzeug.test import Client  # noqa: PLC0415

        reply = Client(mdm_app(world)).open(
            PREFIX[kind] + path, method=method, data=body, headers={"Authorization": _basic(kind)}
        )
        return reply.status_code, _decoded(reply.get_data())

    yield Stand(
        kind,
        client(KEY),
        client("wrong"),
        MdmTransport(world.mdm, world.lock),
        raw,
        lambda: world.advance(1.0),
    )


@contextmanager
def real(kind: Kind, directory: Path, storage: Sequence[str] = ()) -> Iterator[Stand]:
    """A real program on a free port; its webhooks go nowhere. `storage` are its options for that,
    where it is not the usual one."""
    nowhere = "http://127.0.0.1:1/"
    program: RealMicroMdm | RealNano
    if kind == "micromdm":
        program = RealMicroMdm(directory, nowhere, KEY, queue="inmem")
    else:
        program = RealNano(directory, nowhere, KEY, kind, storage=storage)

    def raw(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
        try:
            headers = {"Authorization": _basic(kind)}
            connection.request(method, PREFIX[kind] + path, body, headers)
            response = connection.getresponse()
            return response.status, _decoded(response.read())
        finally:
            connection.close()

    with program:
        clients = [HttpClient(program.url, service="mdm") for _ in range(2)]
        yield Stand(
            kind,
            connect(kind, clients[0], KEY),
            connect(kind, clients[1], "wrong"),
            program.transport,
            raw,
            lambda: time.sleep(0.1) if kind == "micromdm" else None,
        )
        for client in clients:
            client.close()


def _basic(kind: Kind) -> str:
    return "Basic " + base64.b64encode(f"{kind}:{KEY}".encode()).decode()


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content
