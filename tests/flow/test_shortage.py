"""Too few seats for long: who waits costs hardly a call."""

from collections.abc import Callable

from bridge.simulator.faults import Fault
from tests.flow.scene import Scene, rarely


def test_a_shortage_is_counted_soon_and_then_once_an_hour(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=3, apps=1, seats=2, policy=rarely())
    scene.apply()
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2, "waiting NO_SEAT": 1})
    before = scene.world.ledger.requests["apple.assets"]
    scene.pass_time(120)
    assert scene.world.ledger.requests["apple.assets"] > before, "the count may have been old"
    before = scene.world.ledger.requests["apple.assets"]
    scene.pass_time(10 * 3600)
    assert 10 <= scene.world.ledger.requests["apple.assets"] - before <= 20


def test_a_count_that_fails_during_a_shortage_leaves_the_engine_at_rest(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=3, apps=1, seats=2, policy=rarely())
    scene.apply()
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2, "waiting NO_SEAT": 1})
    scene.world.faults.add(Fault("apple.assets", "garbled", times=5))
    scene.pass_time(7200)
    assert scene.world.faults.total == 5
