"""What really happened between a bridge, a real MicroMDM and devices: seen from both of its sides.

Nothing here asks the bridge: a gate in front of MicroMDM sees what is posted, and the devices'
transport sees what is delivered and answered.
"""

from __future__ import annotations

import http.client
import plistlib
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bridge.simulator.devices.device import Device, Transport
from bridge.simulator.ledger import Posted
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.simulator.mdm.real_nano import RealNano
from bridge.simulator.world import World

INSTALL = "InstallApplication"
LIST = "ManagedApplicationList"

_UUID = re.compile(rb"<key>CommandUUID</key>\s*<string>([^<]+)</string>")
_STATUS = re.compile(rb"<key>Status</key>\s*<string>([^<]+)</string>")
_COMMANDS = re.compile(r".*/(?:commands|enqueue)/")

Pair = tuple[str, str]
"""A device's UDID and an adam id."""


@dataclass(frozen=True)
class Post:
    """A command that the bridge posted at `at` (epoch seconds); `adam_id` is "" for a question."""

    at: float
    udid: str
    command_uuid: str
    request_type: str
    adam_id: str


@dataclass(frozen=True)
class Said:
    """What a device said to a command of the bridge, and in which of its enrolments.

    `shows` are the bundle ids of a ManagedApplicationList.
    """

    at: float
    udid: str
    command_uuid: str
    status: str
    enrolment: int
    shows: frozenset[str] = frozenset()


@dataclass
class Evidence:
    """Posts, deliveries and answers in their order; the simulator's ledger is told of them, too."""

    world: World
    posts: list[Post] = field(default_factory=list)
    delivered: list[tuple[float, str]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    _ours: dict[str, Post] = field(default_factory=dict)
    _enrolments: Counter[str] = field(default_factory=Counter)

    # Told by the gate and by the devices' transport

    def saw_post(self, udid: str, body: bytes) -> None:
        """The bridge posts a command; it is noted before the server has it."""
        command = plistlib.loads(body)
        uuid, kind = str(command["CommandUUID"]), str(command["Command"]["RequestType"])
        adam_id = str(command["Command"].get("iTunesStoreID", ""))
        with self.world.lock:
            post = Post(time.time(), udid, uuid, kind, adam_id)
            self.posts.append(post)
            self._ours[uuid] = post
            self.world.ledger.queued(udid, uuid, kind, adam_id)
            if kind == INSTALL:
                licensed = self.world.assigned(self.serial_of(udid), adam_id)
                self.world.ledger.posted(Posted(post.at, udid, adam_id, uuid), licensed=licensed)

    def saw_answer(self, udid: str, body: bytes) -> None:
        """A device is about to send this."""
        found = _UUID.search(body)
        uuid = found[1].decode() if found else ""
        if uuid not in self._ours:
            return
        status = _STATUS.findall(body)[-1].decode()
        shows = plistlib.loads(body).get(LIST, {}) if status == "Acknowledged" else ()
        with self.world.lock:
            said = Said(time.time(), udid, uuid, status, self._enrolments[udid], frozenset(shows))
            self.said.append(said)
            self.world.ledger.answered(udid, uuid, status)

    def saw_delivery(self, udid: str, reply: bytes) -> None:
        """MicroMDM handed this to a device."""
        found = _UUID.search(reply)
        if found and (uuid := found[1].decode()) in self._ours:
            with self.world.lock:
                self.delivered.append((time.time(), uuid))
                self.world.ledger.delivered(udid, uuid)

    def saw_enrolment(self, udid: str) -> None:
        """A device sends Authenticate, at which MicroMDM clears its queue."""
        with self.world.lock:
            self._enrolments[udid] += 1
            self.world.ledger.enrolled(udid)

    # What follows from it

    def serial_of(self, udid: str) -> str:
        """The serial number of the device with this UDID."""
        return next(d.serial_number for d in self.world.devices if d.key == udid)

    def kinds(self, udid: str | None = None) -> list[str]:
        """The request types of everything that was posted, in order."""
        return [post.request_type for post in self.posts if udid in (None, post.udid)]

    def installs(self) -> dict[Pair, list[Post]]:
        """Every InstallApplication that was posted, by device and app."""
        found: dict[Pair, list[Post]] = defaultdict(list)
        for post in self.posts:
            if post.request_type == INSTALL:
                found[post.udid, post.adam_id].append(post)
        return dict(found)

    def answers(self, udid: str | None = None) -> list[tuple[str, str]]:
        """(request type, status) of all that devices said to the bridge's commands, in order."""
        return [
            (self._ours[each.command_uuid].request_type, each.status)
            for each in self.said
            if udid in (None, each.udid)
        ]

    def lost_and_repeated(self) -> tuple[int, int]:
        """How many posts MicroMDM never delivered, and how often it delivered one once more."""
        posted, came = defaultdict(list), defaultdict(list)
        for post in self.posts:
            posted[post.command_uuid].append(post.at)
        for at, uuid in self.delivered:
            came[uuid].append(at)
        lost = repeated = 0
        for uuid, times in posted.items():
            for start, end in zip(times, [*times[1:], float("inf")], strict=True):
                count = sum(start <= at < end for at in came[uuid])
                lost += count == 0
                repeated += max(count - 1, 0)
        return lost, repeated

    def second_uuids(self) -> list[str]:
        """Installs that got more CommandUUIDs than their device's errors and enrolments explain."""
        errors: Counter[Pair] = Counter()
        for each in self.said:
            post = self._ours[each.command_uuid]
            errors[post.udid, post.adam_id] += each.status in ("Error", "CommandFormatError")
        found = []
        for (udid, adam_id), posts in self.installs().items():
            explained = self._enrolments[udid] + errors[udid, adam_id]
            uuids = [post.command_uuid for post in posts]
            if len(set(uuids)) > max(explained, 1):
                found.append(f"{adam_id} on {udid}: {uuids}")
        return found

    def posted_though_delivered(self) -> list[str]:
        """Installs posted again though their device had taken them."""
        return [
            f"{adam_id} on {udid} as {again.command_uuid}"
            for (udid, adam_id), posts in self.installs().items()
            for again in posts[1:]
            if any(uuid == again.command_uuid and at < again.at for at, uuid in self.delivered)
        ]

    def posted_though_shown(self, heard_at: dict[str, float], grace: float) -> list[str]:
        """Installs posted after the bridge had a list of the same enrolment that shows the app.

        `heard_at` is by CommandUUID when the bridge got the answer; a post that was on its way
        within `grace` seconds of that is no fault.
        """
        found = []
        for (udid, adam_id), posts in self.installs().items():
            bundle_id = self.world.catalogue[adam_id][0]
            for said in self.said:
                if said.udid != udid or bundle_id not in said.shows:
                    continue
                heard = heard_at.get(said.command_uuid, float("inf")) + grace
                end = self._next_enrolment(udid, said)
                found += [
                    f"{adam_id} on {udid} as {post.command_uuid}, {post.at - heard + grace:.2f} s "
                    f"after {said.command_uuid} had shown it"
                    for post in posts
                    if heard < post.at < end
                ]
        return found

    def _next_enrolment(self, udid: str, said: Said) -> float:
        later = (s.at for s in self.said if s.udid == udid and s.enrolment > said.enrolment)
        return min(later, default=float("inf"))


class Witness:
    """The devices' way to MicroMDM, watched."""

    def __init__(self, inner: Transport, evidence: Evidence) -> None:
        self._inner = inner
        self._evidence = evidence

    def checkin(self, device: Device, body: bytes) -> int:
        """See `Transport`."""
        if b"<string>Authenticate</string>" in body:
            self._evidence.saw_enrolment(device.key)
        status = self._inner.checkin(device, body)
        self._evidence.statuses[status] += 1
        return status

    def connect(self, device: Device, body: bytes) -> tuple[int, bytes]:
        """See `Transport`."""
        self._evidence.saw_answer(device.key, body)
        status, reply = self._inner.connect(device, body)
        self._evidence.statuses[status] += 1
        self._evidence.saw_delivery(device.key, reply)
        return status, reply


class Gate:
    """MicroMDM's API as the bridge reaches it: every call is passed on as it is, and noted.

    It is open while MicroMDM runs; a connection is used once, so that no open one is left.
    `strikes(call, "before" or "after")` is asked before a call is passed on and before its reply
    is given; where it says so, the connection ends there and then.
    """

    def __init__(self, mdm: RealMicroMdm | RealNano | _At, evidence: Evidence) -> None:
        self._mdm = mdm
        self._evidence = evidence
        self._server: ThreadingHTTPServer | None = None
        self.strikes: Callable[[str, str], bool] = lambda call, when: False
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as drawn:
            self.port = drawn.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Let calls pass."""
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = gate.name_of(self.command, self.path, body)
                if gate.strikes(call, "before"):
                    return
                gate._note(self.command, self.path, body)
                status, headers, reply = gate._pass_on(self.command, self.path, body, self.headers)
                if gate.strikes(call, "after"):
                    return
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """MicroMDM went away in the middle of a call: so does the gate."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, as a server that is down."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def name_of(self, method: str, path: str, body: bytes) -> str:
        """A call without what is different each time."""
        found = _COMMANDS.match(path)
        if found is None:
            return f"{method} {path.partition('?')[0]}"
        kind = re.search(rb"<key>RequestType</key>\s*<string>([^<]+)</string>", body)
        return f"{method} {found[0]} {kind[1].decode() if kind else ''}".strip()

    def _note(self, method: str, path: str, body: bytes) -> None:
        found = _COMMANDS.match(path)
        self._evidence.asked[f"{method} {found[0] if found else path}"] += 1
        if found and method in ("POST", "PUT"):
            self._evidence.saw_post(path.removeprefix(found[0]), body)

    def _pass_on(
        self, method: str, path: str, body: bytes, headers: Message[str, str]
    ) -> tuple[int, Iterable[tuple[str, str]], bytes]:
        kept = {n: v for n, v in headers.items() if n in ("Authorization", "Content-Type")}
        connection = http.client.HTTPConnection("127.0.0.1", self._mdm.port, timeout=30)
        try:
            connection.request(method, path, body, kept)
            response = connection.getresponse()
            reply = response.read()
            answer = [("Content-Length", str(len(reply)))]
            if kind := response.headers["Content-Type"]:
                answer.append(("Content-Type", kind))
            return response.status, answer, reply
        finally:
            connection.close()


class AppleGate(Gate):
    """The simulated Apple as the bridge reaches it."""

    def __init__(self, port: int, evidence: Evidence) -> None:
        super().__init__(_At(port), evidence)

    def _note(self, method: str, path: str, body: bytes) -> None:
        """The simulator keeps a ledger of its own."""


@dataclass(frozen=True)
class _At:
    """A server by its port alone."""

    port: int
