"""How long `plan`, `why` and `apply` take on a large fleet, each measured as a whole process.

It makes a database of a fleet that has all its apps, and an MDM server that lists its devices, then
runs the command line on them. Figures are printed; nothing is asserted: they are wall time, and in
brackets the processor time of the process, which a busy machine does not change. `--profile` shows
where a plan spends its time.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from tests.bench.fleet import Fleet

ROOT = Path(__file__).parents[2]


def lister(serials: list[str]) -> ThreadingHTTPServer:
    """An MDM server that lists these devices, whatever it is asked."""
    devices = [
        {"udid": f"UDID-{s}", "serial_number": s, "enrollment_status": True} for s in serials
    ]
    body = json.dumps({"devices": devices}).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def timed(fleet: Fleet, *arguments: str, times: int = 5) -> None:
    """Run a command several times; print the median wall and processor time."""
    command = [sys.executable, "-m", "bridge", "--config", str(fleet.config), *arguments]
    walls, busy = [], []
    for _ in range(times):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(time.perf_counter() - began)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    wall, processor = statistics.median(walls), statistics.median(busy)
    click.echo(
        f"{' '.join(arguments):28} {wall:5.2f} s ({processor:4.2f} s), exit {done.returncode}"
    )


def one_device(fleet: Fleet) -> None:
    """What an apply writes when one device leaves its group."""
    fleet.name_devices(fleet.serials[1:])
    with fleet.bridge() as bridge:
        time.sleep(0.01)
        since = bridge.now()
        began = time.perf_counter()
        bridge.apply(bridge.config.desired)
        took = time.perf_counter() - began
        with bridge.database.read() as db:
            row = db.execute(
                "SELECT count(*), count(DISTINCT target) FROM installs WHERE updated_at >= ?",
                (since,),
            ).fetchone()
    click.echo(
        f"one device leaves a group: {row[0]} rows of {row[1]} device written in {took:.2f} s"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--apps", type=int, default=40)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    serials = [f"SERIAL{number:06}" for number in range(asked.devices)]
    server = lister(serials)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        size_of = (Path(folder), asked.devices, asked.apps)
        fleet = Fleet(*size_of, now=time.time(), mdm_url=address)
        size = (Path(folder) / "bridge.db").stat().st_size / 1e6
        click.echo(
            f"{asked.devices} devices, {asked.apps} apps, {os.cpu_count()} cores; made in "
            f"{time.perf_counter() - began:.1f} s, {size:.0f} MB"
        )
        if asked.profile:
            with fleet.bridge() as bridge:
                profile = cProfile.Profile()
                profile.runcall(bridge.plan, bridge.config.desired)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(25)
        timed(fleet, "--version")
        timed(fleet, "plan")
        timed(fleet, "plan", "--offline")
        timed(fleet, "plan", "--offline", "--json")
        timed(fleet, "why", serials[0], fleet.adam_ids[0])
        one_device(fleet)
    server.shutdown()


if __name__ == "__main__":
    main()
