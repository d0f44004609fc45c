"""The power is cut beneath a `serve`: of its files only what was synced is sure to be there.

A library in its processes (`power.c`) keeps each file as it was when it was last synced. At a cut
all processes die, and each page of each file is as it was then, or as it was written since, as
chance has it; so a file may hold new pages beside old ones. That is what a disk does that keeps its
word about syncs. One that does not (`lies`) may lose what was answered; then the bridge must say
that its file is damaged, if it is.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.bench.slow_disk import preloaded
from tests.soak.faults import RIGHT_WITHIN, Found
from tests.soak.served import Served, serving, until
from tests.soak.storm import Ledger, storm

_SOURCE = Path(__file__).with_suffix(".c")
_PAGE = 4096
_MESSAGES = 20


def cuts(times: int, seed: int, lies: int = 0) -> Found:
    """The power is cut so many times in a storm of webhooks; of `lies` syncs one is not done.

    Raises NoCompiler.
    """
    found = Found("the power is cut, and the disk lies" if lies else "the power is cut")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder, kept, made = (Path(name) / each for each in ("bridge", "kept", "made"))
        for each in (folder, kept, made):
            each.mkdir()
        environ = preloaded(_SOURCE, made) | {
            "POWER_FOLDER": str(folder),
            "POWER_KEPT": str(kept),
            "POWER_LIES": str(lies),
        }
        with serving(folder, environ=environ) as served:
            _go_through(found, served, kept, times, chance, lies=bool(lies))
    return found


def _go_through(
    found: Found, served: Served, kept: Path, times: int, chance: random.Random, *, lies: bool
) -> None:
    pages, lost, damaged = Counter[str](), set[str](), 0
    with storm(served, posters=2) as ledger:
        for number in range(times):
            _under_storm(ledger, chance)
            served.kill()
            taken = set(ledger.taken)
            pages += cut(served.folder, kept, chance)
            served.start()
            if not _goes_on(found, served, lies=lies):
                damaged += 1
                _mend(served, kept)
                lost |= taken - served.stored("storm-")
                continue
            missing = taken - lost - served.stored("storm-")
            lost |= missing
            found.check(lies or not missing, f"cut {number}: {sorted(missing)[:3]} is not there")
    until(lambda: not served.trouble(), "ready again", RIGHT_WITHIN)
    found.figures += [
        f"{times} cuts; of pages that were not synced {pages['new']} came to be and {pages['old']} "
        f"did not; {len(ledger.taken)} webhooks were answered 200, {len(lost)} of them are lost",
        f"{damaged} times the file was damaged, and that was said",
    ]
    found.check(ledger.taken, "no webhook was answered 200")
    found.check(lies or not damaged, "the file was damaged")


def _under_storm(ledger: Ledger, chance: random.Random) -> None:
    before = len(ledger.taken)
    until(lambda: len(ledger.taken) > before + _MESSAGES, "webhooks are taken in")
    time.sleep(chance.uniform(0.0, 0.3))


def _goes_on(found: Found, served: Served, *, lies: bool) -> bool:
    """Whether it works on a sound file; where it does not, it must have said so."""
    until(lambda: served.process.poll() is not None or served.answers(), "it answers or ends")
    if served.process.poll() is not None:
        said = [line for line in served.log()[-3:] if "vpp-bridge restore" in line][-1:]
        found.figures.append(f"serve ended and said: {said}")
        found.check(lies and said, f"serve ended: {served.log()[-3:]}")
        return False
    with closing(sqlite3.connect(f"file:{served.database}?mode=ro", uri=True)) as db:
        try:
            sound = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            sound = str(error)
    if sound == "ok":
        return True
    found.check(lies, f"the file is damaged: {sound}")
    until(lambda: "damaged" in served.says("status"), "status tells of the damage", RIGHT_WITHIN)
    served.kill()
    return False


def _mend(served: Served, kept: Path) -> None:
    """As a person would who has no backup: begin anew, with all that is known outside."""
    served.kill()
    for path in (*served.folder.glob("bridge.db*"), *kept.iterdir()):
        path.unlink()
    served.start()
    served.wait_until_it_answers()


def cut(folder: Path, kept: Path, chance: random.Random) -> Mapping[str, int]:
    """What the disk holds of the bridge's files after a cut; how many pages that were not synced
    came to be all the same (`new`), and how many did not (`old`)."""
    pages = Counter[str]()
    for path in sorted(folder.glob("bridge.db*")):
        if path.name.endswith("-shm"):
            path.unlink()  # nobody syncs it, and SQLite makes it anew
            continue
        new = path.read_bytes()
        old = (kept / path.name).read_bytes() if (kept / path.name).exists() else b""
        path.write_bytes(_mixed(old, new, chance, pages))
        shutil.copy(path, kept / path.name)
    return pages


def _mixed(old: bytes, new: bytes, chance: random.Random, pages: Counter[str]) -> bytes:
    """Pages of both, in place; as long as one of both."""
    length = len(chance.choice((old, new)))
    found = bytearray()
    for at in range(0, length, _PAGE):
        before, since = old[at : at + _PAGE], new[at : at + _PAGE]
        if before == since:
            found += before
            continue
        which = chance.choice(("old", "new"))
        pages[which] += 1
        piece = before if which == "old" else since
        found += piece.ljust(min(_PAGE, length - at), b"\0")
    return bytes(found[:length])
