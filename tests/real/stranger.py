"""Another program that uses the same MicroMDM, and knows nothing of the bridge."""

from __future__ import annotations

import base64
import http.client
import json
import plistlib
import re
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from typing import Literal, Self

from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real.lab import API_KEY

MOST_UNSTORED = 50

_BASIC = base64.b64encode(f"micromdm:{API_KEY}".encode()).decode()
_QUEUED = re.compile(rb'msg="queued (?:raw )?event[^\n]* command_uuid=([-0-9a-f]{36})')


class Stranger:
    """Posts harmless questions to devices, one after the other in turn, `per_second` of them.

    In either `form` of MicroMDM's API: "plist" as the bridge itself does, or "json". It goes on
    for as long as the block lasts, as far as it `may`. `command_uuids` are what it posted.

    MicroMDM says 201 before it stores a command, and what it did not store yet grows without end
    if more is posted than its disk takes; then nothing of anybody arrives, which is no race. So
    no more than MOST_UNSTORED are ahead of what its log says is queued.
    """

    def __init__(
        self,
        mdm: RealMicroMdm,
        devices: Sequence[Device],
        may: threading.Event,
        *,
        per_second: float,
        form: Literal["plist", "json"] = "plist",
    ) -> None:
        self.command_uuids: list[str] = []
        self._mdm = mdm
        self._devices = devices
        self._may = may
        self._every = 1.0 / per_second
        self._form = form
        self._unstored: set[str] = set()
        self._read = mdm.log.stat().st_size
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post_on, name=f"stranger {form}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _post_on(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._mdm.port, timeout=30)) as mdm:
            due = time.monotonic()
            while not self._stop.wait(max(due - time.monotonic(), 0.0)):
                due = max(due + self._every, time.monotonic() - 1.0)  # no flood after a pause
                if self._may.wait(0.1) and not self._is_too_far_ahead():
                    self._post(mdm)

    def _post(self, mdm: http.client.HTTPConnection) -> None:
        udid = self._devices[len(self.command_uuids) % len(self._devices)].udid
        command_uuid = str(uuid.uuid4())
        self._unstored.add(command_uuid)
        path, body = self._question(udid, command_uuid)
        mdm.request("POST", path, body, {"Authorization": f"Basic {_BASIC}"})
        reply = mdm.getresponse()
        reply.read()
        assert reply.status == 201
        self.command_uuids.append(command_uuid)

    def _is_too_far_ahead(self) -> bool:
        if len(self._unstored) >= MOST_UNSTORED:
            with self._mdm.log.open("rb") as log:
                log.seek(self._read)
                news = log.read()
            self._read += len(news)
            self._unstored -= {found.decode() for found in _QUEUED.findall(news)}
        return len(self._unstored) >= MOST_UNSTORED

    def _question(self, udid: str, command_uuid: str) -> tuple[str, bytes]:
        kind, queries = "DeviceInformation", ["OSVersion"]
        if self._form == "plist":
            command = {"RequestType": kind, "Queries": queries}
            body = plistlib.dumps({"Command": command, "CommandUUID": command_uuid})
            return f"/v1/commands/{udid}", body
        asked = {"udid": udid, "request_type": kind, "command_uuid": command_uuid}
        return "/v1/commands", json.dumps(asked | {"queries": queries}).encode()
