"""What a page consists of, before it is written as HTML or one of its tables as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.web.doorkeeper import Caller
from bridge.web.pages.table import Table
from bridge.web.pages.times import Times
from bridge.web.ports import Bridge

SHOWN = 50
"""Rows of a table that a page shows at most."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks which bridge, and how times are shown to them."""

    bridge: Bridge
    caller: Caller
    times: Times


@dataclass(frozen=True, slots=True)
class View:
    """A page: its template, what that is given, and its tables, which may be had as CSV.

    `asked` is the query, without paging, which links to CSV and to further rows repeat.
    """

    template: str
    title: str
    tables: Sequence[Table] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
