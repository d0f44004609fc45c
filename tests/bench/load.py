"""Posts webhooks over some keep-alive connections, each one after the other, and times them.

Run as `python -m tests.bench.load PORT CONNECTIONS SECONDS`. It prints JSON: how many were taken,
in how many seconds, the waits in seconds, and its own processor time. A loop over sockets, so that
it costs little beside what it measures.
"""

from __future__ import annotations

import base64
import json
import selectors
import socket
import sys
import time
import uuid
from collections.abc import Iterator

from bridge.simulator import templates
from tests.bench.world.http import END_OF_HEAD
from tests.bench.world.mdm import Device

_HEAD = (
    "POST /hooks/mdm/main HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\n"
    "Authorization: Basic {basic}\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Content-Length: {length}\r\n\r\n"
)


def webhooks() -> Iterator[bytes]:
    """Answers to commands that nobody knows, each a request as it goes over the wire."""
    basic = base64.b64encode(b"mdm:webhook-key").decode()
    device = Device(0, "BE000000-0000-0000-0000-0000000000FF", "BENCH9999999")
    run, number = uuid.uuid4().hex, 0
    while True:
        number += 1
        command_uuid = f"{run[:8]}-{run[8:12]}-4000-9000-{number:012x}"
        answer = templates.answer(
            device,
            command_uuid,
            "Acknowledged",
            templates.string("Identifier", "com.example.app"),
            templates.string("State", "Installing"),
        )
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        body = (
            f'{{\n  "topic": "mdm.Connect",\n  "event_id": "{uuid.uuid4()}",\n'
            f'  "created_at": "{stamp}.{number % 1000000:06d}123Z",\n'
            f'  "acknowledge_event": {{\n    "udid": "{device.udid}",\n'
            f'    "status": "Acknowledged",\n    "command_uuid": "{command_uuid}",\n'
            f'    "raw_payload": "{base64.b64encode(answer).decode()}"\n  }}\n}}'
        ).encode()
        yield _HEAD.format(basic=basic, length=len(body)).encode() + body


def post(port: int, connections: int, seconds: float) -> dict[str, object]:
    """Post for so long; raises RuntimeError for a refusal or an answer with a body."""
    prepared = webhooks()
    selector = selectors.DefaultSelector()
    since: dict[socket.socket, float] = {}
    waits: list[float] = []
    used = time.process_time()
    began = time.perf_counter()
    end = began + seconds
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        since[connection] = time.perf_counter()
        connection.sendall(next(prepared))
    while since:
        for key, _ in selector.select(10):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            answer = connection.recv(65536)
            now = time.perf_counter()
            if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(END_OF_HEAD):
                raise RuntimeError(f"answered {answer[:200]!r}")
            waits.append(now - since[connection])
            if now >= end:
                selector.unregister(connection)
                connection.close()
                del since[connection]
                continue
            message = next(prepared)
            since[connection] = time.perf_counter()
            connection.sendall(message)
    took = time.perf_counter() - began
    cpu = time.process_time() - used
    return {"posted": len(waits), "seconds": took, "waits": waits, "cpu": cpu}


if __name__ == "__main__":
    found = post(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    sys.stdout.write(json.dumps(found))
