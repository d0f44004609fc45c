"""What several flows look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.store.bodies import unpacked
from tests.flow.scene import Scene


def stored_bytes(scene: Scene) -> Mapping[str, bytes]:
    """All that is stored, by file; and the bodies of messages, which are packed there."""
    files = {path.name: path.read_bytes() for path in scene.tmp_path.glob("bridge.db*")}
    with scene.bridge.database.read() as db:
        bodies = [unpacked(row[0]) for row in db.execute("SELECT body FROM events")]
    return files | {"bodies": b"\n".join(bodies)}


def kinds(scene: Scene) -> list[str]:
    """The request types that reached the first device, in their order."""
    return [received.request_type for received in scene.world.devices[0].received]


def installs_sent(scene: Scene) -> int:
    """How many installs reached the first device."""
    return kinds(scene).count("InstallApplication")


def is_in(scene: Scene, state: str) -> Callable[[], bool]:
    """Whether the only install is in this "state REASON"."""
    return lambda: scene.states() == {state: 1}
