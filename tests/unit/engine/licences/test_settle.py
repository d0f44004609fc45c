"""What a confirmation costs: as much as it confirms, however large its request is."""

import pytest

from bridge.engine.licences import settle
from bridge.store.database import Connection
from bridge.store.licences import assignments, request_pairs, requests
from tests.unit.engine_kit import context
from tests.unit.store_kit import NOW, make_install, make_request, pair


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
