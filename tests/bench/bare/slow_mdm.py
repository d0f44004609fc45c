"""A MicroMDM that takes commands after a while and gives them to nobody: SETTINGS is PORT DELAY.

GET /bench/commands tells how many it took. Its list of devices is out of order for good.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys

_UUID = re.compile(rb"<key>CommandUUID</key>\s*<string>([^<]*)<")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class SlowMdm:
    """Its queues, by device."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._queues: dict[str, list[dict[str, str]]] = {}
        self._taken = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection, one after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                method, path, _ = head.split(b" ", 2)
                status, answer = await self._answer(method.decode(), path.decode(), body)
                text = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(text)}\r\n\r\n".encode()
                    + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[str, object]:
        if path == "/bench/commands":
            return "200 OK", self._taken
        await asyncio.sleep(self._delay)
        if not path.startswith("/v1/commands/"):
            return "500 Internal Server Error", {"error": "not now"}
        udid = path.rpartition("/")[2]
        if method == "GET":
            return "200 OK", {"commands": self._queues.get(udid, [])}
        found = _UUID.search(body)
        named = found[1].decode() if found else ""
        payload = base64.b64encode(body).decode()
        self._queues.setdefault(udid, []).append({"uuid": named, "payload": payload})
        self._taken += 1
        return "201 Created", {"payload": {"udid": udid, "command_uuid": named}}


async def main() -> None:
    """Serve until it is ended."""
    port, delay = int(sys.argv[1]), float(sys.argv[2])
    server = await asyncio.start_server(SlowMdm(delay).talk, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
