"""The wheel alone, in an environment that has nothing but what it asks for, in an empty folder.

No network: the environment gets the packages of requirements/run.txt from the one that runs the
tests, and no other of these.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

SOURCE = (
    *("bridge", "docs", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "SECURITY.md", "config.example.yaml"),
)


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a command prints; fails where its exit code is not 0."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"} | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, target: Path, kind: str) -> Path:
    """A wheel or a source archive of what lies in `source`, by what pyproject.toml names."""
    target.mkdir(exist_ok=True)
    hook = f"from setuptools.build_meta import build_{kind} as b; import sys; print(b(sys.argv[1]))"
    return target / run(sys.executable, "-c", hook, target, folder=source).splitlines()[-1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a release is built of, without what earlier builds left."""
    place = tmp_path_factory.mktemp("checkout")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, place / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, place)
    return place


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(checkout, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment in which the wheel is installed."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", place, folder=place)
    (packages,) = place.glob("lib/python3.*/site-packages")
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE)
    for name in pins:
        for file in importlib.metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), packages / file)
    pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "--quiet", "install"]
    run(*pip, "--no-index", "--no-deps", "--no-compile", wheel, folder=place)
    return place / "bin"


def test_a_demonstration_needs_the_wheel_alone(programs: Path, tmp_path: Path) -> None:
    where = run(programs / "python", "-c", "import bridge; print(bridge.__file__)", folder=tmp_path)
    assert where.startswith(str(programs.parent))
    with pytest.raises(AssertionError, match="No module named 'pytest'"):
        run(programs / "python", "-c", "import pytest", folder=tmp_path)
    told = run(
        *(programs / "vpp-bridge", "demo", "--devices", "2", "--apps", "1"),
        folder=tmp_path,
        TMPDIR=str(tmp_path),
    )
    assert "Done: 1 app really installed on all 2 devices" in told
    assert not list(tmp_path.iterdir())


def test_its_version_is_that_of_pyproject_alone(programs: Path, tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (version,) = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)
    told = run(programs / "vpp-bridge", "--version", folder=tmp_path)
    assert version in told
    for path in (ROOT / "bridge").rglob("*.py"):
        assert f'"{version}"' not in path.read_text(), path


def test_the_source_archive_makes_the_same_wheel(
    checkout: Path, wheel: Path, tmp_path: Path
) -> None:
    archive = build(checkout, tmp_path / "archive", "sdist")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
        packed.extractall(tmp_path, filter="data")
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= names
    again = build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "again", "wheel")
    assert again.name == wheel.name
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert contents(first) == contents(second)


def contents(wheel: zipfile.ZipFile) -> dict[str, int]:
    """The files with their checksums, but for those that list these."""
    return {
        each.filename: each.CRC for each in wheel.infolist() if "dist-info" not in each.filename
    }
