"""The comparison: one rule for each kind, over the facts of one app on one device. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from bridge.domain.catalogue import app_status
from bridge.domain.devices.targets import is_enrolment, shown, user_of
from bridge.domain.drift.kinds import DriftKind
from bridge.domain.drift.records import Around, Drift, HeldLicence
from bridge.domain.facts import Facts
from bridge.domain.installs.declared import declared
from bridge.domain.model import IN_DEVICE_QUEUE
from bridge.domain.times import to_the_second

NEAR: Final = 3
"""Serial numbers that may have been meant, of which a sentence tells."""


def of_install(facts: Facts, around: Around) -> Drift | None:
    """What disagrees about an app that was wanted here, or is; None where nothing does."""
    install = facts.install
    if not install.desired:
        return _left_behind(facts, around)
    if install.on_hold in ("NOT_PLANNED", "HELD_BACK"):
        return None
    for rule in (_declaration, _unknown_serial, _missing, _unmanaged):
        found = rule(facts, around)
        if found is not None:
            return found
    return None


def of_licence(held: HeldLicence, facts: Facts | None, around: Around) -> Drift | None:
    """What disagrees about a licence that no wish needs; `facts` are those of the install that its
    pair has or had. None where it is on its way back, or has to stay."""
    if facts is not None and _stays(held, facts):
        return None
    is_gone = around.sees_devices and held.target in around.gone
    since, cause = _why_unwanted(held, facts)
    mend = _reclaim(held.target, held.adam_id)
    if is_gone:
        cause = f"no MDM server knows it{_likely(held.target, around)}; {cause}"
    if not held.ours:
        mend = f"vpp-bridge import apple {held.location}"
    return Drift(
        "serial_unknown" if is_gone else "license_unwanted",
        held.target,
        held.adam_id,
        wanted=facts is not None and facts.install.desired,
        licensed=True,
        queued=_queued(facts, around) if facts is not None else False,
        on_device=_on_device(facts) if facts is not None else None,
        since=since,
        cause=cause,
        mend=mend,
        location=held.location,
        by_others=not held.ours,
    )


def two_servers(target: str, records: Mapping[str, tuple[float, str]], remove: str) -> Drift:
    """A device that several servers have enrolled: by server, when it enrolled there and when it
    was last heard of, in words; `remove` is the command that takes the past record away."""
    told = " and ".join(f"{name} ({seen})" for name, (_, seen) in records.items())
    return Drift(
        "two_servers",
        target,
        "",
        wanted=False,
        licensed=False,
        queued=False,
        on_device=None,
        since=max(at for at, _ in records.values()) or None,
        cause=f"enrolled at {told}",
        mend=remove,
    )


def queue_unknown(
    target: str,
    adam_id: str,
    facts: Facts | None,
    *,
    what: str,
    since: float,
    clear: str,
) -> Drift:
    """A command for an app that somebody else put into a device's queue; `what` tells of it, and
    `clear` is the command that takes it out."""
    return Drift(
        "queue_unknown",
        target,
        adam_id,
        wanted=facts is not None and facts.install.desired,
        licensed=facts is not None and facts.licence.state == "owned",
        queued=True,
        on_device=_on_device(facts) if facts is not None else None,
        since=since,
        cause=what,
        mend=clear,
    )


def _drift(
    kind: DriftKind, facts: Facts, around: Around, since: float | None, cause: str, mend: str
) -> Drift:
    install = facts.install
    return Drift(
        kind,
        install.target,
        install.adam_id,
        wanted=install.desired,
        licensed=facts.licence.state == "owned",
        queued=_queued(facts, around),
        on_device=_on_device(facts),
        since=since,
        cause=cause,
        mend=mend,
        location=install.location,
    )


def _declaration(facts: Facts, around: Around) -> Drift | None:
    told = declared(facts)
    if told is None:
        return None
    name = f"declaration {told.declaration}" if told.declaration else "a declaration"
    cause = f"{name} manages it, as the device said at {to_the_second(told.reported_at)}"
    install = facts.install
    return _drift(
        "declaration", facts, around, told.since, cause, _not(install.target, install.adam_id)
    )


def _unknown_serial(facts: Facts, around: Around) -> Drift | None:
    """A wanted serial number that no server knows; a device that is expected is none."""
    install = facts.install
    target, adam_id = install.target, install.adam_id
    if not around.sees_devices or target not in around.gone or _is_no_serial(target):
        return None
    if around.expects_all or facts.options.before_enrolment:
        return None
    since = to_the_second(install.created_at)
    cause = f"no MDM server knows it{_likely(target, around)}, and it is wanted since {since}"
    mend = _not(target, adam_id)
    if (target, adam_id) in around.one_offs:
        mend = f"vpp-bridge unassign {shlex.quote(shown(target))} --app {adam_id}"
    if facts.licence.state == "owned" and facts.licence.ours:
        mend += f" && {_reclaim(target, adam_id)}"
    return _drift("serial_unknown", facts, around, install.created_at, cause, mend)


def _missing(facts: Facts, around: Around) -> Drift | None:
    """A licence that was there and is not. What never was there is asked for, or waits."""
    licence, install = facts.licence, facts.install
    if licence.state not in ("none", "refused", "taken") or install.location not in around.read:
        return None
    if install.reason == "NOT_ENROLLED":
        return None
    had_at = install.installed_at
    had = licence.state == "taken" or (had_at is not None and had_at >= install.round_at)
    if not had:
        return None
    since = licence.since or had_at
    if licence.state == "taken":
        times = f", {licence.times_taken} times" if licence.times_taken > 1 else ""
        cause = f"others took it away at {to_the_second(since or 0.0)}{times}"
    elif licence.state == "refused":
        cause = f"it is gone, and Apple refused another at {to_the_second(since or 0.0)}"
    else:
        cause = "Apple lists it no more: a person in its portal, or another tool, took it away"
    return _drift("license_missing", facts, around, since, cause, _to_get_one(facts))


def _to_get_one(facts: Facts) -> str:
    """What leads to a licence again: what is in the way goes first."""
    install, location = facts.install, facts.location
    if facts.pause is not None:
        return facts.pause.resume
    if location is not None and location.suspended is not None:
        return (
            f"vpp-bridge claim {location.name}"
            if location.suspended == "FOREIGN_MDM"
            else "vpp-bridge doctor"
        )
    if install.reason == "NO_SEAT":
        return "vpp-bridge reclaim --unwanted"
    serial = shlex.quote(shown(install.target))
    return f"vpp-bridge retry --serial {serial} --app {install.adam_id}"


def _unmanaged(facts: Facts, around: Around) -> Drift | None:
    install = facts.install
    if install.state != "conflict":
        return None
    detail = f": {install.detail}" if install.detail else ""
    cause = f"the device has a copy that is not managed{detail}"
    mend = f"take_over: true at app {install.adam_id} in the file, then vpp-bridge apply"
    return _drift("app_unmanaged", facts, around, install.since, cause, mend)


def _left_behind(facts: Facts, around: Around) -> Drift | None:
    """An app that nobody wants any more, still managed without a licence that others took."""
    install = facts.install
    if facts.licence.state not in ("none", "taken") or install.location not in around.read:
        return None
    if install.state != "removed" or not _is_managed(facts) or declared(facts) is not None:
        return None
    cause = "others took its licence away, and the device lists it as managed"
    serial = shlex.quote(shown(install.target))
    mend = f"vpp-bridge assign {serial} --app {install.adam_id} --location {install.location}"
    return _drift("app_unlicensed", facts, around, install.since, cause, mend)


def _stays(held: HeldLicence, facts: Facts) -> bool:
    """Whether a licence that no wish needs is on its way back, or the bridge leaves it."""
    install = facts.install
    if install.location != held.location:
        return False
    if facts.release.state in ("collected", "open", "in_doubt") or install.state == "removing":
        return True
    return install.reason == "NOT_REVOCABLE" or declared(facts) is not None


def _why_unwanted(held: HeldLicence, facts: Facts | None) -> tuple[float, str]:
    got = to_the_second(held.confirmed_at)
    who = f"the bridge got it at {got}" if held.ours else f"others assigned it, as seen at {got}"
    if facts is None:
        return held.confirmed_at, f"{who}, and nothing wants the app there"
    install = facts.install
    if install.desired:
        return (
            install.round_at,
            f"{who}, and the app is wanted with a licence of {install.location}",
        )
    if install.reason == "RELEASE_REFUSED":
        return install.since, f"{who}, and Apple does not take it back: {install.detail}"
    return install.since, f"{who}, and nothing wants the app there since {_at(install.since)}"


def _at(moment: float) -> str:
    return to_the_second(moment)


def _queued(facts: Facts, around: Around) -> bool:
    ours = facts.attempt is not None and facts.attempt.state in IN_DEVICE_QUEUE
    return ours or (facts.install.target, facts.install.adam_id) in around.queued


def _on_device(facts: Facts) -> bool | None:
    """Whether the app is on the device, by the newest that it said; None where it told nothing."""
    if declared(facts) is not None or _is_managed(facts):
        return True
    if facts.report is not None and facts.report.status == "UserInstalledApp":
        return True
    if facts.installed is not None:
        return facts.installed.presence == "there"
    known = facts.device is not None and facts.device.apps_known
    return facts.install.state == "conflict" or (False if known else None)


def _is_managed(facts: Facts) -> bool:
    report, device = facts.report, facts.device
    if report is None or report.status is None or device is None or not device.apps_known:
        return False
    return app_status(report.status).kind == "there"


def _is_no_serial(target: str) -> bool:
    return is_enrolment(target) or user_of(target) is not None


def _likely(target: str, around: Around) -> str:
    near = around.likely.get(target, ())
    if len(near) > 1:
        return f" (a typing error? {', '.join(near[:NEAR])} are enrolled)"
    return f" (a typing error? {near[0]} is enrolled)" if near else ""


def _not(target: str, adam_id: str) -> str:
    return f"vpp-bridge assign --not {shlex.quote(shown(target))} --app {adam_id}"


def _reclaim(target: str, adam_id: str) -> str:
    serial = shlex.quote(shown(target))
    return f"vpp-bridge reclaim --serial {serial} --app {adam_id} --yes"
