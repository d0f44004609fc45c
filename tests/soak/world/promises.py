"""What must be so in every world: while it lasts, by the ledger of the outside, and at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from bridge.domain.devices.targets import of_user, user_of
from bridge.simulator.apple.library import USER, Pair
from bridge.simulator.devices.device import Device
from tests.soak.world.life import Life
from tests.soak.world.script import DAY, HOUR

UNKNOWN_FOR = 2 * DAY
"""Seconds in which the bridge may not know yet what somebody did in Apple's portal."""

_OPEN_COMMANDS = "'ready', 'posting', 'posted', 'queued', 'not_now', 'in_doubt'"


class Broken(NamedTuple):
    """A promise that was not kept: its kind, and the case."""

    kind: str
    detail: str


def broken(life: Life) -> list[Broken]:
    """Every promise that a life broke, looked at once it has ended."""
    checks = (_odd, ledger, _installs, _left_open, _licences, _counts, _explained, _file)
    return [each for check in checks for each in check(life)]


def _odd(life: Life) -> Iterator[Broken]:
    yield from (Broken("odd", each) for each in life.odd)


def ledger(life: Life) -> Iterator[Broken]:
    """What the outside saw that must never happen, but for what nobody could know."""
    for kind, detail in life.world.ledger.violations():
        if not _could_not_know(life, kind, detail):
            yield Broken(kind, detail)


def _could_not_know(life: Life, kind: str, detail: str) -> bool:
    """Whether somebody in the portal had just given or taken the licence that it is about."""
    adam_id, at = detail.split(" ", maxsplit=1)[0], float(detail.rpartition(" at ")[2])
    if kind == "asked_while_held":
        serial = detail.split(" ")[2]
        return at - life.given.get((serial, adam_id), 0.0) < UNKNOWN_FOR
    if kind == "posted_before_licence":
        udid = detail.split(" ")[2]
        serials = [device.serial_number for device in life.world.devices if device.udid == udid]
        return any(at - life.taken.get((serial, adam_id), 0.0) < UNKNOWN_FOR for serial in serials)
    return False


def _installs(life: Life) -> Iterator[Broken]:
    """Every install is told as it is, and every one that is wanted and can be is there."""
    for row in life.rows(
        "SELECT target, adam_id, location, client_user_id, desired, options, state, reason, detail"
        " FROM installs ORDER BY target, adam_id"
    ):
        if user_of(row["target"]) is not None:
            continue
        device, adam_id = life.world.device(row["target"]), row["adam_id"]
        what = f"{row['target']} {adam_id} is {row['state']} {row['reason']} ({row['detail']})"
        told = _wanted if row["desired"] else _unwanted
        if why := told(life, device, adam_id, row, json.loads(row["options"])):
            yield Broken("install", f"{what}, but {why}")


def _wanted(
    life: Life, device: Device, adam_id: str, row: Any, options: dict[str, Any]
) -> str | None:
    """What is wrong with an install that is wanted."""
    state, reason = row["state"], row["reason"]
    managed, there = device.installed(adam_id), device.has(adam_id)
    of_user = row["client_user_id"] is not None
    if options.get("mode") == "license_only":
        held = of_user or life.world.apple.assigned(device.serial_number, adam_id)
        return None if state == "licensed" and held else f"Apple holds it: {held}"
    if state == "installed":
        really = managed or (there and not options.get("managed", True))
        return None if really else f"there: {there}, managed: {managed}"
    excuses = {
        "UNMANAGED_COPY": there and not managed,
        "APP_DELETED": device.managed_apps.get(life.world.catalogue[adam_id][0])
        == "ManagedButUninstalled",
        "NO_USER_CHANNEL": of_user and device.platform == "macOS",
        "LICENSE_SHARED": of_user,
    }
    return None if excuses.get(reason) else f"there: {there}, managed: {managed}, wanted {options}"


def _unwanted(
    life: Life, device: Device, adam_id: str, row: Any, options: dict[str, Any]
) -> str | None:
    """What is wrong with an install that nobody wants any more."""
    if row["state"] != "removed":
        return f"nobody wants it: {options}"
    if row["reason"] == "REMOVED" and device.installed(adam_id):
        return "it is there"
    ours = life.rows(
        "SELECT 1 FROM assignments WHERE location = ? AND adam_id = ? AND target = ? AND ours = 1",
        row["location"],
        adam_id,
        row["target"],
    )
    if row["reason"] in ("REMOVED", "RELEASED") and ours:
        return "the licence that the bridge got for it is held"
    return None


def _left_open(life: Life) -> Iterator[Broken]:
    """Nothing waits that nobody waits for."""
    now = life.now()
    waiting = {
        "a command is open": f"SELECT request_type || ' ' || state || ' of device ' || device_id,"
        f" created_at FROM commands WHERE state IN ({_OPEN_COMMANDS})",
        "a call waits": "SELECT kind || ' ' || key || ' ' || state, due_at FROM outbox"
        " WHERE state IN ('ready', 'held', 'claimed')",
        "a pair is open": "SELECT kind || ' ' || adam_id || ' ' || target || ' ' || state, ready_at"
        " FROM request_pairs WHERE state IN ('collected', 'open')",
        "a request is open": "SELECT kind || ' ' || id || ' ' || state, created_at"
        " FROM apple_requests WHERE state IN ('ready', 'sending', 'open', 'in_doubt')",
        "a message waits": "SELECT topic || ' ' || id || ' ' || status || ' ' ||"
        " coalesce(error, ''), received_at FROM events WHERE status IN ('new', 'set_aside')",
        "an install is not decided": "SELECT target || ' ' || adam_id, dirty_at FROM installs"
        " WHERE dirty_at IS NOT NULL",
    }
    for what, statement in waiting.items():
        for about, since in life.rows(statement):
            if now - since > DAY:
                yield Broken("left", f"{what} for {(now - since) / HOUR:.0f} h: {about}")


def _licences(life: Life) -> Iterator[Broken]:
    """What is stored of licences is what Apple holds."""
    for location in life.world.apple.locations:
        stored = {
            (row[0], row[1])
            for row in life.rows(
                "SELECT adam_id, target FROM assignments WHERE location = ?", location.name
            )
        }
        held = {(pair.adam_id, _target(pair)) for pair in location.library.assignments}
        for adam_id, target in sorted(stored ^ held):
            where = "only here" if (adam_id, target) in stored else "only at Apple"
            yield Broken("licence", f"{location.name} {adam_id} {target} is {where}")
        for asset in location.library.assets.values():
            for row in life.rows(
                "SELECT total, available, assigned FROM assets WHERE location = ? AND adam_id = ?",
                location.name,
                asset.adam_id,
            ):
                told, really = tuple(row), (asset.total, asset.available, asset.assigned)
                if told != really:
                    what = f"{location.name} {asset.adam_id}"
                    yield Broken("seats", f"{what}: {told}, at Apple {really}")


def _target(pair: Pair) -> str:
    """As the bridge names who holds it."""
    return of_user(pair.target.name) if pair.target.kind == USER else pair.target.name


def _counts(life: Life) -> Iterator[Broken]:
    """What triggers count is what there is."""
    counted = Counter[tuple[str, str, str]]()
    ours = Counter[tuple[str, str, str]]()
    for location, adam_id, pricing, mine in life.rows(
        "SELECT location, adam_id, pricing_param, ours FROM assignments"
    ):
        counted[location, adam_id, pricing] += 1
        ours[location, adam_id, pricing] += mine
    for location, adam_id, pricing, held, mine in life.rows(
        "SELECT location, adam_id, pricing_param, held, ours FROM licences_held"
    ):
        key = (location, adam_id, pricing)
        if (held, mine) != (counted[key], ours[key]):
            yield Broken("counts", f"{key}: {held}, {mine} of them ours, are not there")


def _explained(life: Life) -> Iterator[Broken]:
    """`why` and the list say the same of each install."""
    for listed in life.installs():
        named = listed["serial_number"]
        if named is None:
            continue
        why = life.install(named, listed["adam_id"])
        if (why["state"], why["reason"]) != (listed["state"], listed["reason"]):
            told = f"{listed['state']} {listed['reason']}, why: {why['state']} {why['reason']}"
            yield Broken("explained", f"{named} {listed['adam_id']}: the list says {told}")


def _file(life: Life) -> Iterator[Broken]:
    """The file is sound, and no message that was answered 200 is new to the bridge."""
    sound = life.rows("PRAGMA integrity_check")[0][0]
    if sound != "ok":
        yield Broken("file", str(sound))
