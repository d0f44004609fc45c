"""No reason without a scene in which the whole bridge comes to it."""

from bridge.domain.reasons import REASONS
from tests.flow.reasons import load


def test_every_reason_has_a_scene_and_no_other() -> None:
    scenes = load()
    missing = sorted(set(REASONS) - set(scenes))
    assert not missing, f"write a scene in tests/flow/reasons/ for {', '.join(missing)}"
    assert set(scenes) <= set(REASONS)
    assert all(scene.state in REASONS[name].states for name, scene in scenes.items())
