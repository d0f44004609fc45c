"""The nginx and Caddy of docs/proxy.md, as they are written there, between the real `serve` and
those who post to it by TLS.

Only what belongs to a machine is put in: ports, certificates, and for whom the hooks are open.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.flow.test_serve_process import Ground, free_port, ground, until
from tests.real.certificates import Authority
from tests.web_stand_in import NOTIFICATION_TOKEN, basic

__all__ = ["ground"]
pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "proxy.md"
HOST = "bridge.example.org"
BEARER = {"Authorization": f"Bearer {NOTIFICATION_TOKEN}"}
WEBHOOK = basic("w", "mdm")
MEBI = 1 << 20


class Way(NamedTuple):
    """The way to the bridge through a proxy: the ports for Apple and for the MDM server."""

    outside: int
    inside: int
    authority: Authority
    refusal: int
    """The status for an address for which a hook is not open."""

    def post(
        self, path: str, headers: Mapping[str, str], body: bytes = b"{}", *, inside: bool = False
    ) -> http.client.HTTPResponse:
        """POST as from elsewhere: by TLS, to the host's name."""
        port = self.inside if inside else self.outside
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        raw = socket.create_connection(("127.0.0.1", port), timeout=60)
        with context.wrap_socket(raw, server_hostname=HOST) as tls:
            connection = http.client.HTTPConnection(HOST)
            connection.sock = tls
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            answer.read()
            return answer


class Ports(NamedTuple):
    """Of the proxy, and of the bridge behind it."""

    outside: int
    inside: int
    listen: int
    listen_outside: int


def written(kind: str) -> str:
    """The blocks of the page for this proxy, one after the other."""
    return "\n".join(re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.M))


def put(text: str, *changes: tuple[str, str]) -> str:
    """The text with these changes, each of which must be to be made."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, ports: Ports, opened_to: str | None) -> list[str]:
    """Write nginx's configuration; the command."""
    text = put(
        written("nginx"),
        ("listen 443 ssl", f"listen 127.0.0.1:{ports.outside} ssl"),
        ("listen 8443 ssl", f"listen 127.0.0.1:{ports.inside} ssl"),
        ("127.0.0.1:9009", f"127.0.0.1:{ports.listen_outside}"),
        ("127.0.0.1:9008", f"127.0.0.1:{ports.listen}"),
        ("/etc/ssl/bridge.pem", str(folder / "bridge.pem")),
        ("/etc/ssl/bridge.key", str(folder / "bridge.pem")),
    )
    if opened_to:
        text = put(text, ("17.0.0.0/8", opened_to), ("192.0.2.10", opened_to))
    places = "".join(
        f"{each}_temp_path {folder}/{each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nworker_processes 1;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{text}}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, ports: Ports, opened_to: str | None) -> list[str]:
    """Write Caddy's configuration; the command."""
    tls = f"tls {folder}/bridge.pem {folder}/bridge.pem\n"
    text = put(
        written("caddy"),
        ("{\n    servers {", "{\n    admin off\n    auto_https disable_redirects\n    servers {"),
        (f"{HOST} {{\n", f"{HOST}:{ports.outside} {{\n{tls}"),
        (f"{HOST}:8443 {{\n", f"{HOST}:{ports.inside} {{\n{tls}"),
        ("127.0.0.1:9009", f"127.0.0.1:{ports.listen_outside}"),
        ("127.0.0.1:9008", f"127.0.0.1:{ports.listen}"),
    )
    if opened_to:
        text = put(text, ("17.0.0.0/8", opened_to), ("192.0.2.10", opened_to))
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


Proxy = Callable[[Path, Ports, str | None], list[str]]
REFUSALS: Mapping[Proxy, int] = {nginx: 403, caddy: 404}
MakeWay = Callable[[str | None], Way]


@pytest.fixture(params=REFUSALS, ids=lambda each: each.__name__)
def way(request: pytest.FixtureRequest, ground: Ground) -> Iterator[MakeWay]:
    """Starts the bridge, and a proxy whose hooks are open to an address, or as they are written."""
    proxy: Proxy = request.param
    program = proxy.__name__
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing")
    started: list[subprocess.Popen[bytes]] = []

    def start(opened_to: str | None) -> Way:
        outside = free_port()
        served = ground.serve(more=f"listen_outside: 127.0.0.1:{outside}\n")
        ports = Ports(free_port(), free_port(), served.port, outside)
        authority = Authority()
        authority.issue(HOST).write(ground.folder / "bridge.pem")
        command = proxy(ground.folder, ports, opened_to)
        home = {name: str(ground.folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        with (ground.folder / f"{program}.log").open("wb") as log:
            started.append(subprocess.Popen(command, stderr=log, env=os.environ | home))
        served.ready()
        until(lambda: listens(ports.outside) and listens(ports.inside), f"{program} listens", 60.0)
        return Way(ports.outside, ports.inside, authority, REFUSALS[proxy])

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_what_apple_and_the_mdm_server_post_comes_through_and_nothing_else(way: MakeWay) -> None:
    through = way("127.0.0.1")
    for path in ("/hooks/apple/hq", "/hooks/apple/hq/"):
        taken = through.post(path, BEARER)
        assert (taken.status, taken.getheader("Content-Length")) == (200, "0"), path
    wrong = through.post("/hooks/apple/hq", {"Authorization": "Bearer wrong"})
    assert wrong.status == 401 and wrong.getheader("WWW-Authenticate")
    too_large = through.post("/hooks/apple/hq", BEARER, b"{" + b" " * MEBI + b"}")
    assert too_large.status in (413, 502)  # Caddy breaks off what it passes on already
    for path in ("/", "/healthz", "/metrics", "/v1/installs", "/hooks/mdm/main", "/hooks/apple"):
        assert through.post(path, WEBHOOK).status == 404, path

    large = b'{"topic": "mdm.Connect", "filled": "' + b"a" * (4 * MEBI) + b'"}'
    for body in (b"{}", large):
        assert through.post("/hooks/mdm/main", WEBHOOK, body, inside=True).status == 200
    assert through.post("/hooks/mdm/main", basic("wrong"), inside=True).status == 401
    for path in ("/", "/v1/installs", "/hooks/apple/hq"):
        assert through.post(path, BEARER, inside=True).status == 404, path


def test_the_hooks_are_open_to_apple_and_to_the_mdm_server_alone(way: MakeWay) -> None:
    through = way(None)
    assert through.post("/hooks/apple/hq", BEARER).status == through.refusal
    assert through.post("/hooks/mdm/main", WEBHOOK, inside=True).status == through.refusal
