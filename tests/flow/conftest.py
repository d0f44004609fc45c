"""Scenes that are closed when their test ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.scene import Scene


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Make a scene; the arguments are those of Scene, without the path."""
    scenes: list[Scene] = []

    def make(**arguments: Any) -> Scene:
        path = tmp_path / str(len(scenes))
        path.mkdir()
        scenes.append(Scene(path, **arguments))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.bridge.close()
