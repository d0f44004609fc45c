"""The SQL of the store, read off its source: what the rules of the house are held against."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

STORE = Path(__file__).parents[3] / "bridge" / "store"


@dataclass(frozen=True)
class Statement:
    """One piece of SQL: the room it stands in (a package, or a module beside them), and the text
    on one line. What is only known at run time is `…`."""

    module: str
    line: int
    sql: str

    @property
    def room(self) -> str:
        return self.module.split(".")[2]

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.sql}"


def statements() -> list[Statement]:
    """All pieces of SQL, and of its parts, in the modules of the store."""
    return [each for path in sorted(STORE.rglob("*.py")) for each in _of(path)]


def _of(path: Path) -> Iterator[Statement]:
    parts = path.relative_to(STORE.parents[1]).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    names = vars(import_module(name))
    for node in ast.walk(tree):
        if id(node) in docs or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield Statement(name, node.lineno, " ".join(_text(node, names).split()))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Statement(name, node.lineno, " ".join(node.value.split()))


def _text(node: ast.JoinedStr, names: dict[str, Any]) -> str:
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else _value(part, names)
        for part in node.values
    )


def _value(part: ast.expr, names: dict[str, Any]) -> str:
    assert isinstance(part, ast.FormattedValue)
    try:
        code = compile(ast.Expression(part.value), "<store>", "eval")
        return str(eval(code, names, {}))
    except NameError:  # of a function's own
        return "…"
