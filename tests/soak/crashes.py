"""The bridge is killed at moments chosen by a seed, on each database and beside each MDM server.

`serve` is the real one, as processes; the outside is simulated, on loopback, and keeps a ledger of
what it was asked. A world goes on through many deaths: devices enrol, apps are wished for and given
back all the time. After each death it holds that nothing was asked or sent that must not be, and
that every message that was answered 200 is in the database; at a world's end all that is wanted is
installed, and nothing else is left to do.
"""

from __future__ import annotations

import base64
import http.client
import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests import postgresql
from tests.soak import mortal
from tests.soak.crash_world import Mode, Outside, Stored, database, outside_of
from tests.soak.faults import Found
from tests.soak.mortal import CALL_POINTS, COMMIT, HOOK_POINTS, Order
from tests.soak.served import Served, serving, until

Pair = tuple[str, str]

CHANGES = ("associate", "command", "disassociate", "event_status", "push")
"""The kinds of calls that change something, or tell of a change: more of the deaths are in them."""
ANY_TIME = "any time"
OF_A_WORLD = 25
"""Deaths of one world."""

_ALONE = 3
"""Deaths of single processes in a row: the supervisor waits longer after each."""
_STARTS_WITHIN = 120.0
_PATIENCE = 3.0
_STUCK_AFTER = 150.0
"""Seconds without any change after which what is left will never come."""
_ALL_WITHIN = 900.0
_COMES_EVERY = 1.0


@dataclass
class Deaths(Found):
    """What was found, with how many died of what."""

    died: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    installs: int = 0
    seconds: float = 0.0

    def tell(self) -> None:
        """The figures as lines."""
        points = ", ".join(f"{number} × {point}" for point, number in self.died.most_common())
        calls = ", ".join(f"{number} × {call}" for call, number in sorted(self.calls.items()))
        self.figures += [
            f"{self.died.total()} deaths in {self.seconds:.0f} s; {self.messages} messages were "
            f"answered 200, {self.installs} apps are installed",
            f"where: {points}",
            f"in calls: {calls}",
        ]


def crashes(mode: Mode, deaths: int, seed: int) -> Deaths:
    """One world with so many deaths."""
    found = Deaths(f"crash anywhere, {mode.name}, seed {seed}")
    began = time.monotonic()
    with ExitStack() as stack:
        where = stack.enter_context(database(mode))
        outside = stack.enter_context(outside_of(mode, seed))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = outside.config(mode, "bridge.db" if where is None else postgresql.url(where))
        (folder / "hq.vpptoken").touch(mode=0o600)
        (folder / "hq.vpptoken").write_text(outside.world.location.token)
        served = stack.enter_context(
            serving(folder, outside=False, config=config, program=mortal.PROGRAM)
        )
        _World(mode, served, outside, where, seed, found).go_through(deaths)
    found.seconds = time.monotonic() - began
    found.tell()
    return found


class _World:
    """One world, and the deaths in it."""

    def __init__(
        self,
        mode: Mode,
        served: Served,
        outside: Outside,
        where: str | None,
        seed: int,
        found: Deaths,
    ) -> None:
        self._mode = mode
        self._served = served
        self._outside = outside
        self._world = outside.world
        self._stored = Stored(served, where)
        self._chance = random.Random(f"{seed} {mode.name}")
        self._found = found
        self._told = 0
        self._moments: list[str] = []
        self._wishes: dict[str, bool] = {}
        self._to_say: dict[str, bool] = {}
        self._alone = 0
        self._wanted, self._wished = self._world.catalogue
        credentials = base64.b64encode(b"bridge:api-key").decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    def go_through(self, deaths: int) -> None:
        """All of them, then the end at which everything must be right."""
        url = f"http://mdm:webhook-key@127.0.0.1:{self._served.port}/hooks/mdm/main"
        with self._world.lock:
            self._world.mdm.webhook.url = url
        said = self._served.says("apply", "--yes")
        self._found.check("Stored." in said, f"apply says: {said}")
        plan = self._plan(deaths)
        for order in plan:
            self._live()
            self._die(order)
            self._look()
        self._end()

    # What lives

    def _live(self) -> None:
        """Something happens outside, so that the bridge has something to do."""
        with self._world.lock:
            device = self._world.new_device(install_time=self._chance.uniform(0.1, 0.5))
            device.enrol()
        if self._chance.random() < 0.5:
            self._to_say[device.serial_number] = True
        given = [serial for serial, wished in self._wishes.items() if wished]
        if given and self._chance.random() < 0.5:
            self._to_say[self._chance.choice(given)] = False
        self._say()
        self._come()

    def _say(self) -> None:
        """What is wished for now and what not any more, said again until it was heard."""
        for serial, wished in list(self._to_say.items()):
            path = f"/v1/installs/{serial}/{self._wished}"
            with suppress(OSError, http.client.HTTPException):
                status = self._asks("PUT" if wished else "DELETE", path)
                if status < 300:
                    self._wishes[serial] = wished
                    del self._to_say[serial]
                    continue
            return

    def _asks(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=2.0)
        with closing(connection):
            connection.request(method, path, headers=self._headers)
            return connection.getresponse().status

    def _come(self) -> None:
        """Devices come by themselves now and then, as they do; who lacks something surely does."""
        with self._world.lock:
            missing = {serial for serial, _ in self._world.missing(self._all_wanted())}
            lacking = [self._world.device(serial) for serial in sorted(missing)]
            for device in (*lacking[:10], self._chance.choice(self._world.devices)):
                self._world.kernel.after(self._chance.uniform(0.0, 0.3), device.connect)

    def _all_wanted(self) -> list[Pair]:
        everyone = [(device.serial_number, self._wanted) for device in self._world.devices]
        return everyone + [
            (serial, self._wished) for serial, is_so in self._wishes.items() if is_so
        ]

    # What dies

    def _plan(self, deaths: int) -> list[Order]:
        """Most deaths are within calls, each point in turn; the rest with messages, at commits, and
        at any time."""
        chance = self._chance
        points = [*CALL_POINTS * (deaths // len(CALL_POINTS) + 1)]
        chance.shuffle(points)
        plan = []
        for number in range(deaths):
            drawn, order = chance.random(), {"all": chance.random() < 0.5, "number": number}
            if drawn < 0.65:
                delay = chance.uniform(0.0, 0.01) if points[number] == "sending" else 0.0
                kind = chance.choice(CHANGES) if chance.random() < 0.5 else ""
                skip = 0 if kind else chance.randrange(6)
                plan.append(Order(points[number], kind, skip, delay=delay, **order))
            elif drawn < 0.8:
                skip = chance.randrange(4)
                plan.append(Order(chance.choice(HOOK_POINTS), skip=skip, **order))
            elif drawn < 0.9:
                plan.append(Order(COMMIT, skip=chance.randrange(10), **order))
            else:
                plan.append(Order(ANY_TIME, delay=chance.uniform(0.0, 2.0), **order))
        return plan

    def _die(self, order: Order) -> None:
        """Let it happen, and start the bridge again where all of it is gone."""
        if self._alone >= _ALONE and not order.all:
            order = replace(order, all=True)
        is_struck = order.point != ANY_TIME and self._struck(order)
        point, kind = (order.point if is_struck else ANY_TIME), ""
        if not is_struck:
            self._at_any_time(order)
        else:
            kind = Order.struck(self._served.folder)
            if order.all:
                self._served.process.wait(30)
        who = "all" if order.all else "one"
        self._found.died[f"{point}, {who}"] += 1
        if kind:
            self._found.calls[f"{kind} {point}"] += 1
        self._moments.append(f"{point} {kind} {who}")
        self._alone = 0 if order.all else self._alone + 1
        if self._served.process.poll() is not None:
            self._alone = 0
            self._served.start()

    def _struck(self, order: Order) -> bool:
        """Whether somebody came where it was to die, within some time from when it is up."""
        folder, is_up = self._served.folder, False
        order.give(folder)
        gives_up = time.monotonic() + _STARTS_WITHIN
        comes_at = time.monotonic() + _COMES_EVERY
        while (folder / "order").exists():
            time.sleep(0.02)
            now = time.monotonic()
            if not is_up and (is_up := self._served.answers()):
                gives_up = now + _PATIENCE
            if now > gives_up and Order.take_back(folder):
                return False
            if now > comes_at:
                self._say()
                self._come()
                comes_at = now + _COMES_EVERY
        time.sleep(order.delay)
        return True

    def _at_any_time(self, order: Order) -> None:
        if order.point == ANY_TIME:
            time.sleep(order.delay)
        if order.all:
            self._served.kill()
            return
        role = self._chance.choice(["engine", "worker", "web", "supervisor"])
        if role == "supervisor":
            self._served.process.kill()
            self._served.process.wait()
            until(self._is_gone, "its children go with it", _STARTS_WITHIN)
        elif (pid := self._served.pid(role)) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _is_gone(self) -> bool:
        """Children that are only being loaded find out last; until then they have the port."""
        return not any(self._served.family().values())

    # What holds

    def _look(self) -> None:
        """What must hold at any moment."""
        with self._world.lock:
            violations = self._world.ledger.violations()[self._told :]
        self._told += len(violations)
        for violation in violations:
            self._wrong(f"{violation.kind}: {violation.detail}")

    def _wrong(self, what: str) -> None:
        lately = "; ".join(self._moments[-8:])
        self._found.wrong.append(
            f"{what} (death {len(self._moments)}, the last ones before it: {lately})"
        )

    def _end(self) -> None:
        """All that is wanted is installed, and all that was answered is there and handled."""
        self._served.wait_until_it_answers()
        left, comes, began = self._left(), 0.0, time.monotonic()
        changed = began
        while left and time.monotonic() < min(changed + _STUCK_AFTER, began + _ALL_WITHIN):
            if time.monotonic() > comes:
                comes = time.monotonic() + _COMES_EVERY
                self._say()
                self._come()
            time.sleep(0.2)
            before, left = left, self._left()
            if left != before:
                changed = time.monotonic()
        if left:
            self._wrong(f"{len(left)} are left, such as {left[:4]}")
        self._look()
        self._found.installs = len(self._all_wanted())
        self._found.messages = len(self._outside.answered)
        lost = sorted(self._outside.answered - self._stored.messages())
        if lost:
            self._wrong(f"{len(lost)} answered 200 and not stored, such as {lost[:3]}")
        until(lambda: not self._stored.unhandled(), "all messages are handled", _STUCK_AFTER)
        if damage := self._stored.damage():
            self._wrong(f"the file is damaged: {damage}")

    def _left(self) -> list[str]:
        """What is wanted and is not there, or not as the bridge sees it."""
        with self._world.lock:
            missing = self._world.missing(self._all_wanted())
        there = [f"{serial} has not really {adam_id}" for serial, adam_id in missing]
        return [*there, *self._stored.unsettled(), *(f"to say: {each}" for each in self._to_say)]
