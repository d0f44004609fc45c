"""A real bridge beside a real MicroMDM, with a simulated Apple and devices that live on their own.

The bridge is `python -m bridge serve` on a database file; MicroMDM calls its hook with the
credentials in the webhook URL. There is no push certificate, so every device connects by itself.
Time is real: tests wait for what they want to see, with a deadline, and no longer.
"""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit

from bridge.demo.bridge import (
    Api,
    BridgeProcess,
    Unreachable,
    apply,
    make_place,
    wait_until_alive,
)
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.simulator.mdm.real_nano import RealNano
from bridge.simulator.serve import run
from bridge.simulator.world import build_world
from bridge.store.inbox.mark import taken
from bridge.store.inbox.message import Arrived
from bridge.store.inbox.waiting import Waiting
from bridge.store.postgresql.connection import connect
from tests import inbox_file
from tests.postgresql import url
from tests.real.bridge_evidence import INSTALL, AppleGate, Evidence, Gate, Witness
from tests.real.lab import API_KEY, call

Stand = Mapping[str, Any]
"""What a Rig is made of: the program, and where it keeps what it knows."""

WITHIN = 60.0
WEBHOOK_KEY = "a+webhook/key %"
GRACE = 1.0

POLICY: Mapping[str, Mapping[str, object]] = {
    "call": {"retry": ["500ms", "1s", "1s"]},
    "event_status": {"first_after": "1s", "min_interval": "1s"},
    "associate": {"collect_for": "300ms", "in_doubt_wait": "10s", "retry": ["1s", "2s"]},
    "command": {"in_doubt_after": "3s"},
    "install": {"license_retry": ["500ms", "1s", "1s", "2s"]},
    "setup": {},
    "verify": {"first_after": "1s", "unreadable_retry": ["1s", "1s", "2s", "2s", "5s", "10s"]},
}


def until(holds: Callable[[], object], what: str, within: float = WITHIN) -> None:
    """Wait until `holds`; fails with `what` after `within` seconds."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, f"not so within {within:g} s: {what}"
        time.sleep(0.05)


def tell(*lines: str) -> None:
    """Say something that `pytest -rP` shows, and every failure."""
    print(*lines, sep="\n")  # noqa: T201


def takes_it_and_is_gone(device: Device, request_type: str, _adam_id: str) -> Planned | None:
    """For `Device.misbehave`: takes an install, does not answer, and is out of reach."""
    if request_type != INSTALL:
        return None
    device.online = False
    return script.silent()


def puts_installs_off(_device: Device, request_type: str, _adam_id: str) -> Planned | None:
    """For `Device.misbehave`: says NotNow to every install."""
    return script.not_now() if request_type == INSTALL else None


def does_what_it_should(_device: Device, _request_type: str, _adam_id: str) -> None:
    """For `Device.misbehave`."""


class Life:
    """A device that connects again and again, `pause` seconds after it was done the last time,
    as long as it `may`.

    Whoever else touches the device holds `lock`.
    """

    def __init__(self, device: Device, pause: float, may: threading.Event) -> None:
        self.device = device
        self.lock = threading.RLock()
        self._pause = pause
        self._may = may
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=device.name, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        while not self._stop.wait(self._pause):
            if not self._may.wait(0.1):
                continue
            with self.lock:
                if self.device.online and self.device.enrolled:
                    try:
                        self.device.connect()
                    except (OSError, http.client.HTTPException):
                        continue

    def end(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)


class Serve(BridgeProcess):
    """`vpp-bridge serve`."""

    def send(self, signum: int) -> None:
        """Send a signal to all of its processes."""
        self._signal(signum)


class Rig:
    """Everything for one test, started piece by piece; as a context manager it ends all of it.

    `policy` changes POLICY group by group, `named` puts the bundle ids into the configuration,
    `app` are further keys of each app,
    `by_serial` wishes for these devices by their serial numbers instead of for all,
    `kind` is the server's (with `hmac_key` it signs its webhooks, `storage` are its options for
    where it keeps what it knows), `server` is what its entry in the configuration has besides,
    `second` is the kind of a further one named "next", with which no device enrols by itself,
    `pause` is the time in seconds between a device's connections, `further` are options of
    `build_world`. MicroMDM sends its webhooks one after the other, so devices that hardly pause
    would be minutes ahead of them: with `most_behind` they (and whoever else looks at `breath`)
    are held back while that many are still to come. Without `own_policy` the bridge has its
    default policy. `database` is the connection string of an empty database on a PostgreSQL, where
    the bridge is not to have a file.
    """

    def __init__(
        self,
        directory: Path,
        devices: int = 1,
        apps: int = 1,
        *,
        policy: Mapping[str, Mapping[str, object]] | None = None,
        named: bool = False,
        app: Mapping[str, object] | None = None,
        by_serial: bool = False,
        pause: float = 0.4,
        most_behind: int | None = None,
        own_policy: bool = True,
        queue: Literal["builtin", "inmem"] = "builtin",
        kind: Literal["micromdm", "nanomdm", "nanohub"] = "micromdm",
        hmac_key: str = "",
        storage: Sequence[str] = (),
        server: Mapping[str, object] | None = None,
        second: Literal["nanomdm", "nanohub"] | None = None,
        database: str | None = None,
        **further: Any,
    ) -> None:
        options: dict[str, Any] = {"macs": 0.0, "install_time": 0.8} | further
        self.world = build_world(
            devices,
            apps,
            clock=time.time,
            enrol=False,
            apple=AppleSettings(process_delay=0.2, notifications=NotificationSettings(delay=0.2)),
            traits={"not_now_rest": 1e9},  # they come anyway, and only from their own thread
            **options,
        )
        self.evidence = Evidence(self.world)
        self.place = replace(make_place(directory, API_KEY), webhook_key=WEBHOOK_KEY)
        self.process = Serve(self.place)
        self.api = Api(self.place)
        self.mdm: RealMicroMdm | RealNano
        if kind == "micromdm":
            self.mdm = RealMicroMdm(directory / kind, self.webhook_url(), API_KEY, queue)
        else:
            url = self.webhook_url()
            self.mdm = RealNano(
                directory / kind, url, API_KEY, kind, hmac_key=hmac_key, storage=storage
            )
        signs = {"webhook_hmac_key": hmac_key} if hmac_key else {}
        self._server = {"kind": kind, **signs, **(server or {})}
        self.gate = Gate(self.mdm, self.evidence)
        self.second: RealNano | None = None
        if second is not None:
            self.second = RealNano(directory / "second", self.webhook_url("next"), API_KEY, second)
            self.second_gate = Gate(self.second, self.evidence)
        self.lives: list[Life] = []
        self._database = database
        base = POLICY if own_policy else {}
        given = policy or {}
        self._policy = {g: {**base.get(g, {}), **given.get(g, {})} for g in {**base, **given}}
        self._named = named
        self._app = dict(app or {})
        self._by_serial = by_serial
        self._pause = pause
        self._most_behind = most_behind
        self.breath = threading.Event()
        self._stop = threading.Event()
        self._stack = ExitStack()
        witness = Witness(self.mdm.transport, self.evidence)
        for device in self.devices:
            device.transport = witness

    @property
    def devices(self) -> list[Device]:
        return self.world.devices

    @property
    def apple_url(self) -> str:
        """The simulated Apple itself, without the gate."""
        return self._apple.apple_url

    @property
    def device(self) -> Device:
        """The first device."""
        return self.world.devices[0]

    @property
    def adam_id(self) -> str:
        """The first app."""
        return next(iter(self.world.catalogue))

    # Starting and ending

    def __enter__(self) -> Self:
        self._apple = run(self.world)
        self._stack.callback(self._apple.stop)
        address = urlsplit(self._apple.apple_url)
        self.apple_gate = AppleGate(address.port or 0, self.evidence)
        self._stack.callback(self.apple_gate.close)
        self.apple_gate.open()
        self._stack.callback(self.mdm.stop)
        self._stack.callback(self.gate.close)
        if self.second is not None:
            self._stack.callback(self.second.stop)
            self._stack.callback(self.second_gate.close)
            self.second.start()
            self.second_gate.open()
        self._stack.callback(self._end_lives)
        self._stack.callback(self.process.stop)
        self.place.directory.joinpath("hq.vpptoken").write_text(self.world.location.token)
        self.place.config.write_text(json.dumps(self._config()))
        for path in self.place.directory.iterdir():
            path.chmod(0o600)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._tell_state()
        self._stack.close()

    def _tell_state(self) -> None:
        for install in self.rows("SELECT * FROM installs WHERE state <> 'installed'")[:5]:
            tell(f"not installed: {dict(install)}")
        for command in self.rows("SELECT * FROM commands ORDER BY created_at DESC LIMIT 10"):
            tell(f"command: {dict(command)}")
        for log in (self.place.log, self.mdm.log):
            if log.exists():
                tell(f"{log}:", *log.read_text(errors="replace").splitlines()[-10:])

    def start(self) -> None:
        """Everything at once: MicroMDM, the bridge, the wish, and devices that enrol."""
        self.process.start()
        self.start_mdm()
        self.apply()
        wait_until_alive(self.api, self.process, WITHIN)
        self.enrol()

    def start_mdm(self) -> None:
        self.mdm.start()
        self.gate.open()

    def stop_mdm(self) -> None:
        """As an administrator restarts it; the devices notice with their next connection."""
        self.gate.close()
        with self.devices_held():
            self.mdm.stop()

    def start_bridge(self) -> None:
        self.process.start()
        wait_until_alive(self.api, self.process, WITHIN)

    def apply(self) -> None:
        apply(self.place)

    @contextmanager
    def dead_bridge(self) -> Iterator[None]:
        """Kill the bridge, and start it again when the webhooks of all that happened are lost."""
        with self.devices_held():
            until(lambda: self._heard() == self.evidence.statuses.total(), "all was heard")
            self.process.kill()
            before = self.evidence.statuses.total()
        yield
        with self.devices_held():
            unheard = self.evidence.statuses.total() - before
            until(lambda: self._lost() >= unheard, "all the webhooks were lost")
        self.start_bridge()

    def _heard(self) -> int:
        arrived = self._waiting()
        found = self.rows("SELECT id FROM events WHERE source = 'mdm'")
        return len({each.id for each in arrived if each.source == "mdm"} | {r["id"] for r in found})

    def _waiting(self) -> list[Arrived]:
        """What came in and was not taken yet."""
        if self._database is None:
            return inbox_file.waiting(self.place.directory / "bridge.db")
        with closing(connect(self._database)) as db:
            return list(Waiting(db, taken(db)).all())

    def _lost(self) -> int:
        return self.mdm.log.read_text().count('msg="post webhook event"')

    @contextmanager
    def frozen_bridge(self) -> Iterator[None]:
        """All its processes stand still: connections are made, and nothing is answered."""
        self.process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send(signal.SIGCONT)

    def start_holding(self, *devices: Device) -> None:
        """Start everything, and wait until each of these devices has taken an install without a
        word and is out of reach; when it comes back it does what it should."""
        for device in devices:
            device.misbehave = takes_it_and_is_gone
        self.start()
        until(lambda: not any(device.online for device in devices), "they took an install")
        for device in devices:
            with self.held(device):
                device.misbehave = does_what_it_should

    def enrol(self) -> None:
        """Let every device enrol, and live from now on."""
        for device in self.devices:
            device.enrol()
            self.lives.append(Life(device, self._pause, self.breath))
        self._breathe()

    def live(self) -> None:
        """Let devices that are enrolled come for commands from now on."""
        self.lives += [Life(device, self._pause, self.breath) for device in self.devices]
        self._breathe()

    def _breathe(self) -> None:
        self.breath.set()
        if self._most_behind is not None:
            most = (self._most_behind,)
            holding = threading.Thread(target=self._hold_back, args=most, daemon=True)
            holding.start()
            self._stack.callback(holding.join, 30)
            self._stack.callback(self._stop.set)

    def _hold_back(self, most: int) -> None:
        while not self._stop.wait(0.05):
            if self.evidence.statuses.total() - self._heard() < most:
                self.breath.set()
            else:
                self.breath.clear()

    def _end_lives(self) -> None:
        for life in self.lives:
            life.end()

    # Looking and touching

    @contextmanager
    def held(self, device: Device) -> Iterator[Device]:
        """The device in the caller's hands: it does not connect meanwhile."""
        (life,) = (each for each in self.lives if each.device is device)
        with life.lock:
            yield device

    @contextmanager
    def devices_held(self) -> Iterator[None]:
        with ExitStack() as stack:
            for life in self.lives:
                stack.enter_context(life.lock)
            yield

    def go_offline(self, *devices: Device) -> None:
        for device in devices or self.devices:
            with self.held(device):
                device.online = False

    def go_online(self, *devices: Device) -> None:
        for device in devices or self.devices:
            with self.held(device):
                device.online = True

    def states(self) -> dict[str, int]:
        """How many installs there are by "state REASON"; empty while the bridge is away."""
        found: dict[str, int] = {}
        try:
            for install in self.api.installs():
                key = f"{install['state']} {install['reason']}"
                found[key] = found.get(key, 0) + 1
        except Unreachable:
            return {}
        return found

    def is_ready(self) -> bool:
        """Whether the bridge says that it is."""
        try:
            self.api.get("/readyz")
        except Unreachable:
            return False
        return True

    def all_installed(self) -> bool:
        return self.states() == {"installed INSTALLED": len(self.world.everything())}

    def move(self, device: Device) -> None:
        """Let a device enrol with the second server, its apps staying as they are."""
        assert self.second is not None
        with self.held(device):
            device.transport = Witness(self.second.transport, self.evidence)
            device.enrol()

    def queued(self, device: Device) -> list[str]:
        """The CommandUUIDs that MicroMDM's own queue view shows."""
        assert isinstance(self.mdm, RealMicroMdm)
        status, reply = call(self.mdm, "GET", f"/v1/commands/{device.udid}")
        assert status == 200
        return [command["uuid"] for command in reply.get("commands") or []]

    def posted(self, request_type: str = INSTALL) -> list[str]:
        """The CommandUUIDs that the bridge posted for this kind of command, in order."""
        posts = self.evidence.posts
        return [post.command_uuid for post in posts if post.request_type == request_type]

    def rows(self, statement: str, *values: object) -> Sequence[Any]:
        """What the bridge's database says, read beside it; columns by their names."""
        if self._database is not None:
            with closing(connect(self._database)) as db:
                return db.execute(statement, values).fetchall()
        path = self.place.directory / "bridge.db"
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            database.row_factory = sqlite3.Row
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    def outcomes(self, command_uuid: str) -> list[str]:
        """What came of the webhooks that named this command, in order."""
        found = self.rows(
            "SELECT outcome FROM events WHERE command_uuid = ? ORDER BY id", command_uuid
        )
        return [row["outcome"] or "" for row in found]

    # The end

    def ends_well(self, within: float = WITHIN) -> None:
        """Wait until everything is installed, as the bridge says and in truth; then judge."""
        until(self.all_installed, "everything is installed", within)
        self.judge()

    def judge(self, *, may_post_again: bool = False) -> None:
        """Fail for an app that is not there, and for anything that must never happen. In Setup
        Assistant the bridge `may_post_again` what its device never took, without asking it."""
        with self.devices_held():
            assert self.world.missing(self.world.everything()) == []
        violations = self.world.ledger.violations()
        if may_post_again:
            violations = [each for each in violations if each.kind != "posted_again_unasked"]
            assert self.evidence.posted_though_delivered() == []
        assert violations == []
        assert self.evidence.second_uuids() == []
        assert self.evidence.posted_though_shown(self._heard_at(), GRACE) == []

    def executed(self, device: Device) -> list[str]:
        """The adam ids of the installs that a device really began, sorted."""
        return sorted(install.adam_id for install in device.installs)

    def _heard_at(self) -> dict[str, float]:
        found = self.rows("SELECT command_uuid, received_at FROM events ORDER BY id DESC")
        return {row["command_uuid"]: row["received_at"] for row in found}

    def complaints(self) -> list[str]:
        """Warnings and errors in the bridge's log."""
        lines = self.place.log.read_text().splitlines()
        return [line for line in lines if "level=error" in line or "level=warning" in line]

    def tell_figures(self, **more: object) -> None:
        """Say what was counted."""
        lost, repeated = self.evidence.lost_and_repeated()
        installs = self.evidence.installs()
        posts = sum(len(each) for each in installs.values())
        counters = {row["name"]: row["value"] for row in self.rows("SELECT * FROM counters")}
        counted = {
            "installs": len(installs),
            "posted": posts,
            "posted_again": posts - len(set(self.posted())),
            "commands": len(self.evidence.posts),
            "lost_by_micromdm": lost,
            "repeated_by_micromdm": repeated,
            "webhooks": self._heard(),
            **more,
            **counters,
        }
        tell("counted: " + ", ".join(f"{name} {value}" for name, value in counted.items()))

    def webhook_url(self, server: str = "main") -> str:
        """The bridge's hook, with the credentials as MicroMDM takes them."""
        url = f"127.0.0.1:{self.place.port}/hooks/mdm/{server}"
        return f"http://hook:{quote(WEBHOOK_KEY, safe='')}@{url}"

    def _config(self) -> dict[str, object]:
        serials = [device.serial_number for device in self.devices]
        return {
            "database": "bridge.db" if self._database is None else url(self._database),
            "listen": f"127.0.0.1:{self.place.port}",
            "public_url": self.place.url,
            "api": {"key": self.place.api_key},
            "servers": {
                "main": {"url": self.gate.url, "api_key": API_KEY, "webhook_key": WEBHOOK_KEY}
                | self._server
            }
            | self._second_server(),
            "locations": {"hq": {"content_token_file": "hq.vpptoken"}},
            "apple": {"url": self.apple_gate.url + urlsplit(self._apple.apple_url).path},
            "groups": {"everyone": {"serials": serials} if self._by_serial else {"all": True}},
            "apps": [
                {"adam_id": adam_id, "name": name, "groups": ["everyone"]}
                | ({"bundle_id": bundle_id} if self._named else {})
                | self._app
                for adam_id, (bundle_id, name) in self.world.catalogue.items()
            ],
            "policy": self._policy,
        }

    def _second_server(self) -> dict[str, object]:
        if self.second is None:
            return {}
        url, kind = self.second_gate.url, self.second.program
        return {"next": {"kind": kind, "url": url, "api_key": API_KEY, "webhook_key": WEBHOOK_KEY}}
