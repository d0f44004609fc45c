"""The lock files say what pyproject.toml asks for, and the tools say what a machine lacks."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
WANTED = {
    "run": PYPROJECT["project"]["dependencies"],
    "real": PYPROJECT["project"]["dependencies"] + EXTRAS["real"],
    "dev": PYPROJECT["project"]["dependencies"] + [*chain(*EXTRAS.values())],
    "build": PYPROJECT["build-system"]["requires"],
}


def locked(name: str) -> dict[str, Version]:
    """Package to version; fails on a line that pins no version or has no hash."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", "")
    pins: dict[str, Version] = {}
    for line in text.splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(
            r"([\w.-]+)==([\w.]+)( ; [^;]+?)?( +--hash=sha256:[0-9a-f]{64})+", line
        )
        assert match, line
        pins[canonicalize_name(match[1])] = Version(match[2])
    return pins


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_has_all_that_is_asked_for(name: str) -> None:
    pins = locked(name)
    for requirement in map(Requirement, WANTED[name]):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_names_no_place_to_get_things_from(name: str) -> None:
    assert not re.search(r"://|index", (ROOT / "requirements" / f"{name}.txt").read_text())


def test_the_smaller_locks_are_part_of_the_larger() -> None:
    assert locked("run").items() < locked("real").items() < locked("dev").items()


OLD = 'case "$2" in *exit*) exit 1;; *) echo 3.9;; esac'
NO_VENV = f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
GOOD = f'exec {sys.executable} "$@"'


def find_python(tmp_path: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run the tools' `find_python` where these shell scripts are all the Pythons there are."""
    for name, script in programs.items():
        program = tmp_path / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", ". tools/_venv.sh; find_python"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "Python 3.11 or newer is needed and was not found: install it"),
        (
            {"python3": OLD},
            "Python 3.11 or newer is needed and was not found, python3 is 3.9: install it",
        ),
        (
            {"python3": NO_VENV},
            "install its venv module (Debian and Ubuntu: apt install python3-venv)",
        ),
        ({"python3": OLD, "python3_12": NO_VENV}, "apt install python3.12-venv)"),
    ],
)
def test_a_machine_without_a_fit_python_is_told_in_one_line(
    tmp_path: Path, programs: dict[str, str], said: str
) -> None:
    done = find_python(tmp_path, **programs)
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_fit_python_is_found_beside_others(tmp_path: Path) -> None:
    broken = "exit 127"
    done = find_python(
        tmp_path, python3=OLD, python3_13=broken, python3_12=NO_VENV, python3_11=GOOD
    )
    assert (done.stdout.strip(), done.stderr) == (str(tmp_path / "python3.11"), "")
