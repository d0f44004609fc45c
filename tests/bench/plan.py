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
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from bridge.app import Bridge
from bridge.config import load_config
from bridge.store.licences import locations

ROOT = Path(__file__).parents[2]
CONFIG = """\
database: bridge.db
api: {{key: api-key}}
servers:
  main: {{url: "http://127.0.0.1:{port}", api_key: mdm-key, webhook_key: hook-key}}
locations:
  hq: {{content_token_file: hq.vpptoken}}
groups:
  everyone: {{all: true}}
  ipads: {{match: {{product_name: "iPad*", os_version: ">=17"}}}}
  named: {{serials_file: named.txt}}
apps:
"""


class Fleet:
    """A folder with a configuration and the database of a fleet that has its apps."""

    def __init__(self, folder: Path, devices: int, apps: int, port: int) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.serials = [f"SERIAL{number:06}" for number in range(devices)]
        self.adam_ids = [str(300000000 + number) for number in range(apps)]
        self._write(port)
        with self.bridge() as bridge:
            self._enrol(bridge)
            bridge.apply(bridge.config.wanted)
            self._settle(bridge)

    def _write(self, port: int) -> None:
        groups = ("everyone", "ipads", "named")
        apps = [
            f'  - {{adam_id: "{a}", name: "App {n}", groups: [{groups[n % 3]}]}}\n'
            for n, a in enumerate(self.adam_ids)
        ]
        self.config.touch(0o600)
        self.config.write_text(CONFIG.format(port=port) + "".join(apps))
        self.name_devices(self.serials)
        token = self.folder / "hq.vpptoken"
        token.touch(0o600)
        token.write_text("eyJ0b2tlbiI6ICJiZW5jaCJ9")

    def name_devices(self, serials: list[str]) -> None:
        """Let the file's list of serial numbers be this."""
        (self.folder / "named.txt").write_text("\n".join(serials) + "\n")

    @contextmanager
    def bridge(self) -> Iterator[Bridge]:
        """A bridge on the database, in this process."""
        bridge = Bridge(load_config(self.config, os.environ)).open()
        try:
            yield bridge
        finally:
            bridge.close()

    def _enrol(self, bridge: Bridge) -> None:
        now = bridge.now()
        with bridge.database.write() as db:
            db.executemany(
                "INSERT INTO devices (server, udid, serial_number, name, product_name, model, "
                "os_version, enrolled, enrolment, enrolled_at, last_seen_at, created_at) "
                "VALUES ('main', ?, ?, ?, 'iPad14,1', 'MK2K3LL/A', '17.5', 1, 1, ?, ?, ?)",
                [(f"UDID-{s}", s, f"iPad {s}", now, now, now) for s in self.serials],
            )

    def _settle(self, bridge: Bridge) -> None:
        """Every install has its licence and is installed."""
        now = bridge.now()
        with bridge.database.write() as db:
            locations.update(
                db, "hq", assets_read_at=now, assignments_read_at=now, registered_at=now
            )
            db.executemany(
                "INSERT INTO assets (location, adam_id, pricing_param, total, available, platforms,"
                " read_at, counted_at) VALUES ('hq', ?, 'STDQ', ?, 10, 'iOS', ?, ?)",
                [(a, len(self.serials) + 10, now, now) for a in self.adam_ids],
            )
            db.execute(
                "INSERT INTO assignments SELECT location, adam_id, pricing_param, target_kind, "
                "target, ?, 'notification', ? FROM installs",
                (now, now),
            )
            db.execute(
                "INSERT INTO request_pairs (request_id, location, kind, adam_id, pricing_param, "
                "target_kind, target, state, ready_at, settled_at, settled_by) SELECT 1, location, "
                "'ASSOCIATE', adam_id, pricing_param, target_kind, target, 'confirmed', ?, ?, "
                "'notification' FROM installs",
                (now - 60, now - 60),
            )
            db.execute(
                "INSERT INTO commands (command_uuid, server, device_id, install_id, request_type, "
                "state, enrolment, created_at, due_at, posted_at, answered_at) SELECT "
                "'C' || i.id, 'main', d.id, i.id, 'InstallApplication', 'acknowledged', 1, ?, ?, ?,"
                " ? FROM installs i JOIN devices d ON d.serial_number = i.target",
                (now, now, now, now),
            )
            db.execute(
                "UPDATE installs SET state = 'installed', reason = 'INSTALLED', dirty_at = NULL, "
                "installed_at = ?",
                (now,),
            )


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
        bridge.apply(bridge.config.wanted)
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
        fleet = Fleet(Path(folder), asked.devices, asked.apps, server.server_address[1])
        size = (Path(folder) / "bridge.db").stat().st_size / 1e6
        click.echo(
            f"{asked.devices} devices, {asked.apps} apps, {os.cpu_count()} cores; made in "
            f"{time.perf_counter() - began:.1f} s, {size:.0f} MB"
        )
        if asked.profile:
            with fleet.bridge() as bridge:
                profile = cProfile.Profile()
                profile.runcall(bridge.plan, bridge.config.wanted)
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
