"""Scenes that are closed when their test ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.scene import MakeScene, scenes


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    yield from scenes(tmp_path)
