"""The web side with the lowest and the newest gunicorn that pyproject.toml allows.

The whole suite runs with the one in requirements/. Each other one comes from the package index into
a virtual environment of its own; without an index the test is skipped, which is a failure where
nothing may be skipped, as in continuous integration.
"""

import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
(ALLOWED,) = (
    found
    for found in map(Requirement, PYPROJECT["project"]["dependencies"])
    if found.name == "gunicorn"
)
(LOWEST,) = (each.version for each in ALLOWED.specifier if each.operator == ">=")
FILES = (
    "tests/unit/web/test_gunicorn.py",
    "tests/unit/web/test_connections.py",
    "tests/unit/web/test_hooks.py",
    "tests/unit/serving",
    "tests/flow/test_connections.py",
    "tests/flow/test_serve_process.py",
)
VERSION = "from importlib.metadata import version; print(version('gunicorn'))"


def python_with(wanted: str, folder: Path) -> str:
    """A Python that has this gunicorn, and all else from the environment of this one."""
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    site = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    told = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--target", site, wanted],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if told.returncode:
        pytest.skip(f"{wanted} cannot be had from the package index: {told.stderr.strip()[-300:]}")
    others = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    Path(site, "others.pth").write_text(others)
    return python


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("wanted", [f"gunicorn=={LOWEST}", str(ALLOWED)], ids=["lowest", "newest"])
def test_the_web_side_works_with(tmp_path: Path, wanted: str) -> None:
    python = python_with(wanted, tmp_path / "venv")
    version = subprocess.check_output([python, "-c", VERSION], text=True).strip()
    assert version in ALLOWED.specifier
    if version == metadata.version("gunicorn"):
        return  # the whole suite runs with it
    told = subprocess.run(
        [python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *FILES],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert told.returncode == 0, f"with gunicorn {version}:\n{told.stdout[-6000:]}"
