"""Finds the real MDM servers' programs, or builds them where Go is at hand."""

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("micromdm", "nanomdm", "nanohub", "scepclient")
CHECKOUT = Path(__file__).parents[2]
SERVERS = CHECKOUT / "tests" / "real" / "servers"
MODULES = (SERVERS, SERVERS / "nanohub")
"""NanoHUB has one of its own: it needs other versions of what MicroMDM is built with."""
BUILT = CHECKOUT / ".tools" / "bin"


@functools.cache
def why_missing() -> str | None:
    """Say why the programs cannot be had, or None once all of them are on PATH.

    Looks on PATH, then in `.tools/bin` of the checkout, then builds them there (40 s, once).
    """
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(BUILT)])
    if not absent():
        return None
    if not shutil.which("go"):
        return f"{', '.join(absent())}: not on PATH nor in .tools/bin, and no Go to build them with"
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not absent():
            return None
        for module in MODULES:
            build = subprocess.run(
                ["go", "install", "tool"],
                check=False,
                cwd=module,
                env=os.environ | {"GOBIN": str(BUILT)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            if build.returncode:
                return f"`go install tool` in {module} failed: {build.stderr.strip()[-300:]}"
    return None


def absent() -> list[str]:
    return [program for program in PROGRAMS if not shutil.which(program)]
