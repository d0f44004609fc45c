"""What every kind of call is run through; each check gets a stage of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.domain.audit import BY_ITSELF
from bridge.domain.pauses import SCOPES, Scope
from bridge.engine.calls.again import call_again
from bridge.engine.decide import pausing
from bridge.engine.upkeep import restoring
from bridge.errors import CallError, OutcomeUnknown, UnreadableReply
from bridge.store import pauses as stored
from bridge.store.outbox import outbox
from tests.unit.engine.calls.stage import Killed, Stage
from tests.unit.engine_kit import NOT_SENT, UNKNOWN, refused_by_apple, refused_by_mdm

DAY = 86400.0
UNREADABLE = UnreadableReply("not JSON", service="apple", call="POST /x")

Check = Callable[[Stage], None]


def goes_well(stage: Stage) -> None:
    stage.turn()
    assert (stage.state, stage.acted) == ("done", 1)


def killed_in_begin(stage: Stage) -> None:
    """The claim was not committed, so that nothing has happened."""
    stage.turn_with("begin", Killed())
    assert (stage.state, stage.stand.made) == ("ready", [])
    stage.restart()
    stage.turn()
    assert (stage.state, stage.acted) == ("done", 1)


def killed_in_perform(stage: Stage) -> None:
    stage.stand.end = Killed()
    stage.turn()
    assert (stage.state, stage.acted) == ("claimed", 1)
    stage.restart()
    _nobody_knows(stage)


def killed_before_settle(stage: Stage) -> None:
    stage.turn_with("settle", Killed())
    assert (stage.state, stage.acted) == ("claimed", 1)
    stage.restart()
    _nobody_knows(stage)


def answer_not_kept(stage: Stage) -> None:
    """A mistake of ours while the answer is being kept, in a process that goes on."""
    stage.turn_with("settle", ZeroDivisionError())
    assert stage.acted == 1
    stage.clock.now += DAY
    _nobody_knows(stage)


def _nobody_knows(stage: Stage) -> None:
    """What does no harm twice is made again, what might do some is not."""
    if stage.call.repeatable:
        assert stage.doubts() == {False}
        stage.turn()
        assert stage.state == "done"
    else:
        assert stage.doubts() == {True}, stage.error
        stage.turn(later=DAY)
        assert stage.state == "failed"
    _done_once(stage)


def _done_once(stage: Stage) -> None:
    if stage.call.effect == "write":
        assert stage.acted == 1, "what changes something outside is done once"


def paused_before(scope: Scope) -> Check:
    def check(stage: Stage) -> None:
        """The row stood ready when a person paused."""
        with stage.context() as context:
            assert pausing.pause(context, stage.paused(scope))
        _kept_back(stage, scope)

    return check


def paused_at_the_gate(scope: Scope) -> Check:
    def check(stage: Stage) -> None:
        """The row comes to the gate, where calls are claimed, while there is a pause."""
        with stage.context() as context:
            assert stored.begin(context.db, stage.paused(scope))
        _kept_back(stage, scope)

    return check


def _kept_back(stage: Stage, scope: Scope) -> None:
    held, taken_back = scope in set(stage.scenario.held_by), stage.scenario.taken_back
    stage.turn()
    if not held:
        assert (stage.state, stage.acted) == ("done", 1)
        return
    assert stage.stand.made == [], "nothing leaves"
    assert stage.state == ("held" if taken_back is None else "failed")
    stage.restart()
    stage.turn()
    assert stage.stand.made == [], "a start ends no pause"
    assert stage.doubts() == {False}
    with stage.context() as context:
        assert pausing.resume(context, *_named(stage, scope))
    if taken_back is None:
        stage.turn()
        assert (stage.state, stage.acted) == ("done", 1)
    else:
        assert stage.shows(taken_back)


def _named(stage: Stage, scope: Scope) -> tuple[Scope, str]:
    pause = stage.paused(scope)
    return pause.scope, pause.name


def held_while_all_is_paused(stage: Stage) -> None:
    """A scenario cannot say that a push or a write goes on while everything is paused."""
    if stage.call.effect in ("push", "write"):
        assert "all" in set(stage.scenario.held_by)


def scope_removed(stage: Stage) -> None:
    """Its location or server is gone from the configuration before it left."""
    stage.restart(configured=False)
    assert (stage.state, stage.error) == ("failed", "no longer configured")
    assert stage.shows(stage.scenario.let_go)
    with stage.context() as context:
        nowhere: Mapping[str, tuple[str, ...]] = {"apple": (), "mdm": (), "alerts": ()}
        again = call_again(context.db, stage.row_id, nowhere, context.now)
    assert again is not None
    assert again.why_not is not None
    stage.turn(later=DAY)
    assert (stage.state, stage.stand.made) == ("failed", [])


def scope_removed_under_way(stage: Stage) -> None:
    """It may have been made when the process died, and then its location or server is gone."""
    stage.stand.end = Killed()
    stage.turn()
    stage.restart(configured=False)
    assert stage.state == "failed"
    assert stage.doubts() == {not stage.call.repeatable}
    stage.turn(later=DAY)
    assert stage.acted == 1


def repeated_by_hand(stage: Stage) -> None:
    """`vpp-bridge outbox retry` after it failed."""
    with stage.context() as context:
        outbox.failed(context.db, stage.row_id, context.now, "the test says so")
    told = stage.shell("outbox", "retry", str(stage.row_id))
    not_again = stage.scenario.not_again
    assert stage.call.repeatable is (not_again is None)
    if not_again is None:
        assert (told.exit_code, told.stderr) == (0, "")
        stage.turn()
        assert (stage.state, stage.acted) == ("done", 1)
    else:
        sentence = f"call {stage.row_id} is not made again: {not_again}"
        assert (told.exit_code, told.stderr[: len(sentence)]) == (1, sentence)
        stage.turn(later=DAY)
        assert (stage.state, stage.stand.made) == ("failed", [])


def fails(error: CallError) -> Check:
    def check(stage: Stage) -> None:
        stage.stand.end = error
        stage.turn()
        assert stage.acted == 1
        doubtful = isinstance(error, OutcomeUnknown) and not stage.call.repeatable
        assert stage.doubts() == {doubtful}, stage.error
        assert stage.state == "failed" if doubtful else stage.state in ("ready", "failed", "done")
        before = stage.state
        stage.turn(later=DAY)
        assert stage.state == ("done" if before == "ready" else before)
        if isinstance(error, OutcomeUnknown):
            _done_once(stage)

    return check


def refused(stage: Stage) -> None:
    apple = refused_by_apple(9999, status=400)
    fails(apple if stage.call.service == "apple" else refused_by_mdm(500))(stage)


def restored(stage: Stage) -> None:
    """The database is a copy from the past: nobody knows what was done since."""
    with stage.context() as context:
        restoring.make_present(context, stage.calls(), BY_ITSELF)
    stage.restart()
    stage.turn()
    if stage.call.repeatable:
        held = stage.scenario.held_when_restored or "all" in set(stage.scenario.held_by)
        assert stage.state == ("held" if held else "done")
    else:
        assert (stage.state, stage.stand.made) == ("failed", [])


CHECKS: Mapping[str, Check] = {
    "it goes well": goes_well,
    "killed in begin": killed_in_begin,
    "killed in perform": killed_in_perform,
    "killed before settle": killed_before_settle,
    "its answer cannot be kept": answer_not_kept,
    "held while all is paused": held_while_all_is_paused,
    **{f"paused before: {scope}": paused_before(scope) for scope in SCOPES},
    **{f"paused at the gate: {scope}": paused_at_the_gate(scope) for scope in SCOPES},
    "its scope is removed": scope_removed,
    "its scope is removed under way": scope_removed_under_way,
    "repeated by hand": repeated_by_hand,
    "not sent": fails(NOT_SENT),
    "outcome unknown": fails(UNKNOWN),
    "an answer that cannot be read": fails(UNREADABLE),
    "refused": refused,
    "restored from a copy": restored,
}
