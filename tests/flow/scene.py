"""A bridge and a simulated outside in one process, with one clock that the test moves.

Nothing here sleeps: time jumps to whatever is due next, at either side.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from bridge.app import Bridge
from bridge.config import ApiConfig, Config, LocationConfig, ServerConfig
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.policy import Policy
from bridge.engine.client_pool import Transports
from bridge.engine.loop import Engine
from bridge.engine.upkeep.clock_steps import StepWatch
from bridge.simulator.apple.http import apple_app
from bridge.simulator.faults import Fault
from bridge.simulator.mdm.http import mdm_app
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.simulator.world import World, build_world
from bridge.simulator.wsgi import ConnectionDropped
from bridge.store import meta
from bridge.store.devices import devices
from bridge.store.file.database import FileDatabase
from bridge.web import create_app
from tests.wsgi_adapter import WsgiAdapter

WEBHOOK_KEY = "hook-secret"
API_KEY = "api-secret"
PUBLIC_URL = "https://bridge.example.org"
HOUR = 3600.0
DAY = 24 * HOUR


def rarely(**sync: float) -> Policy:
    """The default policy, but hardly any periodic reads (but for `sync`): they make it long to
    simulate days."""
    policy = Policy()
    every = {name: 7 * DAY for name in policy.sync.__slots__ if name.endswith("_every")}
    return replace(policy, sync=replace(policy.sync, **every | sync))


def hourly() -> Policy:
    """The default policy, but what it reads every few minutes once an hour: that makes it long to
    simulate hours."""
    policy = Policy()
    return replace(policy, sync=replace(policy.sync, service_config_every=HOUR, changes_every=HOUR))


@cache
def _empty_database() -> Path:
    """A file with all tables and nothing in them: they need not be made for each scene anew."""
    folder = TemporaryDirectory(prefix="bridge-tests-")
    atexit.register(folder.cleanup)
    made = FileDatabase(Path(folder.name) / "bridge.db")
    made.open()
    made.close()
    return made.path


class Killed(BaseException):
    """SIGKILL: nothing in the bridge may catch it."""


class Scene:
    """`world` is the outside, `bridge` and `engine` are ours; `restart` replaces them.

    The MDM server's list shows the devices that enrolled before the bridge was there. A `plain` one
    has no such list: the bridge begins with what their check-ins would have told it by then.
    """

    plain: ClassVar[bool] = False

    def __init__(
        self,
        tmp_path: Path,
        *,
        policy: Policy | None = None,
        public_url: str | None = PUBLIC_URL,
        faults: Iterable[Fault] = (),
        release_setup: bool = False,
        **world: Any,
    ) -> None:
        settings = world.pop("mdm", MdmSettings())
        enrol = world.pop("enrol", True)
        plain = self.plain or settings.kind != "micromdm"
        self.world: World = build_world(
            post=self._post,
            faults=faults,
            mdm=replace(settings, plain=plain),
            enrol=enrol,
            **world,
        )
        self.world.mdm.webhook.url = f"http://mdm:{WEBHOOK_KEY}@bridge.example.org/hooks/mdm/main"
        self.tmp_path = tmp_path
        self.reachable = True
        self.clock_ahead = 0.0
        """By how much the bridge's clock is ahead of everybody else's."""
        self.turn = 0.001
        """Seconds from one pass of the engine to the next at least: what comes meanwhile is taken
        together, as by a bridge that is busy."""
        self._died = False
        token_file = tmp_path / "hq.vpptoken"
        token_file.write_text(self.world.location.token)
        self.config = Config(
            path=tmp_path / "config.yaml",
            database=tmp_path / "bridge.db",
            public_url=public_url,
            api=ApiConfig(key=API_KEY),
            servers={
                "main": ServerConfig(
                    "main",
                    settings.kind,
                    "http://127.0.0.1:9999",
                    self.world.mdm.settings.api_key,
                    (WEBHOOK_KEY,),
                    release_setup=release_setup,
                )
            },
            locations={"hq": LocationConfig("hq", token_file)},
            apple_url="http://127.0.0.1:9998/mdm/v2",
            policy=policy or Policy(),
        )
        self.apple_adapter = WsgiAdapter(apple_app(self.world), dropped=(ConnectionDropped,))
        self.mdm_adapter = WsgiAdapter(mdm_app(self.world), dropped=(ConnectionDropped,))
        self.transports = Transports(
            apple=self.apple_adapter,
            mdm=self.mdm_adapter,
            sleep=self._sleep,
            clock=lambda: self.world.now,
        )
        self.bridge: Bridge
        self.engine: Engine
        self.client: FlaskClient
        shutil.copy(_empty_database(), self.config.database)
        self.start()
        if enrol and plain:
            self._learn_devices()

    def start(self) -> None:
        """Start the bridge, as after a boot."""
        self.bridge = Bridge(self.config, clock=self.now).open()
        self.engine = self.bridge.engine(self.transports)
        self.engine.recover()
        self.client = create_app(self.bridge).test_client()

    def now(self) -> float:
        """The time by the bridge's clock."""
        return self.world.now + self.clock_ahead

    def set_clock(self, by: float) -> None:
        """Set the clock of the bridge's machine, forward or back, while the bridge runs."""
        watch = StepWatch(self.now, lambda: self.world.now)
        self.clock_ahead += by
        self.engine.clock_stepped(watch.look())

    def restart(self) -> None:
        """Kill the bridge where it stands, and start it on the same database."""
        self.bridge.close()
        self.reachable, self._died = True, False
        self.start()

    def _sleep(self, seconds: float) -> None:
        """A call waits for its turn: time passes for everybody."""
        self.world.kernel.advance(self.world.now + seconds)
        if self._died:
            raise Killed

    def _post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> int | None:
        if not self.reachable:
            return None
        path = urlsplit(url).path
        try:
            return self.client.post(path, data=body, headers=dict(headers)).status_code
        except Killed:
            self.reachable, self._died = False, True  # the sender sees its connection drop
            return None

    @property
    def adam_ids(self) -> list[str]:
        return list(self.world.catalogue)

    @property
    def serials(self) -> list[str]:
        return [device.serial_number for device in self.world.devices]

    def desired(self, *, named: bool = False, **options: Any) -> Desired:
        """Every app for every enrolled device; `named` with their bundle ids."""
        return self._desired(Group("them", all=True), named, options)

    def wanted_for(self, serials: Iterable[str], *, named: bool = False, **options: Any) -> Desired:
        """Every app for these devices."""
        return self._desired(Group("them", serials=tuple(serials)), named, options)

    def _desired(self, group: Group, named: bool, options: Mapping[str, Any]) -> Desired:
        return Desired(
            groups=(group,),
            apps=tuple(
                AppWish(
                    adam_id,
                    (group.name,),
                    "hq",
                    name=name,
                    bundle_id=bundle_id if named else None,
                    **options,
                )
                for adam_id, (bundle_id, name) in self.world.catalogue.items()
            ),
        )

    def apply(self, desired: Desired | None = None) -> None:
        self.bridge.apply(desired or self.desired())

    def settle(self) -> None:
        """Let the bridge do all that is due now; the clock stands still."""
        for _ in range(10_000):
            if not self.engine.run_once():
                return
        raise AssertionError("the engine finds no rest")

    def run(self, until: Callable[[], bool], limit: float = 3600.0) -> None:
        """Let time pass until `until`; fails when `limit` seconds have passed without it."""
        deadline = self.world.now + limit
        while True:
            self.settle()
            if until():
                return
            engine_due = self.engine.next_due()
            if engine_due is not None:
                engine_due -= self.clock_ahead
            due = [t for t in (self.world.kernel.next_due(), engine_due) if t]
            if not due:
                raise AssertionError("nothing is due any more, and it has not happened")
            turn = min(self.turn, max(deadline - self.world.now, 0.001))
            at = max(min(due), self.world.now + turn)
            if at > deadline:
                raise AssertionError(f"it did not happen within {limit:g} s: {self.states()}")
            self.world.kernel.advance(at)
            if self._died:
                raise Killed

    def pass_time(self, seconds: float) -> None:
        """Let this much time pass, with all that happens in it."""
        end = self.world.now + seconds
        self.world.kernel.at(end, lambda: None)
        self.run(lambda: self.world.now >= end, seconds + 1)

    def _learn_devices(self) -> None:
        now = self.now()
        with self.bridge.database.write() as db:
            for each in self.world.devices:
                made = devices.ensure(db, "main", udid=each.udid, enrollment_id=None, now=now)
                devices.learn(db, made.id, {"serial_number": each.serial_number}, now)
                told = {"enrolled": 1, "enrolment": 1, "enrolled_at": now, "last_seen_at": now}
                devices.update(db, made.id, **told)

    def installs(self, **filters: Any) -> list[Mapping[str, Any]]:
        return list(self.bridge.list_installs(limit=1000, **filters).items)

    def states(self) -> dict[str, int]:
        """How many installs there are by "state REASON"."""
        with self.bridge.database.read() as db:
            found = db.execute(
                "SELECT state || ' ' || reason, count(*) FROM installs GROUP BY 1"
            ).fetchall()
        return {row[0]: row[1] for row in found}

    def all_installed(self) -> bool:
        with self.bridge.database.read() as db:
            states = {row[0] for row in db.execute("SELECT DISTINCT state FROM installs")}
        return states == {"installed"}

    def install(self, serial: str | None = None, adam_id: str | None = None) -> Mapping[str, Any]:
        """One install with its explanation; of the first device and app unless named."""
        found = self.bridge.get_install(serial or self.serials[0], adam_id or self.adam_ids[0])
        assert found is not None
        return found

    def install_made_at(self) -> float:
        """When the first install was made."""
        with self.bridge.database.read() as db:
            return float(db.execute("SELECT min(created_at) FROM installs").fetchone()[0])

    def received(self, request_type: str) -> int:
        """How many commands of a kind reached the devices."""
        return sum(
            command.request_type == request_type
            for device in self.world.devices
            for command in device.received
        )

    def counters(self) -> Mapping[str, int]:
        with self.bridge.database.read() as db:
            return meta.counters(db)


MakeScene = Callable[..., Scene]


def scenes(folder: Path, **defaults: Any) -> Iterator[MakeScene]:
    """What a fixture yields to make scenes; the arguments are those of Scene, without the path."""
    made: list[Scene] = []

    def make(**arguments: Any) -> Scene:
        path = folder / str(len(made))
        path.mkdir()
        made.append(Scene(path, **defaults | arguments))
        return made[-1]

    yield make
    for scene in made:
        scene.bridge.close()
