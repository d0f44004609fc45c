"""What numbers mean, and that every reason given has a sentence."""

import ast
from pathlib import Path
from string import Formatter

import pytest

import bridge
from bridge.domain import catalogue
from bridge.domain.catalogue import apple_error, device_error
from bridge.domain.reasons import REASONS, describe

DEVICE_CLASSES = {
    "license_not_visible": {12026, 12047, 12064},
    "already_installed": {12025},
    "login_required": {12040},
    "rejected": {12063},
    "impossible": {12021, 12023, 12024, 12027, 12030, 12031, 12035, 12065},
    "not_managed": {12029, 12038},
    "unknown": {12036},
}

APPLE_CLASSES = {
    "stop": {9601, 9621, 9622, 9625, 9634, 9637, 9645, 9647, 9722},
    "back_off": {9603, 9630, 9631, 9632, 9643, 9644, 9646, 9729},
    "no_seat": {9709},
    "split": {9700, 9701, 9702},
    "look": {9610, 9616, 9626},
    "event_gone": {9708},
    "restart_walk": {9650, 9721},
    "impossible": {9624, 9628, 9706, 9707},
    "configuration": {9710, 9711, 9712, 9713, 9723, 9724, 9725, 9728},
    "bug": {9602, 9703, 9704, 9705, 9718, 9719, 9726, 9727},
}

STOP_REASONS = {
    "TOKEN_INVALID": {9601, 9622, 9647, 9722},
    "TOKEN_EXPIRED": {9621},
    "TOKEN_REVOKED": {9625},
    "TOKEN_READ_ONLY": {9637},
    "SERVICE_REMOVED": {9634},
    "APPLE_MANAGED": {9645},
}


@pytest.mark.parametrize("domain", ["MCMDMErrorDomain", "MDMErrorDomain"])
@pytest.mark.parametrize(
    ("code", "kind"), [(c, kind) for kind, codes in DEVICE_CLASSES.items() for c in codes]
)
def test_every_mdm_error(domain: str, code: int, kind: str) -> None:
    error = device_error(domain, code)
    assert error.kind == kind
    assert error.cause
    assert device_error("SomeOtherDomain", code).kind == "unknown"


def test_no_mdm_error_is_left_out() -> None:
    assert set(catalogue._MDM_ERRORS) == set().union(*DEVICE_CLASSES.values())


@pytest.mark.parametrize(
    ("domain", "code", "kind"),
    [
        ("ASDServerErrorDomain", 9610, "license_not_visible"),
        ("ASDErrorDomain", 506, "in_progress"),
        ("ASDErrorDomain", 9610, "unknown"),
        ("ASDServerErrorDomain", 506, "unknown"),
        ("MDMErrorDomain", 506, "unknown"),
        ("MDMErrorDomain", 99999, "unknown"),
        ("MDMErrorDomain", None, "unknown"),
        (None, 12064, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_other_domains_and_strangers(domain: str | None, code: int | None, kind: str) -> None:
    assert device_error(domain, code).kind == kind


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
        (401, "stop", "TOKEN_INVALID"),
        (403, "stop", "TOKEN_INVALID"),
        (400, "unknown", "APPLE_REFUSED"),
        (500, "unknown", "APPLE_REFUSED"),
        (None, "unknown", "APPLE_REFUSED"),
    ],
)
def test_a_refusal_without_a_number(status: int | None, kind: str, reason: str) -> None:
    error = apple_error(None, status)
    assert (error.kind, error.reason) == (kind, reason)


def test_a_number_that_apple_adds_tomorrow() -> None:
    assert apple_error(9999, 401).kind == "unknown"


def test_statuses_of_apps_do_not_overlap() -> None:
    groups = [
        {catalogue.MANAGED},
        catalogue.IN_PROGRESS,
        catalogue.PROMPTING,
        catalogue.REJECTED,
        {"UserInstalledApp", "Failed"},
    ]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert catalogue.REJECTED | groups[-1] == catalogue.SAID_ONCE


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_tells_a_person_what_to_do(reason: str) -> None:
    entry = REASONS[reason]
    fields = {name for _, name, _, _ in Formatter().parse(entry.sentence + entry.next) if name}
    assert fields <= {"app", "device", "location", "detail"}
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
    if path.name == "reasons.py":
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
