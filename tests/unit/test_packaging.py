"""The lock files say what pyproject.toml asks for, and the tools say what a machine lacks."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
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
    "image": PYPROJECT["project"]["dependencies"] + EXTRAS["postgresql"] + EXTRAS["mysql"],
    "real": PYPROJECT["project"]["dependencies"] + EXTRAS["real"],
    "dev": PYPROJECT["project"]["dependencies"]
    + [*chain(*(packages for extra, packages in EXTRAS.items() if extra != "release"))],
    "release": PYPROJECT["project"]["dependencies"] + EXTRAS["release"],
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
    assert locked("run").items() < locked("image").items() < locked("dev").items()
    assert locked("run").items() < locked("release").items()


def imported(folder: str) -> set[str]:
    """The top-level names that the modules in this folder import, wherever in them."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def brought(requirements: Iterable[str]) -> set[str]:
    """The packages that come with these, and what they bring in turn, on this machine."""
    found: set[str] = set()
    wanted = [Requirement(text) for text in requirements]
    while wanted:
        requirement = wanted.pop()
        extras = {"extra": ""}, *({"extra": extra} for extra in requirement.extras)
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate(extras[0])):
            continue
        found.add(name)
        for text in importlib.metadata.requires(name) or ():
            further = Requirement(text)
            if not further.marker or any(further.marker.evaluate(extra) for extra in extras):
                wanted.append(Requirement(text.partition(";")[0]))
    return found


def test_the_extra_test_brings_all_that_the_tests_import() -> None:
    foreign = imported("tests") - {"bridge", "tests", *sys.stdlib_module_names}
    assert {"pytest", "cryptography", "werkzeug"} <= foreign
    packages = importlib.metadata.packages_distributions()
    there = brought(PYPROJECT["project"]["dependencies"] + EXTRAS["test"])
    missing = {
        name
        for name in foreign
        if not {canonicalize_name(package) for package in packages.get(name, [])} & there
    }
    assert missing == set()


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


@pytest.mark.slow
def test_the_wheel_has_all_that_is_no_code(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "bridge", source / "bridge", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    build += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    there = {path for path in zipfile.ZipFile(wheel).namelist() if path.startswith("bridge/")}
    files = (path for path in (ROOT / "bridge").rglob("*") if path.is_file())
    wanted = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert wanted - there == set()
    assert {"bridge/web/pages/static/style.css", "bridge/web/pages/templates/base.html"} <= there
