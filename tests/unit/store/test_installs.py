"""Installs: what a wish changes, what a decision leaves, and who is to be looked at again."""

from typing import Any

import pytest

from bridge.domain.decision import Decision, TakeSeat
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset, Install
from bridge.store import agenda
from bridge.store.database import Connection
from bridge.store.desired import fleet
from bridge.store.installs import installs, seats
from tests.unit.store_kit import KEYNOTE, NOW, PAGES, make_install, value, wish


def one(db: Connection, serial: str = "S1") -> Install:
    found = installs.get(db, serial, PAGES.adam_id)
    assert found is not None
    return found


def row(db: Connection, install_id: int) -> dict[str, Any]:
    found = db.execute("SELECT * FROM installs WHERE id = ?", (install_id,)).fetchone()
    return {key: found[key] for key in found.keys()}  # noqa: SIM118 - a Row iterates over values


def decide(db: Connection, install_id: int, decision: Decision, now: float) -> dict[str, Any]:
    install = installs.by_id(db, install_id)
    assert install is not None
    installs.record(db, [(install, decision)], now)
    return row(db, install_id)


def dirty(db: Connection) -> list[str]:
    return [install.target for install in installs.dirty(db, 99)]


def clean(db: Connection) -> None:
    db.execute("UPDATE installs SET dirty_at = NULL")


def test_a_wish_becomes_an_install_that_is_to_be_decided(db: Connection) -> None:
    assert installs.store(db, [wish(), wish("S2", KEYNOTE)], NOW) == 2
    install = one(db)
    assert (install.state, install.reason, install.desired) == ("waiting", "NEW", True)
    assert (install.created_at, install.since, install.updated_at) == (NOW, NOW, NOW)
    assert (install.desired_by, install.location, install.attempts) == ("file", "hq", 0)
    assert dirty(db) == ["S1", "S2"]


def test_the_same_wish_again_touches_nothing(db: Connection) -> None:
    install_id = make_install(db)
    before = decide(db, install_id, Decision("failed", "DEVICE_REFUSED"), NOW + 1)
    assert installs.store(db, [wish()], NOW + 9) == 0
    assert row(db, install_id) == before


@pytest.mark.parametrize(
    "change",
    [
        {"asset": Asset(PAGES.adam_id, "PLUS")},
        {"location": "branch"},
        {"options": Options(take_over=True)},
        {"priority": 1},
    ],
)
def test_a_wish_that_changes_is_decided_anew(db: Connection, change: dict[str, Any]) -> None:
    install_id = make_install(db)
    decide(db, install_id, Decision("failed", "DEVICE_REFUSED"), NOW + 1)
    assert installs.store(db, [wish(**change)], NOW + 9) == 1
    after = row(db, install_id)
    assert (after["dirty_at"], after["updated_at"], after["round_at"]) == (NOW + 9,) * 3
    assert after["created_at"] == NOW
    assert installs.store(db, [wish(**change)], NOW + 10) == 0


def test_who_wishes_for_it_alone_makes_no_difference(db: Connection) -> None:
    install_id = make_install(db)
    before = decide(db, install_id, Decision("failed", "DEVICE_REFUSED"), NOW + 1)
    assert installs.store(db, [wish(desired_by="one-off")], NOW + 9) == 1
    changed = {"desired_by": "one-off", "updated_at": NOW + 9}
    assert row(db, install_id) == before | changed
    installs.desired_by(db, [("S1", PAGES.adam_id), ("S2", PAGES.adam_id)], "file")
    assert row(db, install_id) == before | {"updated_at": NOW + 9}


def test_what_is_wanted_again_starts_anew(db: Connection) -> None:
    install_id = make_install(db)
    installs.no_longer_wanted(db, [("S1", PAGES.adam_id), ("S9", "1")], NOW + 1)
    assert (one(db).desired, row(db, install_id)["dirty_at"]) == (False, NOW + 1)
    assert fleet.desired(db) == []
    assert installs.store(db, [wish()], NOW + 2) == 1
    (cohort,) = fleet.desired(db)
    assert (cohort.asset, cohort.serials) == (PAGES, {"S1"})
    after = row(db, install_id)
    assert (after["round_at"], after["created_at"]) == (NOW + 2, NOW + 2), "at the end of the line"


def test_who_is_not_wanted_needs_no_seat(db: Connection) -> None:
    install_id = make_install(db)
    decide(db, install_id, Decision("waiting", "SEAT_PENDING", steps=(TakeSeat(),)), NOW)
    installs.no_longer_wanted(db, [("S1", PAGES.adam_id)], NOW + 1)
    assert seats.in_demand(db) == []
    before = row(db, install_id)
    installs.no_longer_wanted(db, [("S1", PAGES.adam_id)], NOW + 9)
    assert row(db, install_id) == before, "that was so already"


def test_a_decision_is_kept_and_the_install_is_clean(db: Connection) -> None:
    install_id = make_install(db)
    decision = Decision("sent", "NOT_NOW", "why", recheck_at=NOW + 60)
    after = decide(db, install_id, decision, NOW + 1)
    assert (after["state"], after["reason"], after["detail"]) == ("sent", "NOT_NOW", "why")
    assert (after["next_check_at"], after["needs_seat"], after["dirty_at"]) == (NOW + 60, 0, None)
    assert (after["since"], after["updated_at"]) == (NOW + 1, NOW + 1)


@pytest.mark.parametrize(
    ("second", "since", "updated_at"),
    [
        (Decision("sent", "COMMAND_SENT", "a", recheck_at=NOW + 99), 1, 1),
        (Decision("sent", "COMMAND_SENT", "b"), 1, 2),
        (Decision("sent", "NOT_NOW", "a"), 2, 2),
        (Decision("sending", "COMMAND_SENT", "a"), 2, 2),
    ],
)
def test_times_change_only_with_what_is_told(
    db: Connection, second: Decision, since: int, updated_at: int
) -> None:
    install_id = make_install(db)
    decide(db, install_id, Decision("sent", "COMMAND_SENT", "a"), NOW + 1)
    after = decide(db, install_id, second, NOW + 2)
    assert (after["since"] - NOW, after["updated_at"] - NOW) == (since, updated_at)
    assert after["next_check_at"] == second.recheck_at


def test_since_when_it_is_installed(db: Connection) -> None:
    install_id = make_install(db)
    managed = Decision("installed", "INSTALLED")
    assert decide(db, install_id, managed, NOW + 1)["installed_at"] == NOW + 1
    assert decide(db, install_id, managed, NOW + 2)["installed_at"] == NOW + 1
    gone = Decision("sending", "COMMAND_READY")
    assert decide(db, install_id, gone, NOW + 3)["installed_at"] is None
    assert decide(db, install_id, managed, NOW + 4)["installed_at"] == NOW + 4


def test_the_oldest_touch_is_decided_first(db: Connection) -> None:
    for serial, at in [("S1", 5), ("S2", 3), ("S3", 3), ("S4", 4)]:
        make_install(db, serial, now=NOW + at)
    assert dirty(db) == ["S2", "S3", "S4", "S1"]
    assert [i.target for i in installs.dirty(db, 2)] == ["S2", "S3"]
    installs.touch_serials(db, ["S2"], NOW + 9)
    assert dirty(db)[0] == "S2", "touched again it does not lose its place"


def test_who_is_touched(db: Connection) -> None:
    ids = {
        "a": make_install(db, "A"),
        "b": make_install(db, "B", KEYNOTE),
        "c": make_install(db, "C", location="branch"),
    }
    clean(db)

    def touched_by(deed: Any, *arguments: Any) -> str:
        deed(db, *arguments, NOW)
        found = "".join(dirty(db))
        clean(db)
        return found

    assert touched_by(installs.touch_ids, [ids["a"], ids["c"]]) == "AC"
    assert touched_by(installs.touch_serials, ["B", "Z"]) == "B"
    assert touched_by(installs.touch_pairs, [("A", PAGES.adam_id), ("B", PAGES.adam_id)]) == "A"
    assert touched_by(installs.touch_location, "branch") == "C"
    assert touched_by(installs.touch_app, PAGES.adam_id) == "AC"
    assert touched_by(installs.touch_waiting, "branch") == "C"
    assert installs.touch_waiting(db, "hq", NOW, KEYNOTE.adam_id) == 1
    assert installs.touch_unsettled(db, NOW, "hq") == 1, "the other is dirty already"
    assert installs.touch_unsettled(db, NOW) == 1, "two are dirty already"
    assert installs.touch_unsettled(db, NOW) == 0, "all are dirty already"


def test_what_is_settled_or_not_waiting_is_left_alone(db: Connection) -> None:
    for serial, state in (("A", "installed"), ("B", "sent")):
        decide(db, make_install(db, serial), Decision(state, "X"), NOW)
    assert installs.touch_waiting(db, "hq", NOW) == 0
    assert installs.touch_unsettled(db, NOW) == 1
    assert dirty(db) == ["B"]


def test_the_clock_touches_what_is_due(db: Connection) -> None:
    for number in range(4):
        install_id = make_install(db, f"S{number}")
        decide(db, install_id, Decision("sent", "X", recheck_at=NOW + number), NOW)
    idle = make_install(db, "idle")
    decide(db, idle, Decision("removed", "KEPT"), NOW)
    assert agenda.look(db, NOW).decide_at == NOW
    assert installs.touch_due(db, NOW + 2, 2) == 2
    assert dirty(db) == ["S0", "S1"], "the first that are due"
    assert agenda.look(db, NOW).decide_at == NOW + 2
    clean(db)
    db.execute("UPDATE installs SET next_check_at = NULL WHERE target IN ('S0', 'S1')")
    assert installs.touch_due(db, NOW + 2, 9) == 1


def test_an_install_that_cannot_be_decided_is_put_off(db: Connection) -> None:
    install_id = make_install(db)
    installs.postpone(db, install_id, NOW + 600)
    assert dirty(db) == []
    assert agenda.look(db, NOW).decide_at == NOW + 600


def test_what_a_location_has_to_do(db: Connection) -> None:
    make_install(db)
    assert installs.any_desired(db, "hq") and installs.any_dirty(db, "hq")
    assert not installs.any_desired(db, "branch") and not installs.any_dirty(db, "branch")
    clean(db)
    assert installs.any_desired(db, "hq") and not installs.any_dirty(db, "hq")
    installs.no_longer_wanted(db, [("S1", PAGES.adam_id)], NOW)
    assert not installs.any_desired(db, "hq") and installs.any_dirty(db, "hq")


def test_who_waits_for_a_seat(db: Connection) -> None:
    take = Decision("waiting", "SEAT_PENDING", steps=(TakeSeat(),))
    ids = [make_install(db, f"S{n}", now=NOW + n, priority=n) for n in range(3)]
    other = make_install(db, "S9", KEYNOTE)
    for install_id in [*ids[:2], other]:
        decide(db, install_id, take, NOW)
    assert sorted(seats.in_demand(db)) == [("hq", KEYNOTE), ("hq", PAGES)]
    waiting = seats.demands(db, "hq", PAGES)
    assert sorted((d.install_id, d.priority, d.since) for d in waiting) == [
        (ids[0], 0, NOW),
        (ids[1], 1, NOW + 1),
    ]
    assert seats.demands(db, "branch", PAGES) == []
    assert seats.allocated(db, [ids[1]], NOW + 5) == ["S1"]
    assert [d.install_id for d in seats.demands(db, "hq", PAGES)] == [ids[0]]
    assert dirty(db) == ["S2", "S1"]


def test_attempts_are_counted(db: Connection) -> None:
    install_id, other = make_install(db), make_install(db, "S2")
    installs.attempted(db, [install_id])
    installs.attempted(db, [install_id, other])
    assert (one(db).attempts, one(db, "S2").attempts) == (2, 1)


def test_states_of_what_is_wanted_are_counted(db: Connection) -> None:
    for serial in "ABC":
        make_install(db, serial)
    decide(db, make_install(db, "D", KEYNOTE), Decision("failed", "X"), NOW)
    installs.no_longer_wanted(db, [("C", PAGES.adam_id)], NOW)
    assert installs.by_state(db) == [
        (KEYNOTE.adam_id, "failed", 1),
        (PAGES.adam_id, "waiting", 2),
    ]
    assert installs.get(db, "A", KEYNOTE.adam_id) is None
    assert installs.by_id(db, 99) is None
    assert value(db, "SELECT count(*) FROM installs") == 4
