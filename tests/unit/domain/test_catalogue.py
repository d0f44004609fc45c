"""What numbers mean, and that every reason given has a sentence."""

import ast
from pathlib import Path
from string import Formatter

import pytest

import bridge
from bridge.domain.catalogue import TREATMENTS, apple_error
from bridge.domain.reasons import REASONS, describe

APPLE_CLASSES = {
    "stop": {9601, 9621, 9622, 9625, 9634, 9637, 9645, 9647, 9722},
    "back_off": {9603, 9630, 9631, 9632, 9643, 9644, 9646, 9729},
    "no_seat": {9709},
    "split": {9700, 9701, 9702, 9816},
    "look": {9610, 9616, 9626, 9815},
    "event_gone": {9708},
    "restart_walk": {9650, 9721, 9812},
    "impossible": {9624, 9628, 9706, 9707, 9813, 9814, 9817, 9818},
    "configuration": {9710, 9711, 9712, 9713, 9723, 9724, 9725, 9728},
    "bug": {9602, 9703, 9704, 9705, 9718, 9719, 9726, 9727, 9811},
}

STOP_REASONS = {
    "TOKEN_INVALID": {9601, 9622, 9647, 9722},
    "TOKEN_EXPIRED": {9621},
    "TOKEN_REVOKED": {9625},
    "TOKEN_READ_ONLY": {9637},
    "SERVICE_REMOVED": {9634},
    "APPLE_MANAGED": {9645},
}


@pytest.mark.parametrize(
    ("number", "kind"), [(n, kind) for kind, numbers in APPLE_CLASSES.items() for n in numbers]
)
def test_every_apple_error(number: int, kind: str) -> None:
    error = apple_error(number)
    assert error.kind == kind
    assert error.cause
    assert error.reason in REASONS
    assert apple_error(number, 200) == apple_error(number, 503) == error, "the number decides"


@pytest.mark.parametrize(
    ("number", "reason"), [(n, reason) for reason, numbers in STOP_REASONS.items() for n in numbers]
)
def test_why_a_location_stops(number: int, reason: str) -> None:
    assert apple_error(number).reason == reason


def test_no_stop_is_left_out() -> None:
    assert set().union(*STOP_REASONS.values()) == APPLE_CLASSES["stop"]


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (429, "back_off", "APPLE_BUSY"),
        (401, "way", "APPLE_AWAY"),
        (403, "way", "APPLE_AWAY"),
        (400, "way", "APPLE_AWAY"),
        (500, "unknown", "APPLE_REFUSED"),
        (None, "unknown", "APPLE_REFUSED"),
    ],
)
def test_a_refusal_without_a_number(status: int | None, kind: str, reason: str) -> None:
    error = apple_error(None, status)
    assert (error.kind, error.reason) == (kind, reason)


def test_a_number_that_apple_adds_tomorrow() -> None:
    assert apple_error(9999, 401).kind == "unknown"


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_tells_a_person_what_to_do(reason: str) -> None:
    entry = REASONS[reason]
    fields = {name for _, name, _, _ in Formatter().parse(entry.sentence + entry.next) if name}
    assert fields <= {"app", "device", "location", "detail", "serial", "adam_id"}
    sentence, next_step = describe(
        reason, app="Pages", device="C02", location="hq", detail="{0} {braces}"
    )
    assert sentence
    assert not sentence.endswith("."), "whoever shows it ends the sentence"
    assert next_step
    assert "{" not in (sentence + next_step).replace("{0} {braces}", "")
    without = describe(reason, app="a", device="d", location="l", detail="")
    assert "None" not in str(without)


SOURCES = [
    path
    for folder in ("domain", "engine", "store")
    for path in (Path(bridge.__file__).parent / folder).rglob("*.py")
]


def words_in(path: Path) -> set[str]:
    """Every string constant of a module that looks like a reason; REASONS' own keys left out."""
    tree = ast.parse(path.read_text())
    if path.parent.name == "reasons":
        return set()
    return {
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        # An SQL statement may hold one in quotes.
        for word in [node.value, *node.value.split("'")[1::2]]
        if word in REASONS
    }


def test_every_reason_can_be_given() -> None:
    given = set().union(*map(words_in, SOURCES))
    assert set(REASONS) - given == set()


def reasons_decided(path: Path) -> set[str]:
    """The constant second arguments of every Decision(...) that a module makes."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Decision"
    ]
    return {
        call.args[1].value
        for call in calls
        if len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
        and isinstance(call.args[1].value, str)
    }


def test_no_reason_is_decided_without_a_sentence() -> None:
    decided = set().union(*map(reasons_decided, SOURCES))
    assert len(decided) > 20, "they are really found"
    assert decided <= set(REASONS)


def test_every_treatment_gives_reasons_that_there_are() -> None:
    for kind, treatment in TREATMENTS.items():
        assert {treatment.reason, treatment.at_last} <= set(REASONS), kind
