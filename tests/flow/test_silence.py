"""A device that says nothing more, from whatever state on, for a year: what it costs.

Nothing waits for a message: the clock alone moves states, and pushes and commands are bounded.
While a command waits there is a push after 1, 2, 4, 8, 16 and 32 hours, then daily, and weekly
once it has been silent for two weeks; after a NotNow from half an hour on, and weekly after a week.
It is asked for its apps once, however long that is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.engine.commands import by_queue
from bridge.engine.upkeep import pruning
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.scene import DAY, Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL = "InstallApplication"
HOUR, YEAR = 3600.0, 365 * DAY
FORTNIGHT = 14


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else the clock does takes most of a simulated year: forget and look in queues weekly."""
    monkeypatch.setattr(pruning, "EVERY", 7 * DAY)
    monkeypatch.setattr(by_queue, "LOOK_AT_MOST", 7 * DAY)


class Watched:
    """One device and one app, from the moment when its install is `first` and it falls silent.

    `states` are (days since then, "state REASON"), one for each change.
    """

    def __init__(self, make_scene: MakeScene, first: str, **arguments: Any) -> None:
        options = {"devices": 1, "apps": 1, "macs": 0.0, "policy": rarely()} | arguments
        self.scene = make_scene(**options)
        self.device = self.scene.world.devices[0]
        self.scene.apply(self.scene.desired(named=True))
        self.scene.run(lambda: self._now() == first, HOUR)
        self.device.go_offline()
        self.began = self.scene.world.now
        self.before = dict(self.scene.world.ledger.requests)
        self.states = [(0.0, first)]

    def _now(self) -> str:
        (state,) = self.scene.states()
        return state

    def until_day(self, day: float) -> None:
        end = self.began + day * DAY
        self.scene.world.kernel.at(end, lambda: None)
        self.scene.run(lambda: self._looked() >= end, YEAR)

    def _looked(self) -> float:
        now, state = self.scene.world.now, self._now()
        if self.states[-1][1] != state:
            self.states.append((round((now - self.began) / DAY, 1), state))
        return now

    def since(self, request: str) -> int:
        """How many requests of a kind there were since the silence began."""
        return self.scene.world.ledger.requests[request] - self.before.get(request, 0)

    def comes_back(self) -> None:
        self.device.go_online()
        self.device.connect()
        self.scene.run(self.scene.all_installed, HOUR)
        assert self.device.installed(self.scene.adam_ids[0])
        assert len(self.device.installs) == 1
        assert self.scene.world.ledger.violations() == []


@dataclass(frozen=True)
class Case:
    """From `first` on: what becomes of it on which day, and what was sent in a year.

    `pushes` are those of the fortnight and of the year, `commands` those of the year.
    """

    first: str
    then: tuple[tuple[float, str], ...]
    pushes: tuple[int, int]
    commands: int
    faults: tuple[Fault, ...] = ()
    traits: tuple[tuple[str, float], ...] = ()
    install_time: float = 5.0


SILENT = (14.0, "waiting DEVICE_SILENT")
CASES = {
    "associating": Case(
        "associating ASSOCIATE_REQUESTED",
        ((0.0, "licensed FACTS_FIRST"), SILENT),
        pushes=(18, 69),
        commands=1,
        faults=(Fault("apple.event", "delay", delay=300.0),),
    ),
    "sent": Case(
        "sent COMMAND_SENT",
        (SILENT,),
        pushes=(18, 69),
        commands=0,
        traits=(("wake_latency", 20.0),),
    ),
    "put off": Case(
        "sent NOT_NOW",
        ((7.0, "needs_user NOT_NOW_FOR_LONG"),),
        pushes=(13, 64),
        commands=0,
        faults=(Fault("device", "not_now", match=INSTALL),),
    ),
    "acknowledged": Case(
        "acknowledged ACKNOWLEDGED",
        ((1.0, "unconfirmed NOT_SEEN"),),
        pushes=(18, 69),
        commands=1,
        install_time=600.0,
    ),
    "installing": Case(
        "installing INSTALLING",
        ((1.0, "unconfirmed NOT_SEEN"),),
        pushes=(18, 69),
        commands=1,
        install_time=600.0,
    ),
    "installed": Case("installed INSTALLED", (), pushes=(7, 58), commands=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("state", CASES)
def test_a_year_of_silence(make_scene: MakeScene, state: str) -> None:
    case = CASES[state]
    watched = Watched(
        make_scene,
        case.first,
        faults=case.faults,
        install_time=case.install_time,
        traits=dict(case.traits),
    )
    watched.until_day(FORTNIGHT)
    in_a_fortnight = watched.since("mdm.push")
    watched.until_day(365)
    assert watched.states == [(0.0, case.first), *case.then]
    assert (in_a_fortnight, watched.since("mdm.push")) == case.pushes
    assert watched.since("mdm.command") == case.commands
    assert watched.since("apple.associate") == 0
    watched.comes_back()


def test_a_device_that_puts_an_install_off_for_months(make_scene: MakeScene) -> None:
    """It comes at every push, and says NotNow each time: capped by time, not by count."""
    watched = Watched(make_scene, "licensed LIST_FIRST", traits={"not_now_rest": 1e9})
    watched.device.script.add(script.not_now(0))
    watched.device.go_online()
    watched.until_day(FORTNIGHT)
    pushes = watched.since("mdm.push")
    assert pushes <= 14
    watched.until_day(60)
    assert watched.since("mdm.push") - pushes <= 7
    assert watched.states[-1][1] == "needs_user NOT_NOW_FOR_LONG"
    assert len({r.command_uuid for r in watched.device.received if r.request_type == INSTALL}) == 1
    watched.device.script = script.Script()
    watched.scene.run(watched.scene.all_installed, 7 * DAY + HOUR)
    assert watched.scene.world.ledger.violations() == []
