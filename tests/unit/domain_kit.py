"""Facts for `decide`, each as harmless as can be: a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from bridge.domain.decide import decide
from bridge.domain.decision import AskApps, Decision, SendInstall
from bridge.domain.devices.installed_apps import InstalledReport, Presence
from bridge.domain.facts import AssetFacts, DeviceFacts, Facts, Licence, LocationFacts
from bridge.domain.installs.options import Options
from bridge.domain.model import AppReport, Attempt, Device, Install
from bridge.domain.policy import Policy

T = TypeVar("T")

NOW = 1_800_000_000.0
POLICY = Policy()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WEEK = 7 * DAY

APP = "361309726"
BUNDLE = "com.apple.Pages"
SERIAL = "C02XL0GYJGH5"
UUID = "11111111-0000-4000-8000-000000000001"


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    """A value of which only some members matter; the others are None."""
    return cls(**dict.fromkeys((f.name for f in fields(cls) if f.init), None) | values)  # type: ignore[arg-type]


def install(**changes: Any) -> Install:
    """A wanted install that was just made."""
    values: dict[str, Any] = {
        "id": 1,
        "target": SERIAL,
        "adam_id": APP,
        "pricing_param": "STDQ",
        "location": "hq",
        "locations": "hq",
        "desired": True,
        "desired_by": "file",
        "on_hold": None,
        "options": "{}",
        "priority": 0,
        "state": "waiting",
        "reason": "NEW",
        "detail": "",
        "attempts": 0,
        "round_at": NOW - 99 * DAY,
        "since": NOW - HOUR,
        "created_at": NOW - HOUR,
        "updated_at": NOW - HOUR,
        "installed_at": None,
        "next_check_at": None,
    }
    return Install(**values | changes)


def device(**changes: Any) -> Device:
    """An enrolled iPad in its first enrolment; its list of apps is a minute old."""
    values: dict[str, Any] = {
        "id": 7,
        "server": "main",
        "udid": "UDID-1",
        "enrollment_id": None,
        "serial_number": SERIAL,
        "name": None,
        "product_name": "iPad14,1",
        "model": None,
        "os_version": None,
        "build_version": None,
        "enrolled": True,
        "enrolment": 1,
        "enrolled_at": NOW - DAY,
        "last_seen_at": None,
        "last_connect_at": NOW - MINUTE,
        "apps_asked_at": NOW - 2 * MINUTE,
        "apps_listed_at": NOW - MINUTE,
        "apps_enrolment": 1,
        "serial_asked_at": None,
        "facts_at": None,
        "pushed_at": None,
    }
    return _made(Device, values | changes)


def attempt(state: str = "acknowledged", **changes: Any) -> Attempt:
    """The first InstallApplication of the first enrolment, made two hours ago."""
    values: dict[str, Any] = {
        "command_uuid": UUID,
        "device_id": 7,
        "attempt": 1,
        "asks": 0,
        "offline": 0,
        "enrolment": 1,
        "posts": 1,
        "created_at": NOW - 2 * HOUR,
        "due_at": NOW - 2 * HOUR,
    }
    answered = NOW - MINUTE if state in ("acknowledged", "error") else None
    status = {"acknowledged": "Acknowledged", "error": "Error", "not_now": "NotNow"}.get(state)
    values |= {"state": state, "answered_at": answered, "status": status} | changes
    return _made(Attempt, values)


def failed(domain: str | None, code: int | None, **changes: Any) -> Attempt:
    """An attempt that the device answered with this error, a minute ago."""
    return attempt("error", error_domain=domain, error_code=code, **changes)


def report(
    status: str | None,
    *,
    once: str | None = None,
    once_at: float | None = None,
    there_at: float | None = None,
) -> AppReport:
    """What the newest list says of the app; `once` is what a list said once before."""
    return AppReport(BUNDLE, status, NOW - MINUTE, once, once_at, there_at)


def has(presence: Presence, **changes: Any) -> InstalledReport:
    """What a list of installed apps, asked for two minutes ago, says of the app."""
    values = {"asked_at": NOW - 2 * MINUTE, "reported_at": NOW - MINUTE} | changes
    return InstalledReport(BUNDLE, presence, "100", "1.0", **values)


def asset(**changes: Any) -> AssetFacts:
    """Ten seats, four of them free, counted a minute ago."""
    values: dict[str, Any] = {
        "total": 10,
        "available": 4,
        "unlimited": False,
        "device_assignable": True,
        "product_type": "App",
        "platforms": "iOS,macOS",
        "read_at": NOW - MINUTE,
        "counted_at": NOW - MINUTE,
    }
    return AssetFacts(**values | changes)


HELD = Licence("owned", NOW - HOUR, "notification", NOW - HOUR)
READY = LocationFacts("hq", ready=True)


def facts(**changes: Any) -> Facts:
    """An install that needs a licence, and could have it; its device lists other apps only."""
    values: dict[str, Any] = {
        "install": install(),
        "options": Options(),
        "location": READY,
        "asset": asset(),
        "licence": Licence("none"),
        "device": device(),
        "app_name": "Pages",
        "bundle_id": BUNDLE,
        "free_seats": 4,
    }
    told = values | changes
    return (Facts if told["device"] is None else DeviceFacts)(**told)


def licensed(**changes: Any) -> Facts:
    """As `facts`, and Apple has confirmed the licence."""
    return facts(**{"licence": HELD} | changes)


NOT_DESCRIBED = device(product_name=None)
NEVER_LISTED = device(apps_listed_at=None, apps_asked_at=None, apps_enrolment=None)
ENROLLED_ANEW = device(enrolment=2)
SEND = Decision("sending", "COMMAND_READY", steps=(SendInstall(),))
LIST_FIRST = Decision("licensed", "LIST_FIRST", steps=(AskApps(),), recheck_at=NOW + 7 * DAY)


def decided(fact: Facts, policy: Policy = POLICY, now: float = NOW) -> Decision:
    """What `decide` makes of it."""
    return decide(fact, policy, now)
