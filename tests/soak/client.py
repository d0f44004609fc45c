"""The client whose webhooks must come through: as MicroMDM it waits 30 s and never repeats one."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field

from tests.soak.served import HOOK, KEY, Served

TIMEOUT = 30.0


@dataclass
class Told:
    """What one client met: seconds for each answer, and what was not taken in."""

    waits: list[float] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)


class GoodClient:
    """Posts a webhook, or asks a probe, every `every` seconds until it is stopped."""

    def __init__(self, served: Served, name: str, *, keep: bool, every: float, path: str = HOOK):
        self.told = Told()
        self._served = served
        self._name = name
        self._keep = keep
        self._every = every
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> GoodClient:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT + 5)

    def _run(self) -> None:
        connection = self._new()
        count = 0
        while not self._stop.is_set():
            count += 1
            if not self._keep:
                connection.close()
            started = time.monotonic()
            message = f"{self._name}-{count}"
            try:
                status = self._send(connection, message)
            except (OSError, http.client.HTTPException) as error:
                self.told.lost.append(f"{message}: {type(error).__name__}")
                connection.close()
            else:
                if status == 200:
                    self.told.taken.add(message)
                else:
                    self.told.lost.append(f"{message}: {status}")
            self.told.waits.append(time.monotonic() - started)
            self._stop.wait(self._every)
        connection.close()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=TIMEOUT)

    def _send(self, connection: http.client.HTTPConnection, message: str) -> int:
        if self._path != HOOK:
            connection.request("GET", self._path)
        else:
            connection.request("POST", HOOK, webhook(message), {"Authorization": KEY})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def webhook(message: str) -> str:
    """A webhook with this id, of a device that came."""
    event = {"topic": "mdm.Connect", "event_id": message, "acknowledge_event": {"udid": "u"}}
    return json.dumps(event)
