"""Every counter is explained to who looks at them."""

import ast
from pathlib import Path

import pytest

from bridge.domain.counters import COUNTERS, explained

BRIDGE = Path(__file__).parents[3] / "bridge"


def counted() -> set[str]:
    """The names in all calls of `meta.count` and `count_refused`; what varies in them is `x`."""
    found = set()
    for path in BRIDGE.rglob("*.py"):
        text = path.read_text()
        if ".count" not in text:
            continue  # reading a module takes long, and this is done at each collection
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            place = {"count": 1, "count_refused": 0}.get(node.func.attr)
            if place is None or len(node.args) <= place:
                continue
            name = node.args[place]
            if isinstance(name, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "x" for p in name.values]
                found.add("".join(map(str, parts)))
            elif isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value)
    return {name for name in found if "." in name}


VARIES = {
    "mdm.x": ["mdm.401", "mdm.404", "mdm.503"],
    "x.set_aside": ["mdm.set_aside", "apple.set_aside"],
    "x.duplicate": ["mdm.duplicate", "apple.duplicate"],
    "forward.x.x": ["forward.main.sent", "forward.main.failed", "forward.main.dropped"],
    "paused.x": ["paused.person", "paused.wave"],
}


@pytest.mark.parametrize("name", sorted(counted()))
def test_a_counter_is_explained(name: str) -> None:
    assert all(explained(each) for each in VARIES.get(name, [name]))


def test_the_counters_are_found() -> None:
    assert len(counted()) > 30 and {"apple.retried", "api.401"} <= counted()


def test_an_explanation_is_no_sentence_and_fits_a_line() -> None:
    assert all(not text.endswith(".") and len(text) <= 80 for text in COUNTERS.values())
