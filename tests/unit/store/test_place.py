"""Where a database file may lie, and what is said where it may not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from bridge.errors import StoreError, StoreFull
from bridge.store.file import place
from bridge.store.file.database import FileDatabase
from bridge.store.file.failing import store_error


def test_where_it_may_be_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    assert place.misplaced(path) is None
    path.touch()
    assert place.misplaced(path) is None


def test_what_keeps_it_from_being_there_is_said_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, text, mend in (
        ("no/bridge.db", f"folder {tmp_path / 'no'} does not exist", f"mkdir -p {tmp_path / 'no'}"),
        ("file/bridge.db", "is no folder", "let database name another place"),
        (".", "it is a folder", "/bridge.db"),
    ):
        wrong = place.misplaced(tmp_path / name)
        assert wrong is not None and text in wrong.text and mend in wrong.mend


def test_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(place.os, "statvfs", lambda _: Found)
    wrong = place.misplaced(tmp_path / "bridge.db")
    assert wrong is not None and "is read-only" in wrong.text and "volume" in wrong.mend


def test_who_opens_it_is_told_the_same(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened: No such file or directory$") as caught:
        FileDatabase(tmp_path / "no" / "bridge.db").open()
    assert f"its folder {tmp_path / 'no'} does not exist: make it" in caught.value.mend


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_that_a_command_run_as_another_user_left_are_named(tmp_path: Path) -> None:
    database = FileDatabase(tmp_path / "bridge.db")
    database.open()
    assert not list(place.owners(database.path))
    shutil.chown(tmp_path / "bridge.db.lock", 12345)
    (found,) = place.owners(database.path)
    assert found.level == "warn" and "bridge.db.lock belongs to 12345" in found.text
    assert found.mend.startswith("chown root ")
    database.close()


def test_a_disk_that_was_made_read_only_beneath_the_bridge_is_not_told_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux does so where a disk fails; a write meets an I/O error then, as on a full one."""
    path = tmp_path / "bridge.db"
    path.touch()
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    full = store_error(error, path)
    assert isinstance(full, StoreFull) and full.mend.startswith("make room on its disk")
    flags = os.statvfs(tmp_path)
    read_only = os.statvfs_result((*flags[:8], os.ST_RDONLY, flags[9]))
    monkeypatch.setattr(os, "statvfs", lambda _path: read_only)
    failure = store_error(error, path)
    assert isinstance(failure, StoreFull) and failure.may_retry
    assert "is read-only: put the database on one that can be written" in failure.mend
    assert failure.mend.endswith("the bridge goes on by itself")
