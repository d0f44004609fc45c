"""The bridge is killed at every outside call and at every commit, and started again at once.

Whatever was in flight is looked up, not guessed: no licence is asked for while Apple holds it or
has an event of ours for it, and no install gets a second CommandUUID unless its device was asked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bridge.store.database import Connection, Database
from bridge.store.file.database import FileDatabase
from tests.flow.scene import Killed, Scene

MakeScene = Callable[..., Scene]

INSTALL, LIST = "InstallApplication", "ManagedApplicationList"


class Reaper:
    """Kills at the n-th occasion of one kind: a request about to leave, or just answered."""

    def __init__(self, scene: Scene, nth: int, *, after: bool) -> None:
        self.left = nth
        self.struck = ""
        self._after = after
        for adapter in (scene.apple_adapter, scene.mdm_adapter):
            self._watch(adapter)

    def _watch(self, adapter: Any) -> None:
        send = adapter.send

        def deadly(request: Any, **arguments: Any) -> Any:
            if not self._after:
                self._strike(request)
            reply = send(request, **arguments)
            if self._after:
                self._strike(request)
            return reply

        adapter.send = deadly

    def _strike(self, request: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.struck = f"{request.method} {request.path_url}"
            raise Killed(self.struck)


def run_with_one_kill(scene: Scene) -> float:
    """Run to the end, restarting once; returns the seconds that the restarted bridge needed."""
    try:
        scene.run(scene.all_installed)
    except Killed:
        killed_at = scene.world.now
        scene.restart()
        scene.run(scene.all_installed)
        return scene.world.now - killed_at
    return 0.0


def nothing_was_done_twice(scene: Scene) -> None:
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []
    for postings in scene.world.ledger.installs_posted.values():
        assert len({posted.command_uuid for posted in postings}) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("after", [False, True], ids=["unsent", "answered"])
@pytest.mark.parametrize("nth", range(1, 18))
def test_killed_at_any_outside_call(make_scene: MakeScene, nth: int, after: bool) -> None:
    scene = make_scene(devices=2, apps=2, seed=nth)
    scene.apply()
    reaper = Reaper(scene, nth, after=after)
    needed = run_with_one_kill(scene)
    assert reaper.struck or nth > 14
    nothing_was_done_twice(scene)
    if "associate" in reaper.struck and not after:
        return  # Apple cannot be asked about what it never got: this waits for in_doubt_wait
    # Where no queue shows a command, a device is pushed to after a minute, and its answer tells.
    assert needed < (180 if scene.plain else 120), f"after {reaper.struck}"


@contextmanager
def dying_at_commit(nth: int) -> Iterator[list[int]]:
    """Let the n-th write transaction of the engine end in death, just before it is committed."""
    original, seen = FileDatabase.write, [0]

    @contextmanager
    def write(self: Database) -> Iterator[Connection]:
        with original(self) as connection:
            yield connection
            seen[0] += 1
            if seen[0] == nth:
                raise Killed("commit")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileDatabase, "write", write)
        yield seen


@pytest.mark.sweep
@pytest.mark.parametrize("nth", range(1, 60, 3))
def test_killed_before_any_commit(make_scene: MakeScene, nth: int) -> None:
    scene = make_scene(devices=2, apps=2, seed=nth)
    scene.apply()
    with dying_at_commit(nth):
        try:
            scene.run(scene.all_installed)
        except Killed:
            scene.restart()
    scene.run(scene.all_installed)
    nothing_was_done_twice(scene)


def test_fifty_answers_that_a_dead_bridge_missed_repeat_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=50, apps=1, traits={"wake_latency": 45.0})
    scene.apply()
    scene.run(lambda: scene.states() == {"sent COMMAND_SENT": 50}, 600)
    assert scene.received(LIST) == 50, "asked before the first install"
    scene.reachable = False  # killed, and MicroMDM tells nobody what the devices answer
    scene.world.advance(300)
    assert scene.world.missing(scene.world.everything()) == []
    scene.restart()
    scene.run(scene.all_installed, 600)
    nothing_was_done_twice(scene)
    assert scene.received(LIST) == 100, "each was asked once more"
    assert scene.received(INSTALL) == 50
    assert sum(len(each) for each in scene.world.ledger.installs_posted.values()) == 50
