"""Beside the real `micromdm`: how fast commands leave, and a stranger who posts as well."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.bench import plists
from tests.bench.figures import Asked
from tests.bench.processes import metered
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, Bridge, environment, setting, until
from tests.real.bridge_kit import Rig
from tests.real.stranger import Stranger

_KEY = "mdm-key"
_UNTOLD = "http://127.0.0.1:9"
"""Where webhooks go that nobody should hear: no device answers."""
_LISTS = ("ManagedApplicationList", "InstalledApplicationList")
_WITHIN = 120.0


def outbox(asked: Asked) -> Found:
    """3,000 commands, one for each device, none of which answers, beside a loop of requests."""
    if missing := _missing("micromdm"):
        return Found([Row("commands into micromdm", skipped=missing)])
    count = asked.devices or (300 if asked.quick else 3000)
    bare = _bare_loop(count)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        RealMicroMdm(Path(name), _UNTOLD, _KEY) as mdm,
        setting(count, 1, mdm=mdm.url) as (bridge, world),
    ):
        time.sleep(3)
        world.ask("be_silent")
        world.ask("authenticate")
        world.ask("token_update")
        asked_for = f"Apple was asked for {count} licences"
        until(lambda: _asked(world.ask()) >= count, asked_for, 900, 0.5)
        bridge.send("POST", "/v1/pause", {"all": True})
        world.ask("speak")
        until(lambda: world.ask()["noted"] == count, "Apple has told of all", 300, 0.5)
        until(lambda: _decided(bridge), "all is decided", 900, 1)
        with metered(bridge.roles) as cost:
            bridge.send("POST", "/v1/resume", {"all": True})
            until(lambda: _posted(bridge) == count, "all commands are posted", 600, 2)
        times = _posted_at(bridge)
    rate = (count - 1) / (max(times) - min(times))
    return Found(
        [
            Row(
                f"{count} commands into micromdm: a second",
                f"{rate:.0f} ({cost.seconds / count * 1e3:.2f} ms CPU each)",
                f"{bare[0]:.0f} ({bare[1] * 1e3:.2f} ms CPU each; requests)",
                rate / bare[0],
                at_least=0.8,
            )
        ],
        [(f"{count} commands into micromdm", cost)],
    )


def _asked(stats: dict[str, list[list[float]]]) -> float:
    return sum(apps * serials for _, apps, serials in stats["associates"])


def _decided(bridge: Bridge) -> bool:
    """Whether nothing but the pause holds the installs back."""
    states = ("associating", "licensed")
    return not any(
        bridge.get(f"/v1/installs?state={state}&limit=1")["installs"] for state in states
    )


def _posted(bridge: Bridge) -> int:
    return len(_posted_at(bridge))


def _posted_at(bridge: Bridge) -> list[float]:
    times, cursor = [], ""
    while True:
        page = bridge.get(f"/v1/commands?limit=1000{cursor}")
        times += [
            datetime.fromisoformat(each["posted_at"]).timestamp()
            for each in page["commands"]
            if each["posted_at"] is not None
        ]
        if page["next_cursor"] is None:
            return times
        cursor = f"&cursor={page['next_cursor']}"


def _bare_loop(count: int) -> tuple[float, float]:
    """Commands a second of the bare client, and its processor seconds for one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        commands = folder / "commands"
        pairs = [(f"NOBODY-{number}", plists.install(number)) for number in range(count)]
        commands.write_text("\n".join(json.dumps(pair) for pair in pairs))
        with RealMicroMdm(folder, _UNTOLD, _KEY) as mdm:
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.bare.client", mdm.url, _KEY, str(commands)],
                cwd=CHECKOUT,
                env=environment(),
                capture_output=True,
                text=True,
                check=True,
            )
    seconds, cpu = json.loads(done.stdout)
    return count / seconds, cpu / count


def stranger(asked: Asked) -> Found:
    """6 devices that connect without pause × 12 apps, and a stranger who posts 100 a second."""
    if missing := _missing("micromdm", "scepclient"):
        return Found([Row("beside a stranger", skipped=missing)])
    devices = asked.devices or (2 if asked.quick else 6)
    apps = asked.apps or (4 if asked.quick else 12)
    posts_for = asked.seconds or (20.0 if asked.quick else 90.0)
    name = f"{devices} × {apps} beside a stranger at micromdm"
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Rig(Path(folder), devices, apps, pause=0.0, own_policy=False) as rig,
    ):
        rig.start_bridge()
        rig.start_mdm()
        rig.enrol()
        with Stranger(rig.mdm, rig.devices, rig.breath, per_second=100) as other:
            began = time.monotonic()
            rig.apply()
            took = None
            while time.monotonic() - began < max(posts_for, _WITHIN if took is None else 0):
                if took is None and rig.all_installed():
                    took = time.monotonic() - began
                time.sleep(0.5)
            posted = len(other.command_uuids)
        again = _asked_again(rig)
        lists = sum(len(rig.posted(kind)) for kind in _LISTS)
    return Found(
        [
            Row(
                f"{name}: all installed and told so",
                "not at all" if took is None else f"after {took:.0f} s",
                value=took,
                at_most=_WITHIN,
                unit="s",
            ),
            Row(
                f"{name}: lists asked again",
                f"{again} of {lists}",
                value=again,
                at_most=0.0,
                unit="",
            ),
        ],
        notes=[f"{name}: the stranger posted {posted} commands"],
    )


def _asked_again(rig: Rig) -> int:
    """Lists that were given up, or posted twice."""
    marks = ", ".join("?" for _ in _LISTS)
    [row] = rig.rows(
        f"SELECT count(*) FROM commands WHERE request_type IN ({marks}) "
        "AND (state = 'dropped' OR posts > 1)",
        *_LISTS,
    )
    return int(row[0])


def _missing(*programs: str) -> str:
    """Which of these programs is not there, in words."""
    gone = [program for program in programs if shutil.which(program) is None]
    return f"no `{gone[0]}` on PATH" if gone else ""
