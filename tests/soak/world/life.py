"""A bridge that lives through a script, and what the outside notes of it."""

from __future__ import annotations

import os
import random
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from bridge.config import LocationConfig
from bridge.domain.desired.desired import Desired
from bridge.domain.policy import Policy, ReclaimPolicy
from bridge.errors import BridgeError
from bridge.simulator.apple.apple import AppleSettings, Location
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.scene import Killed, Scene, rarely
from tests.soak.world.death import Reaper
from tests.soak.world.deeds import DEEDS
from tests.soak.world.script import DAY, DAYS, TROUBLE, Event, Script, Traits

GATHER = 0.03
"""Seconds of the world that pass at least between two passes of the engine, as in earnest."""
LOCATIONS = ("hq", "branch")


def policy(traits: Traits) -> Policy:
    """The default policy, but for what would be read every few minutes of thirty days."""
    every = traits.reads_every
    found = rarely(
        assets_every=every,
        assignments_every=DAY,
        changes_every=every,
        service_config_every=2 * DAY,
        client_config_every=2 * DAY,
    )
    device = replace(found.device, ask_facts_every=None)
    after = traits.reclaims_after
    return replace(found, device=device, reclaim=ReclaimPolicy(unenrolled_after=after))


class Life(Scene):
    """A scene with two locations that goes on by itself: kills are followed by starts.

    `said` tells in words what happened, `odd` what the bridge must never do while it lives.
    """

    def __init__(self, folder: Path, script: Script) -> None:
        traits = script.traits
        self.script = script
        self.reaper = Reaper()
        self.said: list[str] = []
        self.odd: list[str] = []
        self.starts = 0
        self.away_until = {"apple": 0.0, "mdm": 0.0}
        self.given: dict[tuple[str, str], float] = {}
        self.taken: dict[tuple[str, str], float] = {}
        self.wanted = Desired()
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []
        super().__init__(
            folder,
            policy=policy(traits),
            release_setup=True,
            devices=traits.devices,
            apps=traits.apps,
            seed=script.seed,
            macs=traits.macs,
            seats=traits.seats,
            locations=LOCATIONS,
            install_time=traits.install_time,
            traits={"wake_latency": traits.wake_latency},
            mdm=_settings(traits),
            apple=AppleSettings(
                process_delay=traits.process_delay,
                licence_lag=traits.licence_lag,
                notifications=NotificationSettings(spread=traits.spread),
            ),
        )
        self.began = self.world.now
        chance = random.Random(script.seed)
        for device in self.world.devices:
            device.supervised = chance.random() >= traits.unsupervised
            device.tells_serial = chance.random() >= traits.unnamed
        for adam_id in self.adam_ids:
            self.world.release(adam_id, "1.0", 100)
        self.world.mdm.webhook.lag = traits.lag
        self.reaper.watch_calls(self.apple_adapter, lambda: self._is_away("apple"))
        self.reaper.watch_calls(self.mdm_adapter, lambda: self._is_away("mdm"))
        names = {name: LocationConfig(name, self.token_file(name)) for name in LOCATIONS}
        for location in self.world.apple.locations:
            self.token_file(location.name).write_text(location.token)
        self.config = replace(self.config, locations=names)
        self._revive()

    # How it goes on

    def live(self) -> None:
        """All of the script, then the calm after it."""
        for event in self.script.events:
            self.go_on(event.at)
            self.do(partial(self._happen, event))
        self.go_on(TROUBLE)
        self.do(lambda: calm(self))
        self.go_on(TROUBLE + DAY)
        self.do(self.bridge.retry)
        self.go_on(DAYS * DAY)

    def _happen(self, event: Event) -> None:
        self.say(DEEDS[event.kind](self, random.Random(event.number)))

    def say(self, what: str) -> None:
        """Note what happened."""
        if what:
            day, rest = divmod(self.world.now - self.began, DAY)
            clock = time.strftime("%H:%M:%S", time.gmtime(rest))
            self.said.append(f"day {day:.0f} {clock} {what}")

    def do(self, act: Callable[[], object]) -> None:
        """What a person or the world does now; the bridge may die of it."""
        try:
            act()
        except Killed:
            self._revive()

    def person(self, act: Callable[[], object]) -> str:
        """What a person does with the bridge; what it refuses, in words."""
        if not self.reachable:
            return ", while the bridge was down"
        try:
            act()
        except BridgeError as error:
            return f", refused: {error}"
        return ""

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Something outside happens in a while."""
        self.world.kernel.after(seconds, act)

    def go_on(self, past: float) -> None:
        """Let it be so many seconds since the world's begin."""
        while self.world.now < self.began + past:
            try:
                self._go_on(self.began + past)
            except Killed:
                self._revive()

    def _go_on(self, until: float) -> None:
        while True:
            self.settle()
            engine_due = self.engine.next_due()
            if engine_due is not None:
                engine_due -= self.clock_ahead
            due = [at for at in (self.world.kernel.next_due(), engine_due) if at is not None]
            at = max(min(due, default=until), self.world.now + GATHER)
            self.world.kernel.advance(min(at, until))
            if self._died:
                raise Killed
            if at >= until:
                self.settle()
                return

    # How it ends and begins

    def start(self) -> None:
        """See Scene; from its begin on it may be killed."""
        super().start()
        self.starts += 1
        self.reaper.watch_commits(self.bridge.database)

    def kill(self, down: float = 0.0) -> None:
        """End it where it stands, and begin anew after so many seconds."""
        self._revive(down)

    def _revive(self, down: float = 0.0) -> None:
        self.bridge.database.close()
        self.reachable = False
        if down:
            self.world.kernel.advance(self.world.now + down)
        while True:
            self.reachable, self._died = True, False
            try:
                self.start()
            except Killed:
                self.bridge.database.close()
            else:
                return

    def _post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> int | None:
        status = super()._post(url, headers, body, timeout)
        if status is None:
            return None
        if status >= 500:
            self.odd.append(f"a hook answered {status}")
        self.posted = [*self.posted[-19:], (url, headers, body)]
        try:
            self.reaper.at("hook")
        except Killed:
            self.reachable, self._died = False, True
            return None
        return status

    def _is_away(self, service: str) -> bool:
        return self.world.now < self.away_until[service]

    # What it consists of

    def token_file(self, location: str) -> Path:
        """Where the bridge finds a location's token."""
        return self.tmp_path / f"{location}.vpptoken"

    def location(self, name: str) -> Location:
        """A location at Apple."""
        return next(each for each in self.world.apple.locations if each.name == name)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """What the bridge has stored."""
        with self.bridge.database.read() as db:
            return list(db.execute(statement, values).fetchall())


def _settings(traits: Traits) -> MdmSettings:
    kind = "micromdm" if traits.server == "plain" else traits.server
    return MdmSettings(
        kind=kind, plain=traits.server == "plain", storage="sql" if traits.sql_queue else "file"
    )


def heal(life: Life) -> None:
    """Nothing goes wrong any more, and who was away is back."""
    world = life.world
    life.reaper.forget()
    world.faults.heal()
    life.away_until = dict.fromkeys(life.away_until, 0.0)
    world.mdm.webhook.lag = 0.0
    world.mdm.settings.race_window = 0.0
    world.apple.settings.process_delay = 2.0
    for device in world.devices:
        device.script.forget()
        device.prompt_time = 10.0


def calm(life: Life) -> None:
    """All faults are over, everybody is there, and people have done what they were asked for."""
    world, bridge = life.world, life.bridge
    heal(life)
    life.set_clock(-life.clock_ahead)
    for location in world.apple.locations:
        for adam_id in life.adam_ids:
            world.apple.buy(location, adam_id, 100)
    for pause in bridge.paused():
        bridge.resume(pause["scope"], pause["name"])
    for device in world.devices:
        device.go_online()
        if not device.enrolled:
            device.enrol()
    life.later(2 * DAY, lambda: people_answer(life))
    life.later(4 * DAY, lambda: people_answer(life))
    people_answer(life)
    bridge.apply(life.wanted, allow_removals=10_000, allow_irrevocable=10_000)
    bridge.retry()
    life.say("from here on all is calm")


def people_answer(life: Life) -> None:
    """Everybody says yes to what is asked, and closes what is open."""
    for location in life.world.apple.locations:
        for user in life.wanted.users:
            if user.client_user_id in location.users:
                location.users.accept(user.client_user_id)
    for device in life.world.devices:
        for adam_id in life.adam_ids:
            device.answer_prompt(adam_id, accept=True)
            if device.has(adam_id):
                device.user_closes(adam_id)


@contextmanager
def by_chance_of(seed: int) -> Iterator[None]:
    """What the bridge draws (CommandUUIDs, tokens) comes from a seed, too."""
    chance = random.Random(seed)

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    def token_urlsafe(_bytes: int = 32) -> str:
        return f"{chance.getrandbits(200):x}"

    with (
        mock.patch.object(uuid, "uuid4", uuid4),
        mock.patch.object(os, "urandom", chance.randbytes),
        mock.patch.object(secrets, "token_urlsafe", token_urlsafe),
    ):
        yield
