"""What makes a class a kind of call, and what becomes of rows of a kind that is none."""

import ast
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.pauses import SCOPES, Scope
from bridge.engine import calls
from bridge.engine.calls import registry
from bridge.engine.calls.mdm import MdmCall
from bridge.engine.decide import pausing
from bridge.store.outbox import kinds
from bridge.store.outbox.outbox import OutboxRow
from tests.unit.engine.calls.checks import CHECKS
from tests.unit.engine.calls.conftest import MakeStage
from tests.unit.engine.calls.scenarios import SCENARIOS, scenario_of
from tests.unit.engine.calls.stage import Scenario, Stage
from tests.unit.store_kit import NOW, intend

BRIDGE = Path(__file__).parents[4] / "bridge"

UNKNOWN = "this version of the bridge knows no call of kind lock_device"


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    monkeypatch.setattr(calls, "DEFINED", dict(registry.classes()))


class Lock(MdmCall, abstract=True):
    """A kind of call that nobody else has heard of; it does not say what it does yet."""

    def perform(self, row: OutboxRow) -> Any:
        return self.clients.mdm(row.scope).lock(row.subject)


def scenario(call: type[calls.Call], **says: Any) -> Scenario:
    return Scenario(
        lambda db: call.intend(db, "main", subject="S1", now=NOW),
        lambda: {"lock": None},
        "lock",
        **says,
    )


def test_a_new_kind_is_refused_until_it_says_what_it_does() -> None:
    with pytest.raises(TypeError, match=r"LockDevice\.effect is to be one of read, push, write"):

        class LockDevice(Lock):
            kind = "lock_device"

    with pytest.raises(TypeError, match="Named is to say its own kind"):

        class Named(Lock):
            effect = "write"

    with pytest.raises(TypeError, match=r"Nobody\.service is to be one of apple, mdm"):

        class Nobody(calls.Call):
            kind = "lock_device"
            effect = "write"

    with pytest.raises(TypeError, match=r"Other\.effect is to be one of"):

        class Other(Lock):
            kind = "lock_device"
            effect = "writes"

    with pytest.raises(TypeError, match=r"Twice\.kind is that of SendCommand"):

        class Twice(Lock):
            kind = kinds.COMMAND
            effect = "write"

    assert "lock_device" not in registry.classes()


def test_a_kind_inherits_no_effect() -> None:
    class LockDevice(Lock):
        kind = "lock_device"
        effect = "read"

    with pytest.raises(TypeError, match="Wipe is to say its own effect"):

        class Wipe(LockDevice):
            kind = "wipe_device"


def test_a_new_kind_is_refused_by_the_suite_until_it_has_a_scenario() -> None:
    class LockDevice(Lock):
        kind = "lock_device"
        effect = "write"

    with pytest.raises(AssertionError, match="a call of kind lock_device has no scenario"):
        scenario_of(registry.classes()["lock_device"])


@pytest.mark.parametrize("check", CHECKS)
def test_a_new_kind_that_writes_is_paused_doubted_and_not_repeated(
    make_stage: MakeStage, check: str
) -> None:
    class LockDevice(Lock):
        kind = "lock_device"
        effect = "write"

    says = scenario(LockDevice, held_by=SCOPES, not_again="it may have been done, and it is not")
    CHECKS[check](make_stage(LockDevice, says))


@pytest.mark.parametrize("check", CHECKS)
def test_a_new_kind_that_pushes_may_say_that_it_does_no_harm_twice(
    make_stage: MakeStage, check: str
) -> None:
    class Wake(Lock):
        kind = "wake_device"
        effect = "push"
        repeatable = True

    CHECKS[check](make_stage(Wake, scenario(Wake, held_by=SCOPES)))


@pytest.mark.parametrize("check", CHECKS)
def test_a_new_kind_that_reads_goes_on_and_is_repeated(make_stage: MakeStage, check: str) -> None:
    class ReadLock(Lock):
        kind = "read_lock"
        effect = "read"

    CHECKS[check](make_stage(ReadLock, scenario(ReadLock)))


@pytest.fixture
def unknown(make_stage: MakeStage) -> Stage:
    """A row that another version has left."""
    (some, *_) = SCENARIOS
    row = Scenario(
        lambda db: intend(db, "lock_device", service="mdm", scope="main"), dict, "lock", SCOPES
    )
    return make_stage(some, row)


def test_a_row_of_an_unknown_kind_is_not_made(unknown: Stage) -> None:
    unknown.turn()
    assert (unknown.state, unknown.error) == ("failed", UNKNOWN)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_row_of_an_unknown_kind_is_held_while_anything_is_paused(
    unknown: Stage, scope: Scope
) -> None:
    pause = unknown.paused(scope)
    with unknown.context() as context:
        assert pausing.pause(context, pause)
    unknown.turn()
    assert unknown.state == "held"
    with unknown.context() as context:
        assert pausing.resume(context, scope, pause.name)
    unknown.turn()
    assert (unknown.state, unknown.error) == ("failed", UNKNOWN)


def test_a_start_refuses_a_row_of_an_unknown_kind_that_was_under_way(unknown: Stage) -> None:
    with unknown.context() as context:
        context.db.execute("UPDATE outbox SET state = 'claimed'")
    unknown.restart()
    assert (unknown.state, unknown.error) == ("failed", UNKNOWN)


def test_a_row_of_an_unknown_kind_may_belong_to_nobody(unknown: Stage) -> None:
    unknown.restart(configured=False)
    assert (unknown.state, unknown.error) == ("failed", "no longer configured")


def test_a_row_of_an_unknown_kind_is_not_restored(unknown: Stage) -> None:
    CHECKS["restored from a copy"](unknown)
    assert unknown.error == UNKNOWN


def test_a_row_of_an_unknown_kind_is_not_repeated_by_hand(unknown: Stage) -> None:
    unknown.turn()
    told = unknown.shell("outbox", "retry", str(unknown.row_id))
    assert told.exit_code == 1
    assert told.stderr == f"call {unknown.row_id} is not made again: {UNKNOWN}\n"


def test_every_module_of_the_package_is_looked_through() -> None:
    """A class in a module that nobody imports is a kind all the same."""
    homes = {call.__module__.rpartition(".")[2] for call in registry.classes().values()}
    modules = {path.stem for path in (BRIDGE / "engine" / "calls").glob("*.py")}
    assert homes <= modules
    assert modules - homes == {"__init__", "again", "apple", "event_status", "registry"}


NOT_KINDS = Counter(
    {
        ("engine/calls/__init__.py", "push"): 1,  # an effect
        ("engine/calls/mdm.py", "push"): 1,  # the effect of a push
        ("engine/insight/doctor/push.py", "push"): 1,  # a word of its sentence
        ("cli/commands.py", "claim"): 5,  # the command, its example, and what the audit log has
        ("domain/audit.py", "claim"): 1,  # what was done
        ("engine/calls/claim.py", "claim"): 1,  # the same
        ("domain/roles.py", "claim"): 2,  # a role
        ("web/doorkeeper.py", "claim"): 1,  # the same
        ("web/v1/change.py", "claim"): 2,  # both
        ("cli/insight/why.py", "command"): 1,  # a column's title
        ("web/pages/timeline.py", "command"): 1,  # the same
    }
)
"""Where a word that is a kind of call means something else, and how often."""


def test_the_outbox_gets_rows_in_two_places() -> None:
    """`Call.intend` is the one way, but for a request, whose row and pairs are made together."""
    found = {
        str(path.relative_to(BRIDGE))
        for path in BRIDGE.rglob("*.py")
        if "outbox.add(" in path.read_text()
    }
    assert found == {"engine/calls/__init__.py", "store/licences/requests.py"}


def test_no_kind_is_written_twice() -> None:
    """The simulator and the demonstration are another program: they speak of what they saw."""
    written = Counter(
        (str(path.relative_to(BRIDGE)), node.value)
        for path in BRIDGE.rglob("*.py")
        if path.relative_to(BRIDGE).parts[0] not in ("simulator", "demo")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in registry.classes()
    )
    by_kind = Counter[str]()
    for (_, kind), times in (written - NOT_KINDS).items():
        by_kind[kind] += times
    assert by_kind == dict.fromkeys(registry.classes(), 1)
