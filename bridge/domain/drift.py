"""What disagrees: what is wanted, licensed at Apple, queued at an MDM server and on the device.

One comparison of four facts for each app on each device, and nothing else: what is on its way, or
waits for something that is known, is no drift. Whose turn that is says `installs`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from bridge.domain.catalogue import app_status
from bridge.domain.devices.targets import is_enrolment, shown, user_of
from bridge.domain.facts import Facts
from bridge.domain.installs.declared import declared
from bridge.domain.model import IN_DEVICE_QUEUE
from bridge.domain.times import to_the_second

DriftKind = Literal[
    "license_unwanted",
    "license_missing",
    "app_unmanaged",
    "app_unlicensed",
    "serial_unknown",
    "declaration",
    "two_servers",
    "queue_unknown",
]
NEAR: Final = 3
"""Serial numbers that may have been meant, of which a sentence tells."""

DRIFT_KINDS: Final[tuple[DriftKind, ...]] = get_args(DriftKind)


class Meaning(NamedTuple):
    """What a kind means, where it comes from, and what mends it."""

    means: str
    comes_from: str
    mend: str


MEANINGS: Final[Mapping[DriftKind, Meaning]] = {
    "license_unwanted": Meaning(
        "a licence is in use where nobody wants its app",
        "an app that left the file under `on_unwanted: keep`, or whose location changed; with "
        "`--foreign` also what people and other tools assigned",
        "`vpp-bridge reclaim --serial S --app A` gives it back; others' stay: `vpp-bridge import "
        "apple LOCATION` prints them for the file",
    ),
    "license_missing": Meaning(
        "an app is wanted, its device had a licence, and Apple lists none any more",
        "a person in Apple's portal, or another tool, took it away",
        "`vpp-bridge retry --serial S --app A`; where a pause or the location is in the way, what "
        "ends that",
    ),
    "app_unmanaged": Meaning(
        "a copy that is not managed is in the way of a wanted app",
        "the person at the device installed it first",
        "`take_over: true` at the app in the file, then `vpp-bridge apply`; or delete the copy",
    ),
    "app_unlicensed": Meaning(
        "an app that nobody wants any more is managed on a device, and others took its licence: "
        "it stops working after 30 days",
        "a person in Apple's portal, or another tool, took it away",
        "`vpp-bridge assign S --app A` gets a licence again; or have the app deleted",
    ),
    "serial_unknown": Meaning(
        "an app is wanted for, or a licence of ours is held by, a serial number that no MDM "
        "server knows",
        "a typing error (the likely serial number is named), or a device that was sold",
        "`vpp-bridge assign --not S --app A` or `unassign`, and `vpp-bridge reclaim`; devices that "
        "are still to come: `before_enrolment: true` at their group",
    ),
    "declaration": Meaning(
        "an app is wanted here, and a declaration manages it on the device",
        "another tool's app.managed declaration, of which the device tells",
        "`vpp-bridge assign --not S --app A` leaves it to the declaration; or take that back",
    ),
    "two_servers": Meaning(
        "a device is enrolled at two of the configured MDM servers",
        "a move of which the old server did not hear, or two devices with one serial number",
        "remove the record at the server that is past, then `vpp-bridge sync devices` twice: who "
        "is left out once may be a mishap",
    ),
    "queue_unknown": Meaning(
        "a command for an app waits in a device's queue that the bridge did not send",
        "another tool, a person, or this bridge before its database was restored",
        "clear the device's queue at its MDM server, then `vpp-bridge sync devices`; the bridge "
        "sends its own commands again",
    ),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that disagrees. `adam_id` is empty where it is about the device as a whole.

    `on_device` is None where nobody knows. `mend` is the command that mends it; with `by_others` it
    is about what people or other tools did, which is not the bridge's to mend.
    """

    kind: DriftKind
    target: str
    adam_id: str
    wanted: bool
    licensed: bool
    queued: bool
    on_device: bool | None
    since: float | None
    cause: str
    mend: str
    location: str = ""
    by_others: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """By what it is listed, and told from all others."""
        return self.target, self.adam_id, self.kind, self.location


@dataclass(frozen=True, slots=True)
class Around:
    """What a comparison needs to know beside the facts of one app on one device.

    `read` are the locations of which Apple's assignments were read; with `sees_devices` all MDM
    servers that can were asked for their devices. `gone` are targets that no server knows, `likely`
    maps such a serial number to those that may be meant. `one_offs` are the pairs that a person
    wished for, `queued` those for which somebody else has a command in a queue; with `expects_all`
    any device may come later.
    """

    read: frozenset[str] = frozenset()
    sees_devices: bool = False
    gone: frozenset[str] = frozenset()
    likely: Mapping[str, Sequence[str]] = field(default_factory=dict)
    one_offs: frozenset[tuple[str, str]] = frozenset()
    expects_all: bool = False
    queued: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A licence in use that no wish needs: who has it since when, and who told of it first."""

    location: str
    adam_id: str
    target: str
    ours: bool
    confirmed_at: float
    confirmed_by: str


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


def as_markdown() -> str:
    """docs/drift.md: every kind, what it means, where it comes from, and what mends it."""
    lines = [
        "# Drift",
        "",
        "`vpp-bridge drift` compares four facts for each app on each device: whether it is wanted,",
        "licensed at Apple, in a queue at an MDM server, and on the device. What is on its way, or",
        "waits for something that is known (no seat, not enrolled), is no drift; `installs` tells",
        "of it. The exit code is 1 where something of ours disagrees. What people and other tools",
        "assigned is listed with `--foreign` alone, and does not count.",
        "",
        "A bridge that has not read Apple's assignments, or a server's devices, says so and exits",
        "with 1. It judges nothing by what it does not know.",
        "",
        "| kind | means | comes from | mend |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{kind}` | {m.means} | {m.comes_from} | {m.mend} |" for kind, m in MEANINGS.items()
    ]
    lines += [
        "",
        "Of each are told `wanted`, `licensed`, `queued`, `on_device`, since when (`since`), the",
        "evidence (`cause`) and the command that mends it (`mend`). Commands for apps that are not",
        "the bridge's are seen where it looks at a device's queue anyway, as MicroMDM allows.",
    ]
    return "\n".join(lines) + "\n"
