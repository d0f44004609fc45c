"""Pauses as values, and what they make of a decision."""

from dataclasses import replace

import pytest

from bridge.domain.decision import AskApps, CancelAttempt, LeaveLine
from bridge.domain.facts import Licence
from bridge.domain.pauses import Pause, Pauses, Scope
from tests.unit.domain_kit import (
    DAY,
    HOUR,
    NOW,
    SERIAL,
    UUID,
    attempt,
    decided,
    device,
    facts,
    failed,
    licensed,
    report,
)

ALL = Pause("all", "", NOW)


@pytest.mark.parametrize(
    ("scope", "name", "covered"),
    [
        ("all", "", True),
        ("app", "1", True),
        ("app", "2", False),
        ("location", "hq", True),
        ("location", "1", False),
        ("serial", "S", True),
        ("serial", "T", False),
    ],
)
def test_what_a_pause_covers(scope: Scope, name: str, covered: bool) -> None:
    pause = Pause(scope, name, NOW)
    assert pause.covers(serial_number="S", adam_id="1", location="hq") == covered
    over = Pauses((pause,)).over(serial_number="S", adam_id="1", location="hq")
    assert over == (pause if covered else None)


def test_the_device_that_is_tried_is_let_through_but_for_other_pauses() -> None:
    wave = Pause("app", "1", NOW, "wave", probe="S")
    assert Pauses((wave,)).over(serial_number="S", adam_id="1", location="hq") is None
    assert Pauses((wave,)).over(serial_number="T", adam_id="1", location="hq") == wave
    assert Pauses((ALL, wave)).over(serial_number="S", adam_id="1", location="hq") == ALL


@pytest.mark.parametrize(
    ("pause", "shown"),
    [
        (ALL, "everything is paused since 2027-01-15 08:00:00 UTC by a person; vpp-bridge resume "
        "--all ends it"),
        (Pause("all", "", NOW, why="restored"), "everything is paused since 2027-01-15 08:00:00 "
        "UTC by a person (restored); vpp-bridge resume --all ends it"),
        (Pause("serial", "S", NOW, "wave", "5 devices said no"), "device S is paused since "
        "2027-01-15 08:00:00 UTC by the bridge, since 5 devices said no; vpp-bridge resume "
        "--serial S ends it"),
    ],
)  # fmt: skip
def test_a_pause_in_words(pause: Pause, shown: str) -> None:
    assert pause.shown == shown


APP, DEVICE = Pause("app", "361309726", NOW), Pause("serial", SERIAL, NOW)

WAITING_TO_LEAVE = {
    "a seat": facts(),
    "the first command": licensed(),
    "a command in line": licensed(attempt=attempt("ready")),
    "a command in doubt": licensed(attempt=attempt("in_doubt", in_doubt_at=NOW - HOUR)),
    "a request in line": facts(licence=Licence("open", NOW, waits_for="429", waits_until=NOW + 9)),
}


@pytest.mark.parametrize("what", WAITING_TO_LEAVE)
@pytest.mark.parametrize("pause", [ALL, APP, DEVICE])
def test_what_has_not_left_waits(what: str, pause: Pause) -> None:
    fact = WAITING_TO_LEAVE[what]
    assert decided(fact).reason != "PAUSED"
    paused = decided(replace(fact, pause=pause))
    assert (paused.state, paused.reason, paused.steps) == ("waiting", "PAUSED", ())
    assert paused.detail == pause.told


def test_who_waits_to_be_collected_leaves_that_line() -> None:
    collecting = facts(licence=Licence("collected", NOW), pause=APP)
    assert decided(collecting).steps == (LeaveLine(),)
    assert decided(replace(collecting, device=device(enrolled=False))).steps == (LeaveLine(),)


LEFT = {
    "asked of Apple": facts(licence=Licence("open", NOW)),
    "on the server": licensed(attempt=attempt("posted")),
    "accepted": licensed(attempt=attempt("acknowledged")),
    "installed": licensed(report=report("Managed")),
    "not enrolled": facts(device=None),
    "refused for good": licensed(attempt=failed("MCMDMErrorDomain", 12023)),
}


@pytest.mark.parametrize("what", LEFT)
@pytest.mark.parametrize("pause", [ALL, APP, DEVICE])
def test_what_has_left_stands_as_it_is(what: str, pause: Pause) -> None:
    plain, paused = decided(LEFT[what]), decided(replace(LEFT[what], pause=pause))
    assert (paused.state, paused.reason) == (plain.state, plain.reason)
    assert AskApps() not in paused.steps or pause is APP


@pytest.mark.parametrize(("pause", "asked"), [(ALL, False), (DEVICE, False), (APP, True)])
def test_a_paused_app_keeps_nobody_from_asking_its_device(pause: Pause, asked: bool) -> None:
    old = device(apps_listed_at=NOW - 8 * DAY)
    fact = licensed(device=old, report=report("Managed"), pause=pause)
    assert (AskApps() in decided(fact).steps) == asked
    assert decided(fact).state == "installed"


def test_what_is_dropped_anyway_is_dropped() -> None:
    fact = licensed(report=report("Managed"), attempt=attempt("in_doubt"), pause=ALL)
    assert decided(fact).steps == (CancelAttempt(UUID),)


@pytest.mark.parametrize(("probe_at", "recheck_at"), [(NOW + 9, NOW + 9), (NOW, None)])
def test_a_wave_says_when_it_goes_on(probe_at: float, recheck_at: float | None) -> None:
    wave = Pause("app", "361309726", NOW, "wave", "they failed", next_probe_at=probe_at)
    assert decided(licensed(pause=wave)).recheck_at == recheck_at
