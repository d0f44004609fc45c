"""`backup` while webhooks come as fast as they may, and a bridge that begins with the copy."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.soak.faults import RIGHT_WITHIN, Found, waiting
from tests.soak.served import CONFIG, Served, serving, until
from tests.soak.storm import Ledger, storm


def backups(served: Served, times: int) -> Found:
    """So many copies under storm; each is restored elsewhere and served."""
    found = Found("backup under storm")
    with tempfile.TemporaryDirectory() as name:
        copies: list[tuple[Path, set[str]]] = []
        with storm(served, posters=1) as ledger:
            for number in range(times):
                before = len(ledger.taken)
                until(lambda: len(ledger.taken) > before + 20, "webhooks are taken in")  # noqa: B023
                copies.append(_copy(found, served, ledger, Path(name) / f"copy-{number}.db"))
        for copy, taken in copies:
            folder = Path(name) / copy.stem
            folder.mkdir()
            _restored(found, folder, copy, taken)
        found.hooks(ledger)
        found.settle(served, ledger)
    return found


def _copy(found: Found, served: Served, ledger: Ledger, copy: Path) -> tuple[Path, set[str]]:
    """A copy, and what was answered 200 before it was begun."""
    taken, began = set(ledger.taken), time.monotonic()
    said = served.says("backup", str(copy))
    took = time.monotonic() - began
    found.check("is a sound copy" in said, f"backup says: {said}")
    found.figures.append(f"backup took {took:.1f} s, with {len(taken)} webhooks before it")
    return copy, taken


def _restored(found: Found, folder: Path, copy: Path, taken: set[str]) -> None:
    """A bridge that has nothing but the copy goes on with it."""
    with serving(folder, config=CONFIG) as other:
        other.stop()
        said = other.says("restore", str(copy), "--yes")
        found.check("was restored from" in said, f"restore says: {said}")
        other.start()
        other.wait_until_it_answers()
        until(lambda: not other.trouble(), "ready", RIGHT_WITHIN)
        found.check("paused" in other.says("status"), "a restored bridge is not paused")
        said = other.says("resume", "--all")
        found.check("Everything is resumed." in said, f"resume says: {said}")
        with storm(other, posters=1) as ledger:
            until(lambda: len(ledger.taken) > 5, "webhooks are taken in")
        until(lambda: not waiting(other), "all messages are handled", RIGHT_WITHIN)
        lost = (taken | ledger.taken) - other.stored("storm-")
        found.check(not lost, f"{len(lost)} are not in the copy, such as {sorted(lost)[:3]}")
        sound = other.rows("PRAGMA integrity_check")[0][0]
        found.check(sound == "ok", f"the restored file is damaged: {sound}")
