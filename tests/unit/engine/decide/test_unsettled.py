"""What is on its way is decided anew after a start, a part of it in each transaction."""

import pytest

from bridge.engine.decide import unsettled
from bridge.store.database import Database
from bridge.store.installs import installs
from tests.unit.store_kit import NOW, make_install


def test_what_is_not_settled_is_decided(database: Database) -> None:
    states = [("A", "waiting"), ("B", "installed"), ("C", "removed"), ("D", "failed")]
    with database.write() as db:
        for serial, state in states:
            make_install(db, serial)
            known = (state, serial)
            db.execute("UPDATE installs SET state = ?, dirty_at = NULL WHERE target = ?", known)
    unsettled.touch_all(database, NOW)
    with database.read() as db:
        assert [install.target for install in installs.dirty(db, 9)] == ["A", "D"]


def test_no_transaction_marks_more_than_a_few(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsettled, "AT_ONCE", 3)
    with database.write() as db:
        for number in range(10):
            make_install(db, f"S{number}")
        db.execute("UPDATE installs SET dirty_at = NULL")
    sizes = list[int]()
    touch = installs.touch_ids

    def counted(db: object, ids: list[int], now: float) -> None:
        sizes.append(len(ids))
        touch(db, ids, now)  # type: ignore[arg-type]

    monkeypatch.setattr(installs, "touch_ids", counted)
    unsettled.touch_all(database, NOW)
    assert sizes == [3, 3, 3, 1]
    with database.read() as db:
        assert len(installs.dirty(db, 99)) == 10
