"""Tables of installs, as several pages have them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bridge.domain.pauses import by_either
from bridge.web.pages import paths
from bridge.web.pages.table import Column, Row, Table, paged
from bridge.web.pages.view import SHOWN, Asker

NEEDS = (
    Column("device"),
    Column("app"),
    Column("state", "state"),
    Column("what is so", "words"),
    Column("who must act"),
    Column("since", "time"),
)
OF_APP = (
    Column("device"),
    Column("state", "state"),
    Column("reason"),
    Column("what is so", "words"),
    Column("who must act"),
    Column("since", "time"),
)


def needing(install: Mapping[str, Any]) -> Row:
    """A row for what needs a person."""
    return (
        paths.to_device(install),
        paths.to_app(install),
        install["state"],
        install["sentence"],
        install["who_must_act"],
        install["since"],
    )


def of_app(install: Mapping[str, Any]) -> Row:
    """A row of an app's page."""
    return (
        paths.to_device(install),
        install["state"],
        install["reason"],
        install["sentence"],
        install["who_must_act"],
        install["since"],
    )


def devices_of_app(asker: Asker, filters: Mapping[str, Any], cursor: str | None) -> Table:
    """The devices that are to have an app, each with its state."""
    ask = partial(asker.bridge.list_installs, way=by_either, **filters)
    return paged(
        "devices",
        "Devices",
        OF_APP,
        ask,
        of_app,
        limit=SHOWN,
        cursor=cursor,
        empty="No device is so.",
    )
