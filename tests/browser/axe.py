"""axe-core, which looks for what keeps people from using a page; it is fetched from npm."""

from __future__ import annotations

import base64
import functools
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

PACKAGE = "axe-core@4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""As npm's registry has it; another file is not used."""

HOME = Path(__file__).parents[2] / ".tools" / "axe"


@functools.cache
def why_missing() -> str | None:
    """Say why it cannot be had, or None once it is there."""
    if _packed() is not None:
        return None
    if shutil.which("npm") is None:
        return f"{PACKAGE}: not in {HOME}, and no npm to fetch it with"
    HOME.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(HOME)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode or _packed() is None:
        return f"npm pack {PACKAGE} failed: {done.stderr.strip()[-300:]}"
    return None


def source() -> str:
    """The script, after its package was compared with what was pinned."""
    packed = _packed()
    assert packed is not None
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert digest == SHA512, f"{packed} is not {PACKAGE} as it was pinned"
    with tarfile.open(packed) as package:
        script = package.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def _packed() -> Path | None:
    return next(iter(sorted(HOME.glob(PACKAGE.replace("@", "-") + ".tgz"))), None)
