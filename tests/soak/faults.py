"""What befalls the bridge itself: its processes are stopped and killed, its database is taken away.

Each returns what it found; `Found.wrong` is empty where it held.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import inbox_file
from tests.soak.served import Served, until
from tests.soak.storm import Ledger, storm

HOOK_WAIT = 6.0
"""Seconds in which a hook is answered 200 or 503, whoever stops."""
NOTICED = 1.0
"""Seconds in which a database that is gone is noticed."""
RIGHT_WITHIN = 60.0
"""Seconds after the end of a fault in which all is right again."""

_BUSY = 2.0
"""The machine may do other things, too: seconds more for whoever looks at a clock."""
_TIMES_OUT = 5.0
_HANGS_AFTER = 30.0


@dataclass
class Found:
    """What was done, in figures, and what was not as it should be."""

    name: str
    figures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def check(self, holds: object, sentence: str) -> None:
        """Note what is wrong."""
        if not holds:
            self.wrong.append(sentence)

    def hooks(self, ledger: Ledger) -> None:
        """Whatever it was, hooks were answered in time."""
        waits = (f"{status} within {s:.1f} s" for status, s in sorted(ledger.waits.items()))
        self.figures.append(f"hooks answered {', '.join(waits)}")
        self.check(ledger.worst < HOOK_WAIT, f"a hook waited {ledger.worst:.1f} s")

    def settle(self, served: Served, ledger: Ledger) -> None:
        """Nothing that was answered 200 is lost or unhandled, and the file is sound."""
        lost = ledger.lost(served)
        self.figures += [f"answers: {ledger.shown}", f"lost: {len(lost)}"]
        self.check(ledger.taken, "no webhook was answered 200")
        self.check(not lost, f"{len(lost)} answered 200 and not stored, such as {lost[:3]}")
        waited = until(lambda: not waiting(served), "all messages are handled", RIGHT_WITHIN)
        self.figures.append(f"all handled after {waited:.1f} s")
        sound = _query(served, "PRAGMA integrity_check")
        self.check(sound == "ok", f"the file is damaged: {sound}")


def waiting(served: Served) -> int:
    """How many messages are not handled yet."""
    unhandled = int(_query(served, "SELECT count(*) FROM events WHERE processed_at IS NULL"))
    return unhandled + len(inbox_file.waiting(served.database))


def _query(served: Served, statement: str) -> str:
    return str(served.rows(statement)[0][0])


def kills(served: Served, rounds: int, chance: random.Random) -> Found:
    """`rounds` runs of `serve` under storm: of three, one is stopped in order at its end, and two
    are killed as a whole. Before that the worker and the engine die in two, the arbiter in one."""
    found, done = Found("kills under storm"), Counter[str]()
    started = time.monotonic()
    with storm(served) as ledger:
        for number in range(rounds):
            roles = ["web"] if number % 3 == 1 else ["worker", "engine"]
            for role in roles:
                _under_storm(ledger, chance)
                pid = served.pid(role)
                if pid is not None:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        done[role] += 1
            _under_storm(ledger, chance)
            if number % 3 == 2:
                served.stop()
                done["stop"] += 1
            else:
                served.kill()
                done["all"] += 1
            served.start()
        served.wait_until_it_answers()
    found.figures += [
        f"{done['all']} kills of all and {done['engine']} of the engine, "
        f"{done['worker'] + done['web']} of the web side ({done['worker']} workers, "
        f"{done['web']} arbiters), {done['stop']} stops in {time.monotonic() - started:.0f} s",
    ]
    found.settle(served, ledger)
    found.check(not served.trouble(), "not ready at the end")
    return found


def _under_storm(ledger: Ledger, chance: random.Random) -> None:
    """Until some webhooks were answered 200, and a moment more."""
    before = len(ledger.taken)
    until(lambda: len(ledger.taken) > before + 5, "webhooks are taken in")
    time.sleep(chance.uniform(0.0, 0.5))


def stops(served: Served, times: int, chance: random.Random, *, hang: bool) -> Found:
    """The engine is stopped at random moments for seconds, at least half of them with the lock.

    With `hang` once more, without the lock, until it counts as hanging.
    """
    found = Found("the engine stopped under storm")
    with storm(served) as ledger:
        held = 0
        for number in range(times):
            _under_storm(ledger, chance)
            wanted = True if held <= number // 2 and number % 2 else None
            with _stopped(served, chance, wanted) as (pid, holds):
                held += holds
                _while_stopped(found, served, ledger, pid, holds=holds)
            back = until(lambda: not served.trouble(), "ready again", RIGHT_WITHIN)
            found.check(back < _BUSY, f"ready only {back:.1f} s after it went on")
        if hang:
            with _stopped(served, chance, False) as (pid, _):
                _until_it_hangs(found, served, ledger)
            until(lambda: not served.trouble(), "ready again", RIGHT_WITHIN)
    found.figures.append(f"{times} stops, {held} of them with the lock")
    found.check(times < 2 or held, "it never held the lock")
    found.hooks(ledger)
    odd = set(ledger.answers) - {"200", "503"}
    found.check(not odd, f"hooks were answered {sorted(odd)}")
    found.settle(served, ledger)
    return found


def _while_stopped(found: Found, served: Served, ledger: Ledger, pid: int, *, holds: bool) -> None:
    if not holds:
        before = len(ledger.taken)
        said = served.trouble()
        found.check(not said, f"stopped without the lock, and not ready: {said}")
        time.sleep(0.5)
        found.check(len(ledger.taken) > before, "stopped without the lock, and hooks wait")
        return
    told = until(served.trouble, "not ready", HOOK_WAIT + _BUSY)
    found.check(told < NOTICED + _BUSY, f"/readyz says so after {told:.1f} s only")
    said = served.trouble()
    named = f"process {pid} (serve-engine) has kept the lock"
    found.check(named in said and "is stopped" in said, f"stopped with the lock: {said!r}")
    before = len(ledger.taken)
    until(lambda: len(ledger.taken) > before, "hooks go on all the same", HOOK_WAIT + _BUSY)


def _until_it_hangs(found: Found, served: Served, ledger: Ledger) -> None:
    began, before = time.monotonic(), len(ledger.taken)
    until(served.trouble, "not ready", _HANGS_AFTER + 10)
    after = time.monotonic() - began
    said = served.trouble()
    found.figures.append(f"stopped without the lock, after {after:.0f} s: {said}")
    found.check(after > _HANGS_AFTER - 3, f"it hangs after {after:.1f} s already")
    found.check("the engine hangs" in said, f"stopped without the lock: {said!r}")
    found.check(len(ledger.taken) > before + 100, "hooks did not go on")


@contextmanager
def _stopped(
    served: Served, chance: random.Random, wanted: bool | None
) -> Iterator[tuple[int, bool]]:
    """The engine, stopped; whether it holds the lock, which may be wanted."""
    pid = served.pid("engine")
    assert pid is not None
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.05)  # for those who write just now
            holds = holds_lock(served, pid)
            if wanted is None or wanted == holds:
                yield pid, holds
                return
            os.kill(pid, signal.SIGCONT)
            time.sleep(chance.uniform(0.0, 0.05))
    finally:
        os.kill(pid, signal.SIGCONT)


def holds_lock(served: Served, pid: int) -> bool:
    """Whether a process holds the writer's lock, as the kernel says. Linux only."""
    inode = served.database.with_name("bridge.db.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[4] == str(pid) and words[5].endswith(f":{inode}"):
            return True
    return False


def taken_away(served: Served, *, other: bool) -> Found:
    """The database is moved away, or `other` is put in its place, and put back afterwards."""
    found = Found("the database replaced" if other else "the database removed")
    aside = served.database.with_name("aside.db")
    with storm(served) as ledger:
        until(lambda: len(ledger.taken) > 5, "webhooks are taken in")
        logged = len(served.log())
        if other:
            copy = served.database.with_name("copy.db")
            shutil.copy(served.database, copy)
            os.link(served.database, aside)
            copy.rename(served.database)
        else:
            served.database.rename(aside)
        gone = time.monotonic()
        until(lambda: "was removed, or another file" in served.trouble(), "it is noticed", 10)
        noticed = time.monotonic() - gone
        time.sleep(0.5)
        taken, refused = len(ledger.taken), ledger.answers["503"]
        time.sleep(3.0)
        found.check(len(ledger.taken) == taken, "webhooks are answered 200 meanwhile")
        found.check(ledger.answers["503"] > refused, "webhooks are not answered 503 meanwhile")
        found.figures.append(f"noticed after {noticed:.2f} s: {served.trouble()}")
        found.check(noticed < NOTICED + _BUSY, f"noticed after {noticed:.1f} s only")
        status = served.says("status")
        found.figures.append(f"status says: {_last(status)}")
        found.check("run vpp-bridge apply" not in status, "status takes it for one never made")
        for role in ("engine", "worker"):
            _killed(served, role)
            _refused_soon(ledger)
        time.sleep(3.0)  # what was started anew has found its like by then
        found.check(other or not served.database.exists(), "a new database was made")
        _look_at_log(found, served.log()[logged:])
        aside.rename(served.database)
        back = until(lambda: not served.trouble(), "ready again", RIGHT_WITHIN)
        taken = len(ledger.taken)
        until(lambda: len(ledger.taken) > taken + 5, "webhooks are taken in", RIGHT_WITHIN)
        found.figures.append(f"ready {back:.1f} s after it was put back")
    found.hooks(ledger)
    found.settle(served, ledger)
    return found


def _refused_soon(ledger: Ledger) -> None:
    refused = ledger.answers["503"]
    until(lambda: ledger.answers["503"] > refused, "hooks are answered 503", HOOK_WAIT)


def _killed(served: Served, role: str) -> None:
    """It dies while the database is gone; an engine ends over that, and is started again."""
    done = False
    while not done:
        until(lambda: served.pid(role), f"there is one: {role}")
        with suppress(ProcessLookupError, TypeError):
            os.kill(served.pid(role), signal.SIGKILL)  # type: ignore[arg-type]
            done = True


def _look_at_log(found: Found, lines: list[str]) -> None:
    """One line of each engine that ended over it, or was killed when it had met it, one each of the
    first engine and worker, which met it at work, and two of the second worker, which met it at its
    start, too: not one for each webhook."""
    said = [line for line in lines if "was removed" in line]
    ended = sum("the engine ended" in line for line in lines)
    found.figures.append(
        f"{len(said)} lines in the log, {ended} of them of engines, such as: {said[:1]}"
    )
    found.check(said, "the log says nothing")
    found.check(len(said) <= ended + 2 + 2, f"{len(said)} lines in the log:\n" + "\n".join(said))


def gone_at_start(served: Served) -> Found:
    """The database is moved away between a stop and the next start."""
    found = Found("the database gone at a start")
    aside = served.database.with_name("aside.db")
    with storm(served) as ledger:
        until(lambda: len(ledger.taken) > 5, "webhooks are taken in")
        served.stop()
        served.database.rename(aside)
        logged = len(served.log())
        served.start()
        code = served.process.wait(10)
        said = served.log()[logged:]
        found.figures.append(f"serve ends with {code} and says: {said}")
        found.check(code == 1 and len(said) == 1, f"{code}, {said}")
        found.check("vpp-bridge restore" in said[0], "it does not say what to do")
        found.check(not served.database.exists(), "a new database was made")
        aside.rename(served.database)
        served.start()
        served.wait_until_it_answers()
        until(lambda: not served.trouble(), "ready again", RIGHT_WITHIN)
    found.hooks(ledger)
    found.settle(served, ledger)
    return found


def _last(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
