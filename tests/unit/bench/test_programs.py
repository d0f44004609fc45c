"""Every figure can be found, and the programs around the bridge start."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import figures
from tests.bench.figures.hook import bare, load
from tests.bench.setting import CHECKOUT, World, environment, free_ports


def test_every_figure_is_there() -> None:
    assert all(callable(figures.find(name)) for name in figures.names())


def test_the_list_names_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--list"],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [*figures.names(), "all"]


def test_each_figure_stands_on_the_page() -> None:
    page = (CHECKOUT / "docs" / "performance.md").read_text()

    assert [name for name in figures.names() if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("style", ["own", "shared"])
def test_a_bare_hook_takes_what_is_posted(style: str) -> None:
    with bare(style) as side:
        found = load(side.port, 3, 0.05)

    assert isinstance(found["posted"], int) and found["posted"] >= 3


def test_the_world_starts_and_tells_how_far_it_is(tmp_path: Path) -> None:
    port, nobody = free_ports(2)
    world = World(port, nobody, devices=2, apps=1)
    try:
        assert world.ask()["complete"] == 0
    finally:
        world.stop()
