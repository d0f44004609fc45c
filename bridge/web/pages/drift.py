"""What disagrees between the file, Apple, the MDM servers and the devices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bridge.domain.drift import DRIFT_KINDS
from bridge.domain.wording import as_sentence
from bridge.web.pages import asked, paths
from bridge.web.pages.table import Column, Link, Row, paged
from bridge.web.pages.view import SHOWN, Asker, View
from bridge.web.v1.request import as_dict

_COLUMNS = (
    Column("kind"),
    Column("device"),
    Column("app"),
    Column("wanted"),
    Column("licensed"),
    Column("queued"),
    Column("on device"),
    Column("since", "time"),
    Column("cause", "words"),
    Column("mend", "words"),
)
_WORDS = {True: "yes", False: "no", None: None}


def page(asker: Asker, wanted: asked.Drift) -> View:
    """All that disagrees, each with what mends it."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    blind = asker.bridge.drift_blind()
    table = paged(
        "drift",
        "Drift",
        _COLUMNS,
        partial(asker.bridge.list_drift, **filters),
        _row,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="Nothing that was read disagrees." if blind else "Nothing disagrees.",
    )
    context = {
        "drift": table,
        "filters": filters,
        "kinds": DRIFT_KINDS,
        "blind": [as_sentence(why) for why in blind],
    }
    return View("drift.html", "Drift", [table], context, filters)


def _row(each: Mapping[str, Any]) -> Row:
    device = each["serial_number"] or each["enrollment_id"]
    known = device is not None and each["device_name"] is not None
    return (
        each["kind"],
        Link(device, paths.device(device)) if known else device or each["client_user_id"],
        Link(each["app_name"] or each["adam_id"], paths.app(each["adam_id"]))
        if each["adam_id"]
        else None,
        _WORDS[each["wanted"]],
        _WORDS[each["licensed"]],
        _WORDS[each["queued"]],
        _WORDS[each["on_device"]],
        each["since"],
        each["cause"],
        each["mend"],
    )
