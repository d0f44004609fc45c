"""What is told of a database on a server to who examines it."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo

from bridge.errors import StoreRefused
from bridge.store.database import Noticed
from bridge.store.postgresql import fit
from bridge.store.postgresql import noticed as told
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql


@pytest.fixture
def where(postgresql_where: str) -> Iterator[str]:
    with postgresql.database(conninfo.make_conninfo(postgresql_where, dbname="postgres")) as made:
        yield made


def found(where: str, clock: float | None = None) -> list[Noticed]:
    database = PostgresqlDatabase(where)
    database.open()
    try:
        with database.long_read() as db:
            return list(told.noticed(db, lambda: time.time() if clock is None else clock))
    finally:
        database.close()


def texts(notices: list[Noticed]) -> str:
    return "\n".join(f"{each.level}: {each.text}; {each.mend}" for each in notices)


def test_the_server_and_its_settings_are_told(where: str) -> None:
    all_of_it = found(where)
    assert all_of_it[0].level == "ok"
    assert all_of_it[0].text.startswith("PostgreSQL ")
    assert ", UTF8, " in all_of_it[0].text and all_of_it[0].text.endswith(", as bridge")
    said = texts(all_of_it)
    assert "warn: bridge may do anything on the server; give the bridge a role of its own" in said
    assert "clock" not in said and "temporary" not in said and "TLS" not in said


def test_what_a_power_cut_would_cost_is_told(where: str) -> None:
    with psycopg.connect(where, autocommit=True) as db:
        name = postgresql.name_of(where)
        db.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert "warn: a commit does not wait for the disk (synchronous_commit is off)" in texts(
        found(where)
    )


def test_a_clock_that_is_off_is_told(where: str) -> None:
    said = texts(found(where, time.time() - 3600))
    assert " s ahead of ours; see that the time of both machines is kept (NTP)" in said


def test_rights_that_lack_are_told(where: str) -> None:
    with psycopg.connect(where, autocommit=True) as db:
        name = postgresql.name_of(where)
        db.execute("DROP ROLE IF EXISTS plain_user")
        db.execute("CREATE ROLE plain_user LOGIN")
        db.execute(f"ALTER DATABASE {name} OWNER TO plain_user")
    found(conninfo.make_conninfo(where, user="plain_user"))  # makes its tables
    with psycopg.connect(where, autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} OWNER TO bridge")
        db.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    said = texts(found(conninfo.make_conninfo(where, user="plain_user")))
    assert "may do anything" not in said
    assert "warn: plain_user may make no temporary tables" in said
    assert "warn: plain_user may make no tables" in said
    with psycopg.connect(where, autocommit=True) as db:
        db.execute("DROP OWNED BY plain_user")
        db.execute("DROP ROLE plain_user")


def test_a_server_that_is_too_old_is_refused(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "OLDEST", 99)
    database = PostgresqlDatabase(where)
    with pytest.raises(StoreRefused, match=r"PostgreSQL \d+, and the bridge needs 99 or newer"):
        database.open()
    with pytest.raises(StoreRefused, match="the bridge needs 99 or newer"), database.read():
        pass
    database.close()
