"""A slower disk: a library, compiled when it is wanted, that makes a sync take 1 ms more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class NoCompiler(Exception):
    """There is no C compiler, or it cannot make the library."""


def environment(folder: Path) -> dict[str, str]:
    """What a process must find in its environment to have a slow disk. Raises NoCompiler."""
    return preloaded(_SOURCE, folder)


def preloaded(source: Path, folder: Path) -> dict[str, str]:
    """What a process must find in its environment to be given this library, which is compiled into
    `folder`. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler (cc, gcc or clang) is on PATH")
    library = folder / f"{source.stem}.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCompiler(f"{compiler} failed: {done.stderr.strip()[-200:]}")
    return {"LD_PRELOAD": str(library)}
