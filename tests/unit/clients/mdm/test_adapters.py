"""A kind of MDM server is named by its adapter and in the configuration, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.clients.mdm.adapters import ADAPTERS, abilities
from bridge.clients.mdm.port import NO_ABILITIES, MdmServer
from bridge.config import values
from bridge.config.model import KIND, ServerConfig
from bridge.engine.context import Context

BRIDGE = Path(__file__).parents[4] / "bridge"

NAMED_IN = {
    "clients/mdm": "the adapters",
    "config": "the key `kind`",
    "simulator": "what is simulated is MicroMDM itself",
    "demo": "the real program, which a demonstration may start",
    "cli/service/demo.py": "its option that chooses the real program",
}


def kinds_named_in(source: str) -> Iterator[str]:
    """Names and texts that are a kind of server; sentences that speak of one are none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.strip().lower() in ADAPTERS:
                yield node.value
        elif isinstance(node, ast.ImportFrom):
            parts = [node.module or "", *(name.name for name in node.names)]
            yield from (part for part in parts if "micromdm" in part.lower())
        else:
            name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))
            if isinstance(name, str) and "micromdm" in name.lower():
                yield name


def test_nobody_else_names_a_kind_of_server() -> None:
    found = {
        str(path.relative_to(BRIDGE)): sorted(set(kinds_named_in(path.read_text())))
        for path in BRIDGE.rglob("*.py")
    }
    strangers = {
        path: names
        for path, names in found.items()
        if names and not any(path == home or path.startswith(f"{home}/") for home in NAMED_IN)
    }
    assert strangers == {}


@pytest.mark.parametrize(
    "source",
    [
        "from bridge.clients.mdm.micromdm import QueuedCommand",
        "from bridge.clients.mdm import micromdm",
        "def f(client: MicroMdm): ...",
        "if server.kind == 'micromdm': ...",
        "KINDS = frozenset({'MicroMDM'})",
    ],
)
def test_naming_one_is_found(source: str) -> None:
    assert list(kinds_named_in(source))


def test_a_sentence_is_none() -> None:
    assert list(kinds_named_in('"""As MicroMDM does."""\nx = "see MicroMDM\'s log"')) == []


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_configuration_offers_each_adapter(kind: str) -> None:
    assert values.kind(kind) == kind


def test_there_is_an_adapter_for_the_kind_that_a_file_leaves_out() -> None:
    assert KIND in ADAPTERS


@pytest.mark.parametrize("kind", ADAPTERS)
def test_an_adapter_is_what_the_port_says(kind: str) -> None:
    asked = [name for name in vars(MdmServer) if not name.startswith("_")]
    assert {"enqueue", "push", "queue", "devices", "version"} <= set(asked)
    assert [name for name in asked if not hasattr(ADAPTERS[kind], name)] == []


def test_nothing_is_taken_for_granted_of_a_server_that_is_not_configured() -> None:
    server = ServerConfig("main", "micromdm", "http://mdm", "key", ())
    context = Context(None, None, 0.0, abilities({"main": server}))  # type: ignore[arg-type]
    assert context.abilities("main").queue_view
    assert context.abilities("gone") == NO_ABILITIES
