"""Every kind of call through everything that may happen to it: see `checks`."""

import pytest

from bridge.engine.calls import registry
from tests.unit.engine.calls.checks import CHECKS
from tests.unit.engine.calls.conftest import MakeStage
from tests.unit.engine.calls.scenarios import SCENARIOS, scenario_of

KINDS = sorted(registry.classes())


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", CHECKS)
def test_every_kind(kind: str, check: str, make_stage: MakeStage) -> None:
    call = registry.classes()[kind]
    CHECKS[check](make_stage(call, scenario_of(call)))


def test_no_scenario_is_left_over() -> None:
    assert {call.kind for call in SCENARIOS} == set(KINDS)
