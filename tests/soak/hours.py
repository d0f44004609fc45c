"""Hours at the rate that the bridge can keep up with: what grows, grows for ever.

Webhooks of a fleet come at a steady rate, and are forgotten soon (see `forgetful`), so that after
a while nothing may grow: the memory of the processes, their open files, the bytes on the disk, and
how long a hook takes. Each is a line through what was measured after a first part, with how sure it
is; it is wrong where it surely grows by more than MOST.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.crowd import crowd, posted
from tests.soak.faults import Found, waiting
from tests.soak.forgetful import PROGRAM
from tests.soak.served import CONFIG, HOOK, KEY, Served, pss, serving, until

MOST = 1.0
"""Percent an hour that anything may grow."""
WARM_UP = 0.3
"""Part of the time in which it may do as it likes: caches fill, and nothing is forgotten yet."""

_FLEET = 500
_POSTERS = 4
_SAMPLES = 120
_CALIBRATED = 10.0
_SHARE = 0.6
"""Of what the engine was seen to handle: that can be kept up with beside other work."""
_LATE = 1.0
_SURE = 2.0
_APPS = 20


Say = Callable[[str], object]


def _silent(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Slope:
    """By how many percent of its mean something grows in an hour, give or take `error`."""

    name: str
    mean: float
    percent: float
    error: float
    unit: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it does not surely grow."""
        return self.percent - _SURE * self.error <= MOST

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.mean:.4g}{self.unit} on average, "
            f"{self.percent:+.2f} ± {_SURE * self.error:.2f} % an hour"
        )


def slope(name: str, points: Sequence[tuple[float, float]], unit: str = "") -> Slope:
    """A line through (seconds, value), by least squares; at least three of them."""
    times, values = [at / 3600 for at, _ in points], [value for _, value in points]
    mean, middle = statistics.fmean(values), statistics.fmean(times)
    spread = sum((at - middle) ** 2 for at in times)
    rise = sum((a - middle) * (v - mean) for a, v in zip(times, values, strict=True)) / spread
    left = sum((v - mean - rise * (a - middle)) ** 2 for a, v in zip(times, values, strict=True))
    error = math.sqrt(left / (len(points) - 2) / spread)
    scale = 100 / mean if mean else 0.0
    return Slope(name, mean, rise * scale, error * scale, unit)


@dataclass
class Steady:
    """Webhooks at a steady rate from a few posters, and how long each took."""

    rate: float
    waits: list[float] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    late: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def posting(self, served: Served) -> Iterator[None]:
        """While this lasts."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._post, args=(served, number, stop), daemon=True)
            for number in range(_POSTERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(30.0)

    def taken_waits(self) -> list[float]:
        """How long those took that were answered since this was asked last, in seconds."""
        with self._lock:
            waits, self.waits = self.waits, []
        return waits

    def _post(self, served: Served, poster: int, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30.0)
        began, count = time.monotonic(), 0
        while not stop.is_set():
            due = began + count * _POSTERS / self.rate
            if (early := due - time.monotonic()) > 0:
                stop.wait(early)
            elif early < -_LATE:
                with self._lock:
                    self.late += 1
                began -= early
            count += 1
            message = f"hours-{poster}-{count}"
            started = time.monotonic()
            try:
                connection.request("POST", HOOK, event(message, count), {"Authorization": KEY})
                answer = connection.getresponse()
                answer.read()
                said = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                said = type(error).__name__
                connection.close()
            with self._lock:
                self.waits.append(time.monotonic() - started)
                if said == "200":
                    self.taken.add(message)
                else:
                    self.failed.append(f"{message}: {said}")
        connection.close()


def event(message: str, number: int) -> str:
    """What a fleet tells: devices that have nothing to say, and one in ten that lists its apps."""
    udid = f"HOURS-{number % _FLEET:05}"
    keys = f"<key>UDID</key><string>{udid}</string><key>Status</key>"
    told = {"udid": udid, "status": "Idle"}
    if number % 10:
        keys += "<string>Idle</string>"
    else:
        apps = "".join(
            f"<dict><key>Identifier</key><string>com.example.{each}</string></dict>"
            for each in range(_APPS)
        )
        keys += f"<string>Acknowledged</string><key>CommandUUID</key><string>{message}</string>"
        keys += f"<key>InstalledApplicationList</key><array>{apps}</array>"
        told = {"udid": udid, "status": "Acknowledged", "command_uuid": message}
    text = f'<?xml version="1.0"?><plist version="1.0"><dict>{keys}</dict></plist>'
    told["raw_payload"] = base64.b64encode(text.encode()).decode()
    whole = {"topic": "mdm.Connect", "event_id": message, "acknowledge_event": told}
    return json.dumps(whole)


def hours(length: float, rate: float | None, say: Say = _silent) -> Found:
    """So many hours of it; `rate` is webhooks a second, None for what can be kept up with."""
    seconds = length * 3600
    kept = max(int(seconds * WARM_UP / 2), 30)
    found = Found(f"{length:g} hours of webhooks")
    policy = f"policy: {{retention: {{events: {kept}s, mdm_duplicates: {kept}s, outbox: {kept}s}}}}"
    with tempfile.TemporaryDirectory() as name:
        with serving(Path(name), config=f"{CONFIG}{policy}\n", program=PROGRAM) as served:
            rate = rate or _sustainable(served, found)
            found.figures.append(f"{rate:.0f} webhooks a second; each is kept for {kept} s")
            points = _measure(served, Steady(rate), seconds, found, say)
        _judge(found, points, seconds)
    return found


def _sustainable(served: Served, found: Found) -> float:
    """What the engine handles while as much comes as the hook takes, and a part of that."""
    with crowd(served, _POSTERS, posted, "hours-first"):
        before = _handled(served)
        time.sleep(_CALIBRATED)
        handled = (_handled(served) - before) / _CALIBRATED
    until(lambda: not waiting(served), "all of it is handled", 300.0)
    found.figures.append(f"{handled:.0f} a second are handled at most")
    return max(handled * _SHARE, 10.0)


def _handled(served: Served) -> int:
    return int(served.rows("SELECT count(*) FROM events WHERE processed_at IS NOT NULL")[0][0])


Points = dict[str, list[tuple[float, float]]]


def _measure(served: Served, steady: Steady, seconds: float, found: Found, say: Say) -> Points:
    """What was measured, by what it is, with the seconds from the begin."""
    points: Points = {"memory": [], "open files": [], "disk": [], "p99": []}
    began = time.monotonic()
    every = max(seconds / _SAMPLES, 2.0)
    with steady.posting(served):
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(min(every, max(seconds - passed, 0.1)))
            at, waits = time.monotonic() - began, sorted(steady.taken_waits())
            memory, files = _weight(served)
            now = {"memory": memory / 2**20, "open files": files, "disk": _disk(served) / 2**20}
            if waits:
                now["p99"] = waits[int(len(waits) * 0.99)] * 1000
            for what, value in now.items():
                points[what].append((at, value))
            shown = ", ".join(f"{what} {value:.4g}" for what, value in now.items())
            say(f"{at:.0f} s: {shown}, {waiting(served)} wait")
    found.figures.append(
        f"{len(steady.taken)} were answered 200, {len(steady.failed)} were not; a poster was more "
        f"than {_LATE:.0f} s behind {steady.late} times"
    )
    found.check(not steady.failed, f"not taken in: {steady.failed[:3]}")
    found.check(steady.taken, "no webhook was answered 200")
    behind = until(lambda: not waiting(served), "all messages are handled", 120.0)
    found.figures.append(f"all handled {behind:.1f} s after the last one")
    return points


def _weight(served: Served) -> tuple[int, int]:
    """Bytes and open files of all processes together."""
    size = files = 0
    for pids in served.family().values():
        for pid in pids:
            size += pss(pid) or 0
            with suppress(OSError):
                files += len(os.listdir(f"/proc/{pid}/fd"))
    return size, files


def _disk(served: Served) -> int:
    return sum(path.stat().st_size for path in served.folder.glob("bridge.db*"))


def _judge(found: Found, points: Points, seconds: float) -> None:
    units = {"memory": " MB", "disk": " MB", "p99": " ms"}
    for what, measured in points.items():
        later = [point for point in measured if point[0] >= seconds * WARM_UP]
        if len(later) < 3:
            found.wrong.append(f"{what}: measured {len(later)} times only; let it run for longer")
            continue
        line = slope(what, later, units.get(what, ""))
        found.figures.append(str(line))
        found.check(line.is_good, f"it grows: {line}")
