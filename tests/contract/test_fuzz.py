"""`tools/soak --fuzz`, small: whatever comes in at a door, nothing breaks, hangs or grows."""

from pathlib import Path

import pytest

from tests.soak.fuzz.doors import WEIGHTS, doors, fuzz
from tests.soak.fuzz.run import run, shares

SEED = 22
INPUTS = 6_000
"""Of all doors together, at some 2,000 in a second of a processor."""


@pytest.mark.slow
def test_bad_input_breaks_nothing() -> None:
    seen = list(fuzz(INPUTS, SEED))
    assert [line for tried in seen for line in (*tried.wrong,)] == []
    assert sum(tried.inputs for tried in seen) > 0.9 * INPUTS
    for tried in seen:
        assert len(tried.became) > 1, f"{tried.door}: some of it is good, and some is not"


def test_a_million_are_thirty_thousand_at_each_door(tmp_path: Path) -> None:
    names = [door.name for door in doors(tmp_path)]
    share = dict(shares(names, WEIGHTS, 1_000_000))
    assert set(WEIGHTS) < set(names)
    assert min(share.values()) >= 30_000


class Broken:
    name = "a broken door"

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance):
        number = chance.random()
        if number < 0.2:
            raise ZeroDivisionError("by chance")
        if number < 0.3:
            sum(range(10**5))
        return "read"


def test_what_a_door_does_wrong_is_told_with_what_makes_it_again() -> None:
    seen = run(Broken(), 30, seed=7)
    assert seen.wrong and "ZeroDivisionError" in seen.wrong[0]
    number = int(seen.wrong[0].split()[1])
    assert run(Broken(), 1, seed=7, first=number).wrong == seen.wrong[:1]
