"""A database of its own for each test that wants one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store.database import Connection, Database
from bridge.store.file.database import FileDatabase
from tests.unit.engine_kit import Answer


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them."""
    made = FileDatabase(tmp_path_factory.mktemp("empty") / "bridge.db")
    made.open()
    made.close()
    return made.path


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    """An open, empty database."""
    shutil.copy(empty_database, tmp_path / "bridge.db")
    made = FileDatabase(tmp_path / "bridge.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
def db(database: Database) -> Iterator[Connection]:
    """One write transaction on it, for as long as the test lasts."""
    with database.write() as connection:
        yield connection


@pytest.fixture
def answer(database: Database, tmp_path: Path) -> Answer:
    """Makes calls on that database, and lets them end as the test says."""
    return Answer(database, tmp_path)
