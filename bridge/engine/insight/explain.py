"""Why an app is, or is not, on a device: from the same facts and the same decision that act."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.domain import contradictions
from bridge.domain.catalogue.declared import of_detail
from bridge.domain.decide import decide
from bridge.domain.decide.silent import silent_at
from bridge.domain.decision import Decision
from bridge.domain.devices import targets
from bridge.domain.facts import Facts
from bridge.domain.licences.forecast import used_per_day
from bridge.domain.licences.retired import retired_too
from bridge.domain.model import IN_DEVICE_QUEUE
from bridge.domain.pauses import Way, by_command
from bridge.domain.reasons import REASONS, describe, needs_someone
from bridge.domain.times import rfc3339
from bridge.domain.users.invitation import link
from bridge.domain.views.installs import Evidence, ExplainedInstall, Words
from bridge.domain.wording import as_sentence
from bridge.engine.context import Context
from bridge.engine.insight import gone, in_setup, lag
from bridge.engine.insight.timeline import History
from bridge.store.catalog import usage
from bridge.store.devices import devices, filed
from bridge.store.installs import facts, installs
from bridge.store.licences import locations
from bridge.store.views import fleet

FINE = ("installed", "licensed")
"""States of which it is told how long each step on the way took."""

LICENCE_SHOWN = {"owned": "held", "collected": "wanted"}
"""The public words for where a licence stands, where they are not the room's own."""


def explain(
    context: Context, serial_number: str, adam_id: str, way: Way = by_command
) -> ExplainedInstall | None:
    """One install with its sentence, evidence, next step and timeline; None for an unknown pair.

    Ready for JSON. `needs_someone` says whether a person must act before it goes on.
    """
    install = installs.get(context.db, devices.target_of(context.db, serial_number), adam_id)
    shown = fleet.install(context.db, serial_number, adam_id)
    if install is None or shown is None:
        return None
    fact = facts.with_seats(context.db, facts.load(context.db, [install])[0])
    history = History.load(context, install)
    decision = decide(fact, context.policy, context.now)
    reason = decision.reason
    sentence, next_step = describe(
        reason,
        app=_app(fact),
        device=_device(fact),
        location=install.location,
        detail=fact.pause.shown_to(way) if fact.pause and reason == "PAUSED" else decision.detail,
        serial=targets.shown(install.target),
        adam_id=install.adam_id,
    )
    code = of_detail(reason, decision.detail)
    words: Words = {
        "who_must_act": REASONS[reason].actor if code is None else code.actor,
        "needs_someone": needs_someone(decision.state, reason),
        "sentence": as_sentence(sentence)
        + _lag(context, fact, decision)
        + _filed(context, fact)
        + _not_wanted(context, fact),
    }
    next_at = _next_at(context, fact, history, decision)
    return {
        **shown,
        "state": decision.state,
        "reason": reason,
        "detail": decision.detail,
        **words,
        "explanation": {
            **words,
            "next": as_sentence(next_step if code is None else code.next),
            "next_at": rfc3339(next_at),
            "when": _when(reason, next_at),
            "evidence": _evidence(fact, way)
            + _setup(context, fact, way)
            + _twins(context, fact)
            + _shortage(context, fact, reason)
            + gone.evidence(context, install)
            + ([] if fact.device is None else lag.evidence(context, fact.device.server)),
            "took": history.took() if decision.state in FINE else [],
        },
        "invitation_url": _invitation(context, fact, reason),
        "trail": [step.as_json() for step in history.steps()],
    }


def _next_at(context: Context, fact: Facts, history: History, decision: Decision) -> float | None:
    """When something happens by itself: the decision changes, or what is open is followed up."""
    entry, looked_at = REASONS[decision.reason], decision.recheck_at
    if entry.is_end:
        return None
    is_silence = looked_at is not None and looked_at == silent_at(fact, context.policy)
    times = [None if is_silence else looked_at, fact.licence.waits_until]
    for asked in history.asked:
        if asked.state == "open":
            times += [asked.next_status_at, asked.next_read_at]
    for command in history.sent:
        if command.state in ("ready", *IN_DEVICE_QUEUE):
            times.append(command.due_at if command.state == "ready" else command.look_at)
    ahead = [at for at in times if at is not None]
    return max(min(ahead), context.now) if ahead else None


def _when(reason: str, next_at: float | None) -> str | None:
    """What is waited for, where it is no moment, or may be sooner; None where nothing is."""
    entry = REASONS[reason]
    if entry.is_end:
        return None
    if entry.when or next_at is not None:
        return entry.when or None
    acted = entry.actor in ("the admin", "somebody at the device")
    return "as soon as that is done" if acted else "as soon as something happens"


def _not_wanted(context: Context, fact: Facts) -> str:
    """Of what is not wanted any more: what keeps the device out, where the file has the app."""
    if fact.install.desired:
        return ""
    from bridge.engine.insight import not_desired  # noqa: PLC0415 - few need it, by 30 ms of loading

    why = not_desired.why_not(context.db, fact.install.target, fact.install.adam_id)
    return "" if why is None else f" It is not wanted there: {why}."


def _lag(context: Context, fact: Facts, decision: Decision) -> str:
    if fact.device is None:
        return ""
    return lag.sentence(context, fact.device.server, decision.state, decision.reason)


def _filed(context: Context, fact: Facts) -> str:
    """Of a device that nobody but a file has told of."""
    known = filed.of_serial(context.db, fact.install.target) if fact.device is None else None
    if known is None:
        return ""
    server, udid = known
    return (
        f" By the devices_file of {server} it has the UDID {udid}, and has not answered yet who it "
        "is: nothing else is sent before."
    )


def _app(fact: Facts) -> str:
    return fact.app_name or fact.bundle_id or f"app {fact.install.adam_id}"


def _device(fact: Facts) -> str:
    name = fact.device.name if fact.device else None
    known_as = targets.shown(fact.install.target)
    return f"{name} ({known_as})" if name else known_as


def _evidence(fact: Facts, way: Way) -> list[Evidence]:
    """What is known, each with its time; what is not known is left out."""
    device, licence, attempt, report = fact.device, fact.licence, fact.attempt, fact.report
    lines: list[tuple[str, str | bool | None, float | None]] = []
    if device is not None:
        lines.append(("enrolled", device.enrolled, device.enrolled_at))
        lines.append(("last seen by its MDM server", device.server, device.last_seen_at))
        if device.apps_listed_at is not None:
            shown = report.status if report and report.status else "does not show the app"
            lines.append(("its newest list of apps", shown, device.apps_listed_at))
    if fact.installed is not None:
        version = fact.installed.short_version or fact.installed.version
        shown = fact.installed.presence + (f", version {version}" if version else "")
        lines.append(("its list of all apps, managed or not", shown, fact.installed.reported_at))
    lines += _declared(fact)
    if licence.state != "none":
        told = f", told by {licence.confirmed_by}" if licence.confirmed_by else ""
        lines.append(
            ("licence", LICENCE_SHOWN.get(licence.state, licence.state) + told, licence.since)
        )
    if fact.asset is not None:
        free = "unlimited" if fact.free_seats is None else f"{fact.free_seats} free"
        retired = retired_too(fact.asset)
        lines.append(("seats", f"{free} of {fact.asset.total}{retired}", fact.asset.read_at))
    if fact.odd_asset is not None:
        lines.append(("a row of Apple's assets that cannot be read", fact.odd_asset, None))
    if fact.unsure is not None:
        odd, at = fact.unsure.odd, fact.unsure.looked_at
        lines.append(("a row of Apple's assignments that cannot be read", odd, at))
    if attempt is not None:
        lines.append((f"attempt {attempt.attempt}", attempt.state, attempt.posted_at))
        if attempt.error_code is not None:
            error = f"{attempt.error_domain} {attempt.error_code}: {attempt.error_text or ''}"
            lines.append(("its device's error", error, attempt.answered_at))
        words = [word for word in (attempt.app_state, attempt.rejection_reason) if word]
        if words:
            lines.append(("its device's answer", ", ".join(words), attempt.answered_at))
        if attempt.unread is not None:
            told = f"{attempt.status}; the rest cannot be read: {attempt.unread}"
            lines.append(("its device's answer", told, attempt.answered_at))
    lines += _unread(fact)
    if fact.pause is not None:
        of_device = device.name if device is not None else None
        names = {"app": fact.app_name or fact.bundle_id, "serial": of_device}
        told = fact.pause.shown_to(way, names.get(fact.pause.scope))
        lines.append(("paused", told, fact.pause.since))
    return [{"what": what, "value": value, "at": rfc3339(at)} for what, value, at in lines]


def _declared(fact: Facts) -> Iterator[tuple[str, str, float | None]]:
    """What the device's declarative status says, and what that contradicts."""
    told = fact.declared
    if told is None:
        return
    words = [told.state or "no state"] if not told.removed else ["no longer managed"]
    words += [f"reason {told.reason}"] if told.reason else []
    words += [f"update {told.update_state}"] if told.update_state else []
    words += [f"by declaration {told.declaration}"] if told.declaration else []
    yield "its declarative status", ", ".join(words), told.reported_at
    if (of := contradictions.contradiction(fact)) is not None:
        yield "contradiction", contradictions.shown(of), None


def _unread(fact: Facts) -> Iterator[tuple[str, str, float | None]]:
    """The answers that came and could not be read: how many in a row, the newest, and why."""
    for what, unread in (
        ("what it is", fact.facts_unread),
        ("its managed apps", fact.list_unread),
        ("all its apps", fact.installed_unread),
    ):
        if unread is not None:
            value = f"cannot be read ({unread.times} in a row): {unread.why}"
            yield f"its answer about {what}", value, unread.last_at


def _twins(context: Context, fact: Facts) -> list[Evidence]:
    """Other enrolled devices that carry this serial number: any of them may be meant."""
    device = fact.device
    if device is None or device.serial_number is None:
        return []
    return [
        {
            "what": "another enrolled device has this serial number, too",
            "value": f"{other.udid} at {other.server}",
            "at": rfc3339(other.enrolled_at),
        }
        for other in devices.carrying(context.db, device.serial_number, besides=device.id)
    ]


def _setup(context: Context, fact: Facts, way: Way) -> list[Evidence]:
    """Of a device in Setup Assistant: what it waits for there, and when it is let out."""
    shown = in_setup.of_target(context, fact.device, way)
    if shown is None:
        return []
    return [{"what": "Setup Assistant", "value": shown["sentence"], "at": shown["since"]}]


def _invitation(context: Context, fact: Facts, reason: str) -> str | None:
    """For who waits for a user to accept: where that is done."""
    if reason != "USER_NOT_ASSOCIATED" or fact.user is None:
        return None
    template = locations.get(context.db, fact.install.location).invitation_url
    return link(template, fact.user.invite_code)


def _shortage(context: Context, fact: Facts, reason: str) -> list[Evidence]:
    """For who waits for a seat: how fast seats go, where the history tells."""
    if reason != "NO_SEAT" or fact.asset is None:
        return []
    days = usage.history(context.db, fact.install.location, facts.pair_of(fact.install).asset)
    rate = used_per_day(days)
    if rate is None:
        return []
    value = f"{rate * 7:+.1f} in use each week, over {days[-1].day - days[0].day} days"
    return [{"what": "trend of its licences", "value": value, "at": rfc3339(fact.asset.read_at)}]
