"""What people wait for on a large fleet: `status`, `plan`, `why`, and `serve` to start and end."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bridge.web import create_app
from tests.bench.figures import Asked
from tests.bench.fleet import Fleet
from tests.bench.processes import metered
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, Bridge, environment, free_ports

_LIMITS = {"status": 0.3, "plan --offline": 2.0, "why": 0.15}
_READY = 2.0
_SCRAPE = 0.1


def commands(asked: Asked) -> Found:
    """Processor time beyond that of `--version`, each as a whole process; then `serve`."""
    devices = asked.devices or (200 if asked.quick else 10_000)
    apps, rounds = asked.apps or 25, asked.rounds or 3
    nobody, port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        outside = f"http://127.0.0.1:{nobody}"
        fleet = Fleet(
            Path(name),
            devices,
            apps,
            now=time.time(),
            listen=f"127.0.0.1:{port}",
            mdm_url=outside,
            apple_url=outside,
        )
        lines = {
            "status": ["status"],
            "plan --offline": ["plan", "--offline"],
            "why": ["why", fleet.serials[devices // 2], fleet.adam_ids[0]],
        }
        for words in lines.values():  # so that its bytecode is there
            _cpu(fleet, words)
        base = statistics.median(_cpu(fleet, ["--version"]) for _ in range(rounds))
        found = Found()
        for what, words in lines.items():
            used = statistics.median(_cpu(fleet, words) for _ in range(rounds))
            found.rows.append(
                Row(
                    f"{what}, {devices * apps} installs: CPU beyond --version",
                    f"{used:.2f} s",
                    f"{base:.2f} s (--version)",
                    used - base,
                    at_most=_LIMITS[what],
                    unit="s",
                )
            )
        found.rows.append(_scrape(fleet, rounds))
        found.add(_serve(fleet, port, rounds))
        return found


def _scrape(fleet: Fleet, rounds: int) -> Row:
    """A scrape that counts anew, as one every 15 seconds does."""
    used = list[float]()
    with fleet.bridge() as bridge:
        client = create_app(bridge).test_client()
        client.get("/metrics")
        for number in range(1, rounds + 1):
            at = fleet.now + 20.0 * number
            bridge.clock = lambda at=at: at
            before = time.process_time()
            answer = client.get("/metrics")
            used.append(time.process_time() - before)
            if answer.status_code != 200:
                raise RuntimeError(f"/metrics answered {answer.status_code}")
    installs = len(fleet.serials) * len(fleet.adam_ids)
    return Row(
        f"a scrape of /metrics, {installs} installs: CPU",
        f"{statistics.median(used):.3f} s (worst {max(used):.3f} s)",
        value=statistics.median(used),
        at_most=_SCRAPE,
        unit="s",
    )


def _cpu(fleet: Fleet, words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "--config", str(fleet.config), *words],
        cwd=CHECKOUT,
        env=environment({"COLUMNS": "100"}),
        capture_output=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"{words[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}"
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _serve(fleet: Fleet, port: int, rounds: int) -> Found:
    starts, stops = [], []
    found = Found()
    for _ in range(rounds):
        bridge = Bridge(fleet.folder, port, CHECKOUT)
        try:
            starts.append(bridge.start())
            with metered(bridge.roles) as cost:
                bridge.get("/v1/locations")
            stops.append(bridge.stop())
        finally:
            bridge.kill()
    found.costs.append(("serve, right after its start", cost))
    for what, seconds, most in (("start", starts, _READY), ("stop", stops, None)):
        found.rows.append(
            Row(
                f"serve: from its {what} until it {'answers' if what == 'start' else 'is gone'}",
                f"{statistics.median(seconds):.2f} s (worst {max(seconds):.2f} s)",
                value=statistics.median(seconds),
                at_most=most,
                unit="s",
            )
        )
    return found
