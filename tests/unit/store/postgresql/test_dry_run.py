"""What a step changes is told, also while somebody reads, and is gone when the step is undone."""

from contextlib import suppress

import psycopg

from bridge.store.dry_run import watching
from bridge.store.postgresql.database import PostgresqlDatabase
from tests.unit.store_kit import make_device


def test_what_a_step_changes_is_told(postgresql_database: PostgresqlDatabase) -> None:
    with postgresql_database.read() as before:
        before.execute("SELECT count(*) FROM devices").fetchone()  # it holds what it has read
        with suppress(psycopg.Rollback), postgresql_database.write() as db:
            with watching(db) as watch:
                device = make_device(db)  # type: ignore[arg-type]
                changes = watch.changes(before)  # type: ignore[arg-type]
                touched = watch.touched("devices")
            make_device(db, "S2")  # type: ignore[arg-type]  # of which nobody asks
            raise psycopg.Rollback
    assert touched == [device.id]
    (change,) = [each for each in changes if each.table == "devices"]
    assert (change.row, change.columns["serial_number"]) == ("S1 UDID-S1", (None, "S1"))
