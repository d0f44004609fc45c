"""Stages for single calls."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.engine.calls import Call
from tests.unit.engine.calls.stage import Scenario, Stage

pytest.register_assert_rewrite("tests.unit.engine.calls.checks")

MakeStage = Callable[[type[Call], Scenario], Stage]


@pytest.fixture
def make_stage(tmp_path: Path, empty_database: Path) -> Iterator[MakeStage]:
    """Makes stages, each with a database of its own."""
    with ExitStack() as stack:
        folders = (tmp_path / str(number) for number in range(99))

        def make(call: type[Call], scenario: Scenario) -> Stage:
            made = Stage(call, scenario, next(folders), empty_database)
            stack.callback(made.database.close)
            return made

        yield make
