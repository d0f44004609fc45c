"""Reading `alerts:`, who is told of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from bridge.config import values
from bridge.config.keys import Key, KeyReader
from bridge.config.model import AlertConfig
from bridge.config.read import Reader, Spot, nearest, tidy
from bridge.domain.alerts import ALERTS
from bridge.domain.alerts.message import FORMS, Form

ALERT_KEYS = ("url", "url_file", "form", "on")


def read_alerts(
    reader: Reader, keys: KeyReader, spot: Spot, address: Callable[[Key], str | None]
) -> dict[str, AlertConfig]:
    """The receivers by their hosts, the second of a host as `host#2`; `address` reads a URL."""
    found: dict[str, AlertConfig] = {}
    for item in reader.items(spot):
        section = reader.section(item, ALERT_KEYS)
        if "url" not in section and "url_file" not in section:
            reader.missing(item, "url", "write url: https://…, or url_file: and the file with it")
            continue
        read = keys.read(section, "url")
        url = address(read[0]) if read else None
        form = reader.value(section["form"], values.one_of(*FORMS)) if "form" in section else None
        on = _kinds(reader, section["on"]) if "on" in section else tuple(ALERTS)
        if url is not None:
            found[_name(url, found)] = AlertConfig(url, cast(Form, form or "json"), on)
    return found


def _kinds(reader: Reader, spot: Spot) -> tuple[str, ...]:
    """The kinds of alerts that a receiver is told."""
    found = dict[str, None]()
    for item in reader.items(spot):
        name = reader.text(item)
        if name in ALERTS:
            found[name or ""] = None
        elif name is not None:
            reader.wrong(item, f"no alert is called {tidy(name)}; {nearest(name, ALERTS)}")
    if spot.is_list and spot.is_empty:
        reader.wrong(spot, "is empty; name at least one alert, or leave on: out for all")
    return tuple(found)


def _name(url: str, taken: dict[str, AlertConfig]) -> str:
    """What names a receiver where people see it: its host, which is all that may be shown."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    number = 1
    while (name := host if number == 1 else f"{host}#{number}") in taken:
        number += 1
    return name
