"""What is asked of `reclaim` and `replace` by the API, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.reclaim.selection import Selection
from bridge.web import create_app
from tests.web_stand_in import KEY, StandIn, error_of


@pytest.fixture
def bridge() -> StandIn:
    return StandIn()


def post(bridge: StandIn, path: str, body: Any) -> Any:
    return create_app(bridge).test_client().post(f"/v1/{path}", json=body, headers=KEY)


def test_a_selection_is_handed_on(bridge: StandIn) -> None:
    done = post(bridge, "reclaim", {"silent": "2d", "adam_ids": ["1"]})
    assert (done.status_code, done.get_json()) == (
        200,
        {"dry_run": False, "licences": [], "stay": []},
    )
    chosen = Selection(silent=172800.0, adam_ids=("1",))
    assert bridge.done == [("reclaim", chosen, None)]


def test_a_dry_run_changes_nothing(bridge: StandIn) -> None:
    done = post(bridge, "reclaim", {"unwanted": True, "dry_run": True})
    assert done.get_json()["dry_run"] is True
    assert bridge.done == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "without one nothing is given back"),
        ({"silent": "3"}, "A duration is a number and a unit"),
        ({"silent": "5m"}, "Silent must be at least 1h"),
        ({"silent": "36501d"}, "Silent is too long; write at most 36500d"),
        ({"unwanted": False}, "without one nothing is given back"),
        ({"serials": []}, "without one nothing is given back"),
        ({"serials": ["?"]}, "Write a list of serial numbers"),
        ({"adam_ids": [1]}, "Write a list of adam ids"),
    ],
)
def test_what_cannot_be_meant_is_refused(bridge: StandIn, body: Any, words: str) -> None:
    refused = post(bridge, "reclaim", body)
    assert refused.status_code in (400, 422)
    assert words in error_of(refused)
    assert bridge.done == []


def test_too_many_are_a_conflict(bridge: StandIn) -> None:
    refused = post(bridge, "reclaim", {"unwanted": True, "allow_removals": 0})
    assert refused.status_code == 409


def test_a_device_takes_a_place(bridge: StandIn) -> None:
    done = post(bridge, "replace", {"old": "A1", "new": "B2"})
    assert done.get_json() == {"old": "A1", "new": "B2", "adam_ids": ["1"]}
    refused = post(bridge, "replace", {"old": "HEARD", "new": "B2"})
    assert refused.status_code == 409
    assert "force" in error_of(refused)
    assert post(bridge, "replace", {"old": "HEARD", "new": "B2", "force": True}).status_code == 200
    assert post(bridge, "replace", {"old": "A1", "new": "A1"}).status_code == 409
