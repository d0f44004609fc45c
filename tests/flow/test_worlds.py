"""`tools/soak --world`, small: thirty days of a fleet in seconds."""

from dataclasses import replace

import pytest

from tests.soak.world.script import Event, Script, Traits
from tests.soak.world.shrink import shrunk
from tests.soak.world.trial import made, run


@pytest.mark.slow
def test_a_small_world_keeps_every_promise() -> None:
    """Apple fails while an apply with a limit holds most devices back for three weeks."""
    script = made(1)
    outcome = run(replace(script, traits=Traits(devices=7), events=script.events[:3]))
    assert outcome.broken == ()
    assert outcome.asked > 0


def test_a_script_shrinks_to_what_is_needed() -> None:
    events = tuple(Event(float(number), "look", number) for number in range(40))
    script = Script(1, Traits(), events)

    def fails(fewer: Script) -> bool:
        return {7, 23} <= {event.number for event in fewer.events}

    assert [event.number for event in shrunk(script, fails).events] == [7, 23]
