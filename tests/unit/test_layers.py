"""The layers of `bridge`, and the one home of each third-party package, read off the imports."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# errors < config, domain, logs < wire, clients, store < engine < app < web, demo < serving < cli
RANKS = {
    "errors": 0,
    "domain": 1,
    "config": 1,
    "logs": 1,
    "wire": 2,
    "clients": 2,
    "store": 2,
    "engine": 3,
    "app": 4,
    "web": 5,
    "demo": 5,
    "serving": 6,
    "cli": 7,
}
# Which parts of one rank may import which others of it; a part may always import itself.
BESIDES = {"config": {"domain"}}
# The simulator stands apart: it imports errors alone, and only the command line and the
# demonstration import it.
SIMULATOR_IMPORTS = {"errors", "simulator"}
SIMULATOR_IMPORTERS = {"cli", "demo", "simulator"}

HOMES = {
    "requests": ["bridge.clients.http", "bridge.clients.proxies"],
    "tenacity": ["bridge.clients.http"],
    "biplist": ["bridge.wire.plist"],
    "sqlite_utils": ["bridge.store.*"],
    "sqlite3": ["bridge.store.*"],
    "psycopg": ["bridge.store.postgresql.*", "bridge.store.nanomdm"],
    "pymysql": ["bridge.store.nanomdm"],
    "flask": ["bridge.web.*", "bridge.simulator.*"],
    "werkzeug": ["bridge.web.*", "bridge.simulator.*"],
    "gunicorn": ["bridge.web.*"],
    "msgspec": ["bridge.web.v1.*"],
    "prometheus_client": ["bridge.web.metrics"],
    "click": ["bridge.cli*"],
    "rich": ["bridge.cli*"],
    "yaml": ["bridge.config*"],
    "cryptography": ["bridge.simulator.mdm.identity"],
    "plistlib": [],
}


def test_the_bridge_keeps_its_layers() -> None:
    sources = {module_of(path): path.read_text() for path in (ROOT / "bridge").rglob("*.py")}
    assert "bridge.errors" in sources
    complaints = [text for name in sorted(sources) for text in complaints_of(name, sources[name])]
    assert not complaints, "\n" + "\n".join(complaints)


def test_the_standard_plist_codec_is_not_even_named() -> None:
    named = [path for path in (ROOT / "bridge").rglob("*.py") if "plistlib" in path.read_text()]
    assert not named


SQL = re.compile(
    r"= \?|\bIN \('|\bSELECT\b.+\bFROM\b|\bUPDATE \w+ SET\b|\bINSERT INTO\b|\bDELETE FROM\b"
)


def test_sql_stands_in_the_store_alone() -> None:
    found = {
        path.relative_to(ROOT / "bridge").parts[0]
        for path in (ROOT / "bridge").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if SQL.search(node.value)
    }
    assert found == {"store"}


def module_of(path: Path) -> str:
    """The dotted name of a module; a package's own code counts as a module inside of it."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def complaints_of(module: str, source: str) -> Iterator[str]:
    for line, imported in imports_of(source):
        if problem := problem_with(module, imported):
            yield f"{module} line {line}: imports {imported}: {problem}"


def imports_of(source: str) -> Iterator[tuple[int, str]]:
    """Every absolute import, wherever it stands; `from bridge import x` imports `bridge.x`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names = [f"bridge.{alias.name}" for alias in node.names] if base == "bridge" else [base]
            yield from ((node.lineno, name) for name in names)


def problem_with(module: str, imported: str) -> str | None:
    """Why `module` may not import `imported`, or None if it may."""
    if imported.startswith("."):
        return "imports are absolute"
    package, _, rest = imported.partition(".")
    if package != "bridge":
        homes = HOMES.get(package)
        if homes is None or any(fnmatch(module, home) for home in homes):
            return None
        return f"its home is {' or '.join(homes) or 'nowhere in bridge'}"
    return problem_between(part_of(module), part_of(f"bridge.{rest}"))


def part_of(module: str) -> str:
    """The layer of a module: its first name below `bridge`; cli_*.py belong to cli, and so on."""
    name = module.split(".")[1] if "." in module else ""
    if name in {"__main__", "__init__"}:
        return {"__main__": "cli", "__init__": "errors"}[name]
    return name.partition("_")[0]


def problem_between(importer: str, imported: str) -> str | None:
    if importer == imported:
        return None
    if "simulator" in (importer, imported):
        if imported in SIMULATOR_IMPORTS and importer in SIMULATOR_IMPORTERS:
            return None
        return "the simulator imports errors alone, and only command line and demo import it"
    for name in (importer, imported):
        if name not in RANKS:
            return f"{name!r} is in no layer"
    below = RANKS[imported] < RANKS[importer]
    if below or imported in BESIDES.get(importer, set()):
        return None
    return f"{importer} is not above {imported}"


ALLOWED = [
    ("bridge.domain.decide", "from bridge.domain.model import Install"),
    ("bridge.domain.decide", "from bridge import errors"),
    ("bridge.config", "from bridge.domain.policy import Policy"),
    ("bridge.engine.loop", "from bridge.store import rows"),
    ("bridge.web.pages", "from bridge.app import Bridge\nimport flask"),
    ("bridge.cli", "from bridge.simulator.kernel import Kernel\nimport click, rich.table"),
    ("bridge.cli.service.demo", "from bridge.simulator.kernel import Kernel\nimport click"),
    ("bridge.__main__", "from bridge.cli import main"),
    ("bridge.simulator.apple.apple", "from bridge.errors import BridgeError\nimport flask"),
    ("bridge.clients.http", "import requests, tenacity"),
    ("bridge.store.database", "import sqlite3\nfrom sqlite_utils import Database"),
    ("bridge.wire.plist", "import json, base64"),
]

FORBIDDEN = [
    ("bridge.errors", "from bridge.domain import model", "errors is not above domain"),
    ("bridge.domain.model", "from bridge.config import Config", "domain is not above config"),
    ("bridge.wire.plist", "from bridge.store import rows", "wire is not above store"),
    ("bridge.store.rows", "from bridge import engine", "store is not above engine"),
    ("bridge.engine.loop", "from bridge.app import Bridge", "engine is not above app"),
    ("bridge.web.api", "import bridge.cli", "web is not above cli"),
    ("bridge.web.server", "from bridge.serving import lifeline", "web is not above serving"),
    ("bridge.serving.processes", "from bridge.cli import root", "serving is not above cli"),
    ("bridge.serving.supervisor", "import gunicorn.arbiter", "its home is bridge.web"),
    (
        "bridge.web.api",
        "import bridge.simulator.apple.apple",
        "only command line and demo import it",
    ),
    ("bridge.simulator.apple.apple", "from bridge.wire import plist", "imports errors alone"),
    ("bridge.simulator.apple.apple", "import bridge.domain.model", "imports errors alone"),
    ("bridge.engine.loop", "import bridge.extra", "'extra' is in no layer"),
    ("bridge.wire.plist", "from . import json_text", "imports are absolute"),
    ("bridge.wire.plist", "import plistlib", "nowhere in bridge"),
    ("bridge.clients.apple.client", "import requests", "its home is bridge.clients.http"),
    (
        "bridge.clients.apple.client",
        "from tenacity import retry",
        "its home is bridge.clients.http",
    ),
    ("bridge.wire.mdm", "import biplist", "its home is bridge.wire.plist"),
    ("bridge.engine.outbox", "from sqlite3 import Row", "its home is bridge.store"),
    ("bridge.engine.outbox", "import flask.views", "its home is bridge.web"),
    ("bridge.app", "import gunicorn.app.base", "its home is bridge.web"),
    ("bridge.app", "import click", "its home is bridge.cli"),
    ("bridge.domain.views.installs", "import msgspec", "its home is bridge.web.v1"),
    ("bridge.domain.desired.desired", "import yaml", "its home is bridge.config"),
    ("bridge.app", "def late():\n    import rich", "its home is bridge.cli"),
    ("bridge.app", "import typing\nif typing.TYPE_CHECKING:\n    import bridge.web", "above web"),
]


@pytest.mark.parametrize(("module", "source"), ALLOWED)
def test_the_checker_allows(module: str, source: str) -> None:
    assert list(complaints_of(module, source)) == []


@pytest.mark.parametrize(("module", "source", "problem"), FORBIDDEN)
def test_the_checker_finds(module: str, source: str, problem: str) -> None:
    (complaint,) = complaints_of(module, source)
    assert problem in complaint
