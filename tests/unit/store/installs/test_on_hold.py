"""Wishes that nothing is done for: what is forgotten, given up, and let go."""

import pytest

from bridge.domain.installs.options import Options
from bridge.store.database import Connection
from bridge.store.installs import installs, on_hold
from bridge.store.licences import request_pairs
from tests.unit.store_kit import NOW, PAGES, make_install, pair, value

PAIRS = [("S1", PAGES.adam_id)]


def become(db: Connection, install_id: int, column: str, to: object) -> None:
    db.execute(f"UPDATE installs SET {column} = ? WHERE id = ?", (to, install_id))


def test_what_a_rule_wished_for_in_vain_is_forgotten(db: Connection) -> None:
    make_install(db, "S1")
    make_install(db, "S2")
    on_hold.forget(db, PAIRS)
    assert installs.get(db, "S1", PAGES.adam_id) is None
    assert installs.get(db, "S2", PAGES.adam_id) is not None


@pytest.mark.parametrize(
    ("column", "to"),
    [("state", "installed"), ("attempts", 1), ("desired", 0), ("desired_by", "file and one-off")],
)
def test_what_was_begun_or_is_somebody_elses_wish_is_not_forgotten(
    db: Connection, column: str, to: object
) -> None:
    become(db, make_install(db, "S1"), column, to)
    on_hold.forget(db, PAIRS)
    assert installs.get(db, "S1", PAGES.adam_id) is not None


def test_a_wish_for_which_apple_was_asked_is_not_forgotten(db: Connection) -> None:
    make_install(db, "S1")
    request_pairs.want(db, "hq", "ASSOCIATE", [pair("S1")], NOW)
    on_hold.forget(db, PAIRS)
    assert installs.get(db, "S1", PAGES.adam_id) is not None


@pytest.mark.parametrize("state", ["waiting", "associating", "licensed"])
def test_what_was_not_sent_yet_is_given_up_with_its_licence(db: Connection, state: str) -> None:
    become(db, make_install(db, "S1"), "state", state)
    on_hold.cancel(db, PAIRS, NOW + 1)
    found = installs.get(db, "S1", PAGES.adam_id)
    assert found is not None and not found.desired
    assert Options.from_text(found.options).on_unwanted == "release"
    assert value(db, "SELECT dirty_at FROM installs") == NOW + 1


def test_remove_stays_remove(db: Connection) -> None:
    make_install(db, "S1", options=Options(on_unwanted="remove"))
    on_hold.cancel(db, PAIRS, NOW + 1)
    options = Options.from_text(value(db, "SELECT options FROM installs"))
    assert options.on_unwanted == "remove"


@pytest.mark.parametrize(
    ("column", "to"),
    [("state", "installed"), ("state", "sent"), ("attempts", 1), ("desired_by", "one-off")],
)
def test_what_was_sent_or_is_somebody_elses_wish_is_not_given_up(
    db: Connection, column: str, to: object
) -> None:
    become(db, make_install(db, "S1"), column, to)
    on_hold.cancel(db, PAIRS, NOW + 1)
    found = installs.get(db, "S1", PAGES.adam_id)
    assert found is not None and found.desired


def test_what_is_let_go_is_decided_anew(db: Connection) -> None:
    make_install(db, "S1", on_hold="NOT_PLANNED")
    make_install(db, "S2")
    db.execute("UPDATE installs SET dirty_at = NULL")
    assert on_hold.of_device(db, "S1") == {PAGES.adam_id: "NOT_PLANNED"}
    on_hold.let_go(db, [*PAIRS, ("S2", PAGES.adam_id)], NOW + 1)
    assert on_hold.of_device(db, "S1") == {PAGES.adam_id: None}
    assert [each.target for each in installs.dirty(db, 9)] == ["S1"], "S2 was not held"
