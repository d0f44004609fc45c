"""Every kind of call there is: the classes of this package, found by being there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from bridge.engine import calls
from bridge.engine.calls import Call
from bridge.engine.context import Context
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow


def classes() -> Mapping[str, type[Call]]:
    """By kind, the class of every call."""
    _import_all()
    return MappingProxyType(calls.DEFINED)


def refuse(context: Context, row: OutboxRow) -> None:
    """Fail a row of a kind that this version does not know: nothing is known of what it does."""
    outbox.failed(context.db, row.id, context.now, unknown(row))


def unknown(row: OutboxRow) -> str:
    """Why a row of an unknown kind is never made, for people."""
    return f"this version of the bridge knows no call of kind {row.kind}"


@cache
def _import_all() -> None:
    """A class is defined when its module is imported. It is done late, because some of the modules
    need what needs this one."""
    for module in iter_modules(calls.__path__):
        import_module(f"{calls.__name__}.{module.name}")
