"""Every command on a database file that is damaged: one sentence, an exit code, no traceback.

`doctor` prints all its findings whatever the file is, in both forms.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.store.file.engine_lock import EngineLock
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene

PAGE = 4096
MEND = "stop the bridge and put a backup in its place with vpp-bridge restore"
NO_DATABASE, MALFORMED = "file is not a database", "database disk image is malformed"


class Damaged:
    """A command line whose database is a damaged copy of one that was in use."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        scene = shell.scene
        self.path = scene.tmp_path / "damaged.db"
        self.copy = scene.tmp_path / "copy.db"
        with closing(sqlite3.connect(scene.config.database)) as db:
            db.execute("VACUUM INTO ?", (str(self.path),))
        with closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
        self.whole = self.path.read_bytes()
        shell.write(shell.config.read_text().replace("bridge.db", "damaged.db"))
        serial, app = scene.serials[0], scene.adam_ids[0]
        self.looks = (
            *(
                ("status",),
                ("status", "--json"),
                ("why", serial, app),
                ("why", serial, app, "--json"),
            ),
            *(("devices",), ("assets",), ("events",), ("outbox",), ("devices", "--json")),
            *(("pause", "--all"), ("resume", "--all"), ("plan",)),
        )

    def put(self, content: bytes) -> None:
        """Let the file be this, with nothing beside it."""
        for path in (self.path, *self.shell.scene.tmp_path.glob("damaged.db-*"), self.copy):
            path.unlink(missing_ok=True)
        self.path.write_bytes(content)

    def without_pages(self, first: int, last: int | None = None) -> bytes:
        """The file with these pages (from 0) zeroed."""
        end = len(self.whole) if last is None else (last + 1) * PAGE
        return self.whole[: first * PAGE] + bytes(end - first * PAGE) + self.whole[end:]

    def findings(self) -> list[dict[str, str]]:
        """What doctor finds; it prints the same in both forms, up to its last check."""
        answer = self.shell.json("doctor", code=1)
        found: list[dict[str, str]] = answer["findings"]
        assert answer["ok"] is False and "-command-webhook-url" in found[-1]["text"]
        result = self.shell.run("doctor")
        assert (result.exit_code, result.stderr) == (1, "")
        assert result.stdout.splitlines()[-1].endswith("fail")
        return found

    def says(self, content: bytes, what: str, code: int = 1, mend: str = MEND) -> None:
        """Every command says it, and doctor tells everything else beside it."""
        for arguments in self.looks:
            self.put(content)
            result = self.shell.run(*arguments)
            if arguments == ("plan",) and code != 1:
                continue
            assert (result.exit_code, result.stdout) == (code, ""), (arguments, result.output)
            (line,) = result.stderr.splitlines()
            assert str(self.path) in line and what in line and mend in line, (arguments, line)
        self.put(content)
        (database,) = (each for each in self.findings() if each["part"] == "database")
        assert database["level"] == "fail" and database["mend"].startswith(mend)
        assert str(self.path) in database["text"] and what in database["text"]
        self.put(content)
        result = self.shell.run("backup", str(self.copy))
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1 and not self.copy.exists()


@pytest.fixture
def damaged(make_scene: MakeScene) -> Damaged:
    shell = Shell(make_scene(devices=1, apps=1))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    return Damaged(shell)


def test_a_file_that_was_cut_off(damaged: Damaged) -> None:
    damaged.says(damaged.whole[: len(damaged.whole) // 2], MALFORMED)
    damaged.says(damaged.whole[:PAGE], MALFORMED)
    damaged.says(damaged.whole[:100], NO_DATABASE)


def test_a_file_of_which_much_was_overwritten(damaged: Damaged) -> None:
    damaged.says(damaged.without_pages(1), MALFORMED)
    length = len(damaged.whole) - PAGE
    damaged.says(damaged.whole[:PAGE] + b"\xff" * length, MALFORMED)


def test_a_file_that_is_no_database(damaged: Damaged) -> None:
    damaged.says(b"a note\n" * 1000, NO_DATABASE)
    damaged.says(damaged.without_pages(0), NO_DATABASE)
    damaged.says(b"x", NO_DATABASE)
    assert damaged.path.read_bytes() == b"x", "which SQLite would write over"


def test_a_file_in_which_nothing_is(damaged: Damaged) -> None:
    """One that never held a database is a place for one; one that did is a loss."""
    damaged.says(b"", "no database at", 2, "run vpp-bridge apply first")
    damaged.put(damaged.whole)
    assert damaged.shell.run("status").exit_code == 0
    damaged.says(b"", "was removed or emptied", 1, "move it back, or run vpp-bridge restore")


def test_a_folder(damaged: Damaged) -> None:
    damaged.path.unlink()
    damaged.path.mkdir()
    cannot_be_opened(damaged, "Is a directory", "it is a folder: let database name a file")


def test_a_file_that_may_not_be_read(damaged: Damaged, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged.path.chmod(0)
    if os.geteuid() == 0:  # who may read everything
        refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(damaged.path))
        unopened = sqlite3.OperationalError("unable to open database file")
        monkeypatch.setattr(os, "open", raising(refused, damaged.path, os.open))
        monkeypatch.setattr(sqlite3, "connect", raising(unopened, damaged.path, sqlite3.connect))
    cannot_be_opened(damaged, "Permission denied", "see that this user may read and write there")


def raising(error: Exception, of: Path, really: Callable[..., Any]) -> Callable[..., Any]:
    """What opens files, as somebody who may not open one of them."""

    def opened(path: str | Path, *arguments: Any, **options: Any) -> Any:
        if Path(path).name.partition("?")[0] == of.name:
            raise error
        return really(path, *arguments, **options)

    return opened


def cannot_be_opened(damaged: Damaged, why: str, mend: str) -> None:
    """Nobody is sent to a backup for what is no damage."""
    for arguments in damaged.looks:
        result = damaged.shell.run(*arguments)
        assert (result.exit_code, result.stdout) == (1, ""), (arguments, result.output)
        (line,) = result.stderr.splitlines()
        assert line.endswith(f"{damaged.path}: the database cannot be opened: {why}")
    (database,) = (each for each in damaged.findings() if each["part"] == "database")
    assert database["level"] == "fail" and why in database["text"]
    assert database["mend"].startswith(mend)
    result = damaged.shell.run("backup", str(damaged.copy))
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_any_page_that_is_lost(damaged: Damaged, running: bool) -> None:
    """Some command meets it, some not; doctor does, and says all else beside it."""
    lock = EngineLock(damaged.path)
    if running:
        lock.acquire(0.0)
    try:
        for page in range(1, len(damaged.whole) // PAGE):
            damaged.put(damaged.without_pages(page, page))
            found = damaged.findings()
            database = [each for each in found if each["part"] == "database"]
            assert [each["level"] for each in database] == ["fail"], (page, database)
            assert database[0]["mend"].startswith(MEND), page
            if page % 4 == running:
                look(damaged, page)
    finally:
        lock.release()


def look(damaged: Damaged, page: int) -> None:
    for arguments in damaged.looks:
        result = damaged.shell.run(*arguments)
        if result.exit_code == 1 and arguments[0] != "plan":
            (line,) = result.stderr.splitlines()
            assert MEND in line, (page, arguments, line)
        else:
            assert "Traceback" not in result.output
