"""A loop that posts commands with requests: one Session, Basic auth, one thread.

Run as `python -m tests.bench.bare.client URL KEY FILE`; FILE has one JSON pair a line, of the
device and its plist. Prints the seconds and the processor seconds of the loop as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import requests


def post_all(url: str, key: str, commands: list[tuple[str, bytes]]) -> tuple[float, float]:
    """Post each; (seconds, processor seconds). Raises HTTPError."""
    session = requests.Session()
    session.auth = ("micromdm", key)
    began, used = time.perf_counter(), time.process_time()
    for udid, plist in commands:
        reply = session.post(
            f"{url}/v1/commands/{udid}", data=plist, headers={"Content-Type": "application/xml"}
        )
        reply.raise_for_status()
    return time.perf_counter() - began, time.process_time() - used


if __name__ == "__main__":
    lines = [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()]
    commands = [(udid, plist.encode()) for udid, plist in lines]
    sys.stdout.write(json.dumps(post_all(sys.argv[1], sys.argv[2], commands)))
