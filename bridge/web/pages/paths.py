"""The addresses of pages, always within this host: no page holds a whole URL."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from bridge.domain.devices.targets import of_user
from bridge.web.pages.table import Link


def device(named: str) -> str:
    """The page of a device, by its serial number, enrolment id or UDID."""
    return f"/devices/{quote(named, safe='')}"


def app(adam_id: str) -> str:
    """The page of an app."""
    return f"/apps/{adam_id}"


def location(name: str) -> str:
    """The page of a location."""
    return f"/locations/{name}"


def event(event_id: int) -> str:
    """The page of a message."""
    return f"/events/{event_id}"


def call(row_id: int) -> str:
    """The page of an outside call."""
    return f"/outbox/{row_id}"


def with_query(path: str, asked: Mapping[str, object]) -> str:
    """A path with what is given of the query; what is None is left out."""
    query = urlencode({name: value for name, value in asked.items() if value not in (None, "")})
    return f"{path}?{query}" if query else path


def to_device(install: Mapping[str, object]) -> Link:
    """An install's device by its name, with its page."""
    named = install["serial_number"] or install["enrollment_id"]
    if named is None:
        user = str(install["client_user_id"] or "")
        return Link(user, device(of_user(user)))
    name = install["device_name"]
    return Link(f"{name} ({named})" if name else str(named), device(str(named)))


def to_app(item: Mapping[str, object], name: str = "app_name") -> Link:
    """The app of an item by its name, with its page."""
    adam_id = str(item["adam_id"])
    return Link(str(item[name] or adam_id), app(adam_id))
