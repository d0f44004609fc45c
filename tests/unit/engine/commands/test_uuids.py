"""CommandUUIDs are unique, and stand in the order in which they were made."""

from __future__ import annotations

import uuid

from bridge.engine.commands import uuids
from tests.unit.store_kit import NOW


def test_those_of_one_moment_differ_and_stand_together() -> None:
    made = [uuids.new(NOW) for _ in range(1000)]
    assert len(set(made)) == 1000
    assert len({each[:13] for each in made}) == 1
    assert uuids.new(NOW - 0.001) < min(made)
    assert uuids.new(NOW + 0.001) > max(made)


def test_each_is_what_everybody_reads_as_a_uuid() -> None:
    for now in (0.0, NOW, 2.0**38, -1.0):
        read = uuid.UUID(uuids.new(now))
        assert (read.version, read.variant) == (7, uuid.RFC_4122)
