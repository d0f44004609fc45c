"""What a confirmation costs: as much as it confirms, however large its request is."""

import pytest

from bridge.engine.licences import settle
from bridge.store.database import Connection
from bridge.store.licences import assignments, request_pairs, requests
from tests.unit.engine_kit import context
from tests.unit.store_kit import KEYNOTE, NOW, PAGES, make_install, make_request, pair


def steps_to_confirm(db: Connection, first: int, of: int) -> int:
    """SQLite's steps for ten pairs of a request of so many."""
    serials = [f"S{number:05}" for number in range(first, first + of)]
    for serial in serials[:10]:
        make_install(db, serial)
    request = requests.get(db, make_request(db, *map(pair, serials)))
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    db.set_progress_handler(count, 1)
    confirmed = settle.confirmed(
        context(db), request, list(map(pair, serials[:10])), told_by="notification"
    )
    db.set_progress_handler(None, 1)
    assert len(confirmed) == 10
    return taken


def test_a_confirmation_costs_what_it_confirms(db: Connection) -> None:
    small = steps_to_confirm(db, 0, 20)
    assert steps_to_confirm(db, 1000, 1000) <= 1.1 * small


@pytest.mark.parametrize("again", [True, False])
def test_of_a_repetition_only_what_is_new_is_settled(db: Connection, again: bool) -> None:
    a, b = pair("A"), pair("B")
    request = requests.get(db, make_request(db, a, b))
    assert settle.confirmed(context(db), request, [a], told_by="notification") == [a]
    assignments.withdraw(db, "hq", [a])
    told = [a, b, b] if again else [a, b]
    assert settle.confirmed(context(db, NOW + 5), request, told, told_by="status") == [b]
    assert assignments.owned(db, "hq", [("A", a.asset.adam_id), ("B", a.asset.adam_id)]).keys() == {
        b
    }
    found = request_pairs.newest(db, "hq", [("A", a.asset.adam_id)])
    assert found["ASSOCIATE", a].settled_at == NOW, "what was settled stays as it was"


@pytest.mark.sqlite_alone("its statements are counted")
def test_a_hundred_are_confirmed_by_a_few_statements(db: Connection) -> None:
    """One for each table that a licence stands in, not one for each licence."""

    def statements(first: int, number: int) -> int:
        pairs = [pair(f"S{first + each:04}") for each in range(number)]
        for each in pairs:
            make_install(db, each.holder)
        request = requests.get(db, make_request(db, *pairs))
        db.execute("UPDATE installs SET dirty_at = NULL")
        asked: list[str] = []
        db.set_trace_callback(asked.append)
        settle.confirmed(context(db), request, pairs, told_by="notification")
        db.set_trace_callback(None)
        touched = db.execute("SELECT count(*) FROM installs WHERE dirty_at IS NOT NULL").fetchone()
        assert touched[0] == number
        return len(asked)

    assert statements(0, 100) <= statements(1000, 1) + 6 <= 20


def test_what_is_confirmed_is_counted_once_whoever_tells_it_and_how_often(db: Connection) -> None:
    a, b, c = pair("A"), pair("B"), pair("C", KEYNOTE)
    request = requests.get(db, make_request(db, a, b))
    assignments.confirm(db, "hq", [b, c, c], told_by="read", now=NOW)
    settle.confirmed(context(db), request, [a, b], told_by="notification")
    settle.confirmed(context(db, NOW + 5), request, [a, b], told_by="status")
    held = db.execute("SELECT adam_id, held, ours FROM licences_held ORDER BY adam_id").fetchall()
    assert [tuple(row) for row in held] == [(KEYNOTE.adam_id, 1, 0), (PAGES.adam_id, 2, 2)]
    found = db.execute("SELECT count FROM measured WHERE name = 'confirmations'").fetchall()
    assert [row[0] for row in found] == [2]
