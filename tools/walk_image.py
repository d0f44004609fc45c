"""Walks the steps of the Dockerfile, and runs what they made, where there is no container engine.

    walk_image.py [COMMAND...]    COMMAND is run at the end, as root, in the image

The steps run as they stand, in an overlay over this machine's files whose upper half is in memory:
nothing of it is left. `python` and `pip` are this machine's, since no base image can be fetched.
Then the root becomes read-only but for the volumes, the entry point is started by the image's user
without any right and without a network, its health check must be well, and SIGTERM must end it
with 0. Needs root (for the mounts), and for the steps a way to the package index. Exit code 1 if
anything is not so.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PLACE = Path("/mnt")
"""Where memory is mounted; seen by this program alone."""

HEALTHY_WITHIN = 60.0
ENDS_WITHIN = 5.0
_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000  # linux/sched.h
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
CONFIG = """\
api: {key: an-api-key}
servers:
  main: {url: "http://127.0.0.1:1", api_key: a-server-key, webhook_key: a-webhook-key}
"""


@dataclass
class Image:
    """What the last stage of a Dockerfile says of how it is run."""

    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    volumes: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile, each with the rest of its (continued) line."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        yield name.upper(), rest.strip()


class Walk:
    """The steps, taken one after the other in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.image = Image()

    def step(self, name: str, rest: str) -> None:
        """Do one instruction; ends the program where it fails, or is not known here."""
        image = self.image
        if name == "FROM":
            self.image = Image()  # the files of the stage before stay: COPY --from finds them
        elif name == "RUN":
            if self.start(["/bin/sh", "-c", f"({rest}) >&2"], user="0").wait():
                sys.exit(f"this step failed: RUN {rest}")
        elif name == "COPY":
            self._copy(rest.split())
        elif name == "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif name == "WORKDIR":
            image.folder = rest
            self.inside(rest).mkdir(parents=True, exist_ok=True)
        elif name == "USER":
            image.user = rest
        elif name == "VOLUME":
            image.volumes.append(rest)
        elif name == "ENTRYPOINT":
            image.entry = json.loads(rest)
        elif name == "CMD":
            image.command = json.loads(rest)
        elif name == "HEALTHCHECK":
            image.health = json.loads(rest.partition("CMD ")[2])
        elif name != "EXPOSE":
            sys.exit(f"this step is not known here: {name} {rest}")

    def inside(self, path: str) -> Path:
        """Where an absolute path of the image is on this machine."""
        return self.root / path.lstrip("/")

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        if sources[0].startswith("--from="):
            if sources[1:] != [target]:
                sys.exit(f"stages share their files here, so copy to the same place: {target}")
            return
        folder = self.inside(self.image.folder) / target
        for source in sources:
            path = CHECKOUT / source
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, folder, ignore=ignored, dirs_exist_ok=True)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder)

    def start(
        self, command: Sequence[str], *, user: str, errors: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command in the image; any user but 0 has no rights at all."""
        account = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        if user != "0":
            account += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        shell = f'cd {shlex.quote(self.image.folder)} && exec "$@"'
        path = "/usr/local/python/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        environment = {"PATH": path} | {
            name: value.replace("$PATH", path) for name, value in self.image.environment.items()
        }
        return subprocess.Popen(
            ["chroot", str(self.root), "setpriv", *account, "sh", "-c", shell, "sh", *command],
            env=environment | {each: os.environ[each] for each in os.environ if each[:4] == "PIP_"},
            stdin=subprocess.DEVNULL,
            stderr=errors,
        )


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def own(what: int) -> None:
    """Give this process namespaces of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(what):
        sys.exit(f"walking the image needs root: {os.strerror(ctypes.get_errno())}")


def overlay() -> Path:
    """This machine's files, with whatever is written going to memory."""
    own(_NEW_MOUNTS)
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(PLACE))
    root, upper, work = (PLACE / name for name in ("root", "upper", "work"))
    for each in (root, upper, work):
        each.mkdir()
    mount(
        "-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", str(root)
    )
    for each in ("/proc", "/dev", "/dev/shm", str(CHECKOUT)):  # noqa: S108 - a mount, no file
        inside = root / each.lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        mount("--bind", each, str(inside))
    for folder in reversed(Path(sys.base_prefix).parents):  # whoever it is may run this Python
        inside = root / folder.relative_to("/")
        inside.chmod(inside.stat().st_mode | 0o111)
    return root


def without_network() -> None:
    """Leave this process nothing but a loopback of its own."""
    own(_NEW_NETWORK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        name, flags = struct.unpack(
            "16sh", fcntl.ioctl(sock, _GET_FLAGS, struct.pack("16sh", b"lo", 0))
        )
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sh", name, flags | _UP))


def run(walk: Walk) -> None:
    """Run the image as it is meant to be run; ends the program where it is not well."""
    image = walk.image
    walk.inside("/app/config.yaml").write_text(CONFIG)
    for volume in image.volumes:  # as an engine makes one: with the owner that the image gives it
        owner = walk.inside(volume).stat()
        options = f"uid={owner.st_uid},gid={owner.st_gid},mode={owner.st_mode & 0o777:o}"
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(walk.inside(volume)))
    mount("-o", "remount,ro", str(walk.root))
    without_network()
    began = time.monotonic()
    process = walk.start([*image.entry, *image.command], user=image.user)
    while walk.start(image.health, user=image.user, errors=subprocess.DEVNULL).wait():
        if process.poll() is not None or time.monotonic() > began + HEALTHY_WITHIN:
            sys.exit(f"not healthy: the entry point's exit code is {process.poll()}")
        time.sleep(0.2)
    healthy = time.monotonic()
    process.terminate()
    code = process.wait()
    ended = time.monotonic() - healthy
    say(f"healthy {healthy - began:.1f} s after its start by user {image.user}, without any right,")
    say(f"with a read-only root; ended with {code} {ended:.1f} s after SIGTERM")
    if code or ended > ENDS_WITHIN:
        sys.exit(1)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def main(command: Sequence[str]) -> int:
    """Walk, run, and at last run the command; its exit code."""
    walk = Walk(overlay())
    python = walk.start([sys.executable, "-m", "venv", "/usr/local/python"], user="0")
    if python.wait():
        return 1
    for name, rest in instructions((CHECKOUT / "Dockerfile").read_text()):
        walk.step(name, rest)
    size = sum(each.lstat().st_size for each in walk.inside("/app").rglob("*") if each.is_file())
    say(f"/app has {size / 1e6:.0f} MB")
    run(walk)
    return walk.start(command, user="0").wait() if command else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
