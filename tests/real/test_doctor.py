"""`vpp-bridge doctor` beside set-ups that are broken, each in one way: the line, with its mend.

The command is the real one, in a process of its own; it meets a real MicroMDM, NanoMDM and NanoHUB,
a real `serve`, and the simulated Apple. What it must say of each stands in docs/doctor.md.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.mdm.real_mdm import RealMicroMdm, free_port
from bridge.simulator.mdm.real_nano import RealNano
from tests.real.bridge_kit import WEBHOOK_KEY, Rig, tell, until
from tests.real.certificates import Authority, tls_with
from tests.real.lab import API_KEY, call

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOUR, DAY = 3600.0, 86400.0
PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
WITHOUT_RIGHTS = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)
"""So that the modes of files hold for root, too."""
NOWHERE = "http://127.0.0.1:1/webhook"
_NOT_OURS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Said:
    """What doctor printed, as its findings."""

    code: int
    findings: tuple[Mapping[str, str], ...]

    @property
    def lines(self) -> list[str]:
        """As a person reads them."""
        return [
            f"{each['level']:4}  {each['part']}: {each['text'].rstrip('.')}; {each['mend']}"
            for each in self.findings
        ]


class Stand:
    """A bridge that is well, and the doctor of set-ups that differ from it in one thing."""

    def __init__(self, rig: Rig, hub: RealNano, nano: RealNano) -> None:
        self.rig, self.hub, self.nano = rig, hub, nano
        self.authority = Authority()
        self.secret("ca.pem", self.authority.pem)
        self.apple = rig.apple_url
        config: dict[str, Any] = json.loads(rig.place.config.read_text())
        config["apple"]["url"] = self.apple
        config["servers"]["main"]["url"] = rig.mdm.url
        config["policy"]["call"] |= {"connect_timeout": "1s", "read_timeout": "1s"}
        self.config = config

    @property
    def directory(self) -> Path:
        return self.rig.place.directory

    def secret(self, name: str, text: str | bytes, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.unlink(missing_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def folder(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(exist_ok=True)
        return path

    def token(self, content: str | bytes | None = None, mode: int = 0o600) -> dict[str, str]:
        """The location's part of a file with this content token, else its own."""
        text = self.own_token if content is None else content
        return {"content_token_file": self.secret("changed.vpptoken", text, mode).name}

    @property
    def own_token(self) -> str:
        return (self.directory / "hq.vpptoken").read_text()

    def doctor(
        self,
        change: Mapping[str, Any] | None = None,
        *,
        main: Mapping[str, Any] | None = None,
        hq: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        wrap: tuple[str, ...] = (),
        mode: int = 0o600,
    ) -> Said:
        """Run it; `change` is of the whole file, `main` of the MDM server's part, `hq` of the
        location's."""
        config = json.loads(json.dumps(self.config)) | dict(change or {})
        config["servers"]["main"] |= main or {}
        config["locations"]["hq"] |= hq or {}
        path = self.secret("broken.yaml", json.dumps(config), mode)
        command = (*wrap, sys.executable, "-m", "bridge", "--config", str(path), "doctor", "--json")
        kept = {k: v for k, v in os.environ.items() if k.upper() not in _NOT_OURS}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=kept | dict(environ or {})
        )
        assert done.stdout, done.stderr
        said = Said(done.returncode, tuple(json.loads(done.stdout)["findings"]))
        tell(*said.lines)
        for secret in (API_KEY, WEBHOOK_KEY, self.own_token, "proxy-secret"):
            assert secret not in done.stdout + done.stderr
        return said

    def at(self, url: str, **more: Any) -> Said:
        """With Apple elsewhere."""
        return self.doctor({"apple": {"url": url}}, **more)

    @contextmanager
    def answering(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> Iterator[str]:
        """A web server that has one answer for everything; its URL."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_CONNECT = do_GET

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.handle_error = lambda *_: None  # type: ignore[method-assign]
            if context is not None:
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
            server.shutdown()

    def showing(self, *, known: bool, **made: Any) -> Said:
        """With an MDM server that shows a certificate; is its CA known here?"""
        context = tls_with(self.authority.issue(**made), self.directory)
        environ = {"REQUESTS_CA_BUNDLE": str(self.directory / "ca.pem")} if known else {}
        with self.answering(200, b"{}", context=context) as url:
            return self.doctor(main={"url": url}, environ=environ)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    place = tmp_path_factory.mktemp("doctor")
    with (
        Rig(place) as rig,
        RealNano(place / "hub", NOWHERE, API_KEY, "nanohub") as hub,
        RealNano(place / "nano", NOWHERE, API_KEY) as nano,
    ):
        rig.start()
        until(rig.all_installed, "it is well")
        yield Stand(rig, hub, nano)


def lines_of(page: str) -> dict[str, str]:
    """The page's table: what doctor says, by what is wrong."""
    rows = re.findall(r"^\| ([^|]+?) \| `([^`]+)` \|$", page, re.MULTILINE)
    return {wrong: line for wrong, line in rows if wrong != "what is wrong"}


def plain(stand: Stand, line: str) -> str:
    """A line as the page has it."""
    line = line.replace(str(stand.directory), "PATH")
    line = re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", line)
    line = re.sub(r"(at|TCP) port \d+", r"\1 port PORT", line)
    line = re.sub(r"\b\d+ (webhooks|×)", r"N \1", line)
    line = re.sub(rf"\b{pwd.getpwuid(os.geteuid()).pw_name}\b", "USER", line)
    line = re.sub(r"broken\.yaml:\d+", "config.yaml:LINE", line).replace(
        "broken.yaml", "config.yaml"
    )
    line = re.sub(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", line)
    return re.sub(r"\b\d{16}\b", "NUMBER", line).rstrip("; ")


SETUPS: dict[str, Callable[[Stand], Said]] = {}


def setup(wrong: str) -> Callable[[Callable[[Stand], Said]], Callable[[Stand], Said]]:
    """A set-up that is broken in this way, as the page calls it."""

    def keep(make: Callable[[Stand], Said]) -> Callable[[Stand], Said]:
        assert wrong not in SETUPS
        SETUPS[wrong] = make
        return make

    return keep


# The MDM server


@setup("wrong API key")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"api_key": "another"})


@setup("wrong API key of a NanoMDM")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"kind": "nanomdm", "url": stand.nano.url, "api_key": "another"})


@setup("MDM server down")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": f"http://127.0.0.1:{free_port()}"})


@setup("name of the MDM server not known")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": "https://no-such-host.invalid"})


@setup("MDM server that does not answer")
def _(stand: Stand) -> Said:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        return stand.doctor(main={"url": f"https://127.0.0.1:{silent.getsockname()[1]}"})


@setup("kind nanomdm, and it is MicroMDM")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"kind": "nanomdm"})


@setup("kind micromdm, and it is NanoMDM")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": stand.nano.url})


@setup("kind micromdm, and it is NanoHUB")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": stand.hub.url})


@setup("kind nanomdm, and it is NanoHUB")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"kind": "nanomdm", "url": stand.hub.url})


@setup("path too much in the server's URL")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": f"{stand.rig.mdm.url}/v1"})


@setup("something else at the server's URL")
def _(stand: Stand) -> Said:
    with stand.answering(200, b"<html>It works!</html>") as url:
        return stand.doctor(main={"url": url})


@setup("the server's URL redirects")
def _(stand: Stand) -> Said:
    with stand.answering(301, headers={"Location": "https://mdm.example.org/"}) as url:
        return stand.doctor(main={"url": url})


@setup("https where the server speaks http")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"url": stand.rig.mdm.url.replace("http:", "https:")})


@setup("http where the server speaks https")
def _(stand: Stand) -> Said:
    """In Go's words, as MicroMDM's own TLS says it."""
    with stand.answering(400, b"Client sent an HTTP request to an HTTPS server.\n") as url:
        return stand.doctor(main={"url": url})


@setup("certificate of an unknown CA")
def _(stand: Stand) -> Said:
    return stand.showing(known=False)


@setup("certificate of another host")
def _(stand: Stand) -> Said:
    return stand.showing(known=True, host="mdm.example.org")


@setup("expired certificate")
def _(stand: Stand) -> Said:
    return stand.showing(known=True, days=(-9, -1))


@setup("certificate that is not valid yet")
def _(stand: Stand) -> Said:
    return stand.showing(known=True, days=(1, 9))


@setup("no push certificate")
def _(stand: Stand) -> Said:
    return stand.doctor()


def pushing_with(stand: Stand, ends: float) -> Said:
    """With a MicroMDM that has no device, and an APNs certificate for so many days more."""
    certificate = stand.authority.issue("push", days=(-300, ends), push=True)
    with RealMicroMdm(stand.folder(f"push{ends:g}"), NOWHERE, API_KEY) as mdm:
        status, _reply = call(mdm, "PUT", "/v1/config/certificate", certificate.for_micromdm())
        assert status == 200
        return stand.doctor(main={"url": mdm.url})


@setup("push certificate expired")
def _(stand: Stand) -> Said:
    return pushing_with(stand, -1)


@setup("push certificate about to expire")
def _(stand: Stand) -> Said:
    return pushing_with(stand, 7.5)


# Apple


@setup("Apple unreachable")
def _(stand: Stand) -> Said:
    return stand.at(f"http://127.0.0.1:{free_port()}/mdm/v2")


@setup("Apple's name not known")
def _(stand: Stand) -> Said:
    return stand.at("https://no-such-host.invalid/mdm/v2")


@setup("Apple behind a firewall that drops")
def _(stand: Stand) -> Said:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        return stand.at(f"https://127.0.0.1:{silent.getsockname()[1]}/mdm/v2")


@setup("URL with path missing")
def _(stand: Stand) -> Said:
    return stand.at(stand.apple.removesuffix("/mdm/v2"))


@setup("TLS inspected on the way to Apple")
def _(stand: Stand) -> Said:
    context = tls_with(stand.authority.issue(), stand.directory)
    with stand.answering(200, b"{}", context=context) as url:
        return stand.at(f"{url}/mdm/v2")


@setup("a portal on the way to Apple")
def _(stand: Stand) -> Said:
    with stand.answering(200, b"<html>Log in</html>") as url:
        return stand.at(url)


@setup("Apple has trouble, and says for how long")
def _(stand: Stand) -> Said:
    with stand.answering(503, b"<html>", {"Retry-After": "30"}) as url:
        return stand.at(url)


@setup("Apple asks for fewer requests")
def _(stand: Stand) -> Said:
    with stand.answering(429, b"{}", {"Retry-After": "30"}) as url:
        return stand.at(url)


@setup("Apple refuses the token")
def _(stand: Stand) -> Said:
    with stand.answering(401, b'{"errorNumber": 9622, "errorMessage": "Invalid"}') as url:
        return stand.at(url)


@setup("the proxy wants a password")
def _(stand: Stand) -> Said:
    with stand.answering(407) as proxy:
        environ = {"HTTPS_PROXY": proxy.replace("//", "//me:proxy-secret@")}
        return stand.at("https://vpp.itunes.apple.com/mdm/v2", environ=environ)


@setup("the proxy is down")
def _(stand: Stand) -> Said:
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"}
    return stand.at("https://vpp.itunes.apple.com/mdm/v2", environ=environ)


@setup("the MDM server asked through a proxy that does not know it")
def _(stand: Stand) -> Said:
    with stand.answering(502, b"<html>") as proxy:
        return stand.doctor(environ={"HTTP_PROXY": proxy, "NO_PROXY": ""})


# The content token


@setup("expired token")
def _(stand: Stand) -> Said:
    world = stand.rig.world
    token = world.apple.issue_token(world.location, time.time() - DAY)
    return stand.doctor(hq=stand.token(token.text))


@setup("foreign token")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token(stand.rig.world.apple.add_location("elsewhere").token))


@setup("token file that is missing")
def _(stand: Stand) -> Said:
    return stand.doctor(hq={"content_token_file": "missing.vpptoken"})


@setup("token file that only root may read")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token(mode=0), wrap=WITHOUT_RIGHTS)


@setup("token file that is decoded JSON")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token('{"token": "x", "expDate": "2030-01-01T00:00:00+0000"}'))


@setup("token file that is junk")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token("bm8gdG9rZW4="))


@setup("token file that is the push certificate")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token(stand.authority.pem))


@setup("token file that is the server token of Automated Device Enrollment")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token("Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"))


# This machine


def clock_ahead(stand: Stand, seconds: float) -> Said:
    """Ours, by so much; what is moved is Apple's."""
    stand.rig.world.apple.settings.clock_ahead = -seconds
    try:
        return stand.doctor()
    finally:
        stand.rig.world.apple.settings.clock_ahead = 0.0


@setup("clock an hour ahead")
def _(stand: Stand) -> Said:
    return clock_ahead(stand, HOUR)


@setup("clock behind by a time zone")
def _(stand: Stand) -> Said:
    return clock_ahead(stand, -5 * HOUR - HOUR / 2)


@setup("clock a few minutes behind")
def _(stand: Stand) -> Said:
    return clock_ahead(stand, -420.0)


@setup("database on a read-only path")
def _(stand: Stand) -> Said:
    stand.folder("shut").chmod(0o555)
    return stand.doctor({"database": "shut/bridge.db"}, wrap=WITHOUT_RIGHTS)


@setup("database file that this user may not write")
def _(stand: Stand) -> Said:
    path = stand.folder("others") / "bridge.db"
    path.write_bytes(b"")
    path.write_bytes((stand.directory / "bridge.db").read_bytes())
    path.chmod(0)
    return stand.doctor({"database": "others/bridge.db"}, wrap=WITHOUT_RIGHTS)


@setup("folder of the database missing")
def _(stand: Stand) -> Said:
    return stand.doctor({"database": "missing/bridge.db"})


@setup("database below a file")
def _(stand: Stand) -> Said:
    return stand.doctor({"database": "hq.vpptoken/bridge.db"})


@setup("database that is a folder")
def _(stand: Stand) -> Said:
    stand.folder("folder")
    return stand.doctor({"database": "folder"})


@setup("world-readable secret")
def _(stand: Stand) -> Said:
    return stand.doctor(hq=stand.token(mode=0o644))


@setup("world-readable configuration with keys in it")
def _(stand: Stand) -> Said:
    return stand.doctor(mode=0o644)


# What comes in


@setup("wrong webhook key in the file")
def _(stand: Stand) -> Said:
    return stand.doctor(main={"webhook_key": "another"})


def posting_to(stand: Stand, url: str) -> Said:
    """With a MicroMDM that has posted there, for a device that came."""
    rig, right = stand.rig, stand.rig.mdm.webhook_url
    refused = "SELECT * FROM webhook_refusals"
    point_to(rig, url)
    with rig.held(rig.device):
        rig.device.connect()
    until(lambda: rig.rows(refused), "it was refused")
    said = stand.doctor()
    point_to(rig, right)
    until(lambda: not rig.rows(refused), "one was taken in since")
    return said


def point_to(rig: Rig, url: str) -> None:
    """Restart MicroMDM with another webhook URL."""
    rig.stop_mdm()
    rig.mdm.webhook_url = url
    rig.start_mdm()


@setup("wrong webhook key in the MDM server")
def _(stand: Stand) -> Said:
    return posting_to(stand, stand.rig.webhook_url().replace("hook:", "hook:no"))


@setup("wrong path in the MDM server's webhook URL")
def _(stand: Stand) -> Said:
    return posting_to(stand, stand.rig.webhook_url().replace("/hooks/mdm/main", "/hooks/mdm"))


@setup("nobody listens: serve does not run")
def _(stand: Stand) -> Said:
    return stand.doctor({"listen": f"127.0.0.1:{free_port()}"})


@setup("public URL with path missing")
def _(stand: Stand) -> Said:
    with stand.answering(404) as url:
        return stand.doctor({"public_url": url})


@setup("public URL that leads to something else")
def _(stand: Stand) -> Said:
    with stand.answering(200, b"<html>It works!</html>") as url:
        return stand.doctor({"public_url": url})


@setup("public URL whose proxy does not reach the bridge")
def _(stand: Stand) -> Said:
    with stand.answering(502) as url:
        return stand.doctor({"public_url": url})


@setup("public URL with a certificate that Apple will not trust")
def _(stand: Stand) -> Said:
    context = tls_with(stand.authority.issue(), stand.directory)
    with stand.answering(401, context=context) as url:
        return stand.doctor({"public_url": url})


LINES = lines_of(PAGE.read_text())


def test_the_page_has_every_set_up() -> None:
    assert list(LINES) == list(SETUPS)


@pytest.mark.parametrize("wrong", SETUPS)
def test_the_right_line(stand: Stand, wrong: str) -> None:
    said = SETUPS[wrong](stand)
    lines = [plain(stand, line) for line in said.lines]
    assert LINES[wrong] in lines
    assert said.code == any(each["level"] == "fail" for each in said.findings)
