"""What is done to the bridge, how long good clients wait meanwhile, and whether that is well."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.soak import peers
from tests.soak.client import GoodClient, Told
from tests.soak.served import KEY, Served, serving
from tests.soak.weights import bodies

WAIT = 2.0
"""Seconds that no good client may wait longer than."""
MEMORY = 300 * 1024 * 1024
"""Bytes that the web process stays below."""

_OLD_WAITS = 40.0


@dataclass(frozen=True)
class Scenario:
    """Peers beside good clients; `outside` needs the second listener."""

    name: str
    peer: peers.Peer | None
    outside: bool = False


@dataclass(frozen=True)
class Result:
    """What good clients met: seconds, webhooks lost, bytes of memory (None: not measurable)."""

    scenario: str
    sent: int
    median: float
    worst: float
    lost: list[str]
    memory: int | None

    @property
    def is_good(self) -> bool:
        """Whether it held."""
        small = self.memory is None or self.memory < MEMORY
        return not self.lost and self.worst <= WAIT and small

    def row(self) -> tuple[str, ...]:
        """For a table."""
        memory = "-" if self.memory is None else f"{self.memory / 1024 / 1024:.0f} MB"
        return (
            self.scenario,
            str(self.sent),
            f"{self.median * 1000:.0f} ms",
            f"{self.worst:.2f} s",
            str(len(self.lost)),
            memory,
            "ok" if self.is_good else "FAILED",
        )


def scenarios(limit: int, share: float = 1.0) -> list[Scenario]:
    """All of them; `limit` is the length of a body at its limit, `share` scales the numbers."""

    def of(count: int) -> int:
        return max(int(count * share), 8)

    return [
        Scenario("nobody else", None),
        Scenario("8 half heads", peers.half_heads(8)),
        Scenario(f"{of(200)} half heads", peers.half_heads(of(200))),
        Scenario(f"{of(1000)} silent connections", peers.silent(of(1000))),
        Scenario(f"{of(200)} heads a byte a second", peers.trickling_heads(of(200))),
        Scenario(
            f"{of(64)} bodies a byte a second, without a key",
            peers.trickling_bodies(of(64), key=None),
        ),
        Scenario(
            f"{of(64)} bodies a byte a second, with the key",
            peers.trickling_bodies(of(64), key=KEY),
        ),
        Scenario("8 bodies at the limit, without a key", peers.large_bodies(8, limit, key=None)),
        Scenario("8 bodies at the limit, with the key", peers.large_bodies(8, limit, key=KEY)),
        Scenario(
            f"{of(400)} bodies that are not quite large",
            peers.large_bodies(of(400), 1_000_000, key=KEY),
        ),
        *(
            Scenario(f"8 bodies of {name}", peers.bodies(8, body, KEY))
            for name, body in bodies(limit).items()
        ),
        Scenario("32 strangers that are refused", peers.strangers(32)),
        Scenario("8 that come and go", peers.coming_and_going(8)),
        Scenario("16 that never read answers", peers.never_reading(16)),
        Scenario("32 strangers outside", peers.strangers(32, outside=True), outside=True),
        Scenario(f"{of(400)} silent outside", peers.silent(of(400), outside=True), outside=True),
    ]


def run(scenario: Scenario, seconds: float, *, outside: bool = True) -> Result:
    """One scenario beside a `serve` of its own."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), outside=outside) as served:
        return measure(scenario, served, seconds)


def measure(scenario: Scenario, served: Served, seconds: float) -> Result:
    """One scenario beside this `serve`."""
    stop = threading.Event()
    name = f"soak-{time.monotonic_ns()}"  # of webhooks that nobody sent before
    highest = served.memory()
    with ExitStack() as stack:
        stack.callback(stop.set)
        if scenario.peer is not None:
            peer = threading.Thread(target=scenario.peer, args=(served, stop), daemon=True)
            peer.start()
            stack.callback(peer.join, _OLD_WAITS)
            stack.callback(stop.set)
            stop.wait(1.0)  # until they stand
        clients = [
            stack.enter_context(GoodClient(served, f"{name}-kept", keep=True, every=0.05)),
            stack.enter_context(GoodClient(served, f"{name}-new", keep=False, every=0.05)),
        ]
        probe = GoodClient(served, f"{name}-probe", keep=False, every=0.5, path="/readyz")
        stack.enter_context(probe)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = served.memory()
            highest = None if now is None or highest is None else max(highest, now)
            stop.wait(0.25)
    return _result(scenario, [each.told for each in clients], probe.told, served, highest)


def _result(
    scenario: Scenario, told: list[Told], probe: Told, served: Served, memory: int | None
) -> Result:
    waits = [wait for each in (*told, probe) for wait in each.waits]
    stored = served.stored("soak-")
    forgotten = [f"{each}: answered, not stored" for one in told for each in one.taken - stored]
    lost = [each for one in (*told, probe) for each in one.lost]
    return Result(
        scenario.name,
        len(waits),
        statistics.median(waits),
        max(waits),
        lost + forgotten,
        memory,
    )
