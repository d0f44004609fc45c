"""Why an app is, or is not, on a device: from the same facts and the same decision that act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.decide import decide
from bridge.domain.decision import Decision
from bridge.domain.model import Facts, Install
from bridge.domain.reasons import REASONS, describe
from bridge.engine.context import Context
from bridge.store import commands, events, facts, installs, lists, pair_history
from bridge.store.paging import rfc3339


def explain(context: Context, serial_number: str, adam_id: str) -> Mapping[str, Any] | None:
    """One install with its sentence, evidence, next step and trail; None for an unknown pair.

    Ready for JSON. `needs_someone` says whether a person must act before it goes on.
    """
    install = installs.get(context.db, serial_number, adam_id)
    shown = lists.install(context.db, serial_number, adam_id)
    if install is None or shown is None:
        return None
    fact = facts.load(context.db, [install])[0]
    decision = decide(fact, context.policy, context.now)
    reason = decision.reason
    sentence, next_step = describe(
        reason,
        app=_app(fact),
        device=_device(fact),
        location=install.location,
        detail=decision.detail,
    )
    actor = REASONS[reason].actor
    return {
        **shown,
        "state": decision.state,
        "reason": reason,
        "detail": decision.detail,
        "explanation": {
            "sentence": sentence[0].upper() + sentence[1:] + ".",
            "who_must_act": actor,
            "needs_someone": _needs_someone(decision),
            "next": next_step[0].upper() + next_step[1:] + ".",
            "next_at": rfc3339(decision.recheck_at),
            "evidence": _evidence(fact),
        },
        "trail": trail(context, install),
    }


def _needs_someone(decision: Decision) -> bool:
    if decision.state in ("failed", "conflict", "needs_user"):
        return True
    return REASONS[decision.reason].actor in ("the admin", "somebody at the device")


def _app(fact: Facts) -> str:
    return fact.app_name or fact.bundle_id or f"app {fact.install.adam_id}"


def _device(fact: Facts) -> str:
    name = fact.device.name if fact.device else None
    serial_number = fact.install.target
    return f"{name} ({serial_number})" if name else serial_number


def _evidence(fact: Facts) -> list[dict[str, Any]]:
    """What is known, each with its time; what is not known is left out."""
    device, licence, attempt, report = fact.device, fact.licence, fact.attempt, fact.report
    lines: list[tuple[str, Any, float | None]] = []
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
    if licence.state != "none":
        told = f", told by {licence.confirmed_by}" if licence.confirmed_by else ""
        lines.append(("licence", licence.state + told, licence.since))
    if fact.asset is not None:
        free = "unlimited" if fact.free_seats is None else f"{fact.free_seats} free"
        lines.append(("seats", f"{free} of {fact.asset.total}", fact.asset.read_at))
    if attempt is not None:
        lines.append((f"attempt {attempt.attempt}", attempt.state, attempt.posted_at))
        if attempt.error_code is not None:
            error = f"{attempt.error_domain} {attempt.error_code}: {attempt.error_text or ''}"
            lines.append(("its device's error", error, attempt.answered_at))
        words = [word for word in (attempt.app_state, attempt.rejection_reason) if word]
        if words:
            lines.append(("its device's answer", ", ".join(words), attempt.answered_at))
    if fact.pause is not None:
        lines.append(("paused", fact.pause.shown, fact.pause.since))
    return [{"what": what, "value": value, "at": rfc3339(at)} for what, value, at in lines]


def trail(context: Context, install: Install) -> list[dict[str, Any]]:
    """What happened for an install, oldest first: Apple's events, commands, answers."""
    db = context.db
    pair = facts.pair_of(install)
    steps: list[tuple[float, dict[str, Any]]] = []
    for asked in pair_history.history(db, install.location, pair):
        if asked["submitted_at"] is not None:
            what = {"step": "asked Apple for the licence", "apple_event_id": asked["event_id"]}
            steps.append((asked["submitted_at"], what))
        if asked["settled_at"] is not None:
            number = f" ({asked['error_number']})" if asked["error_number"] else ""
            what = {
                "step": f"licence {asked['state']}{number}, told by {asked['settled_by']}",
                "apple_event_id": asked["event_id"],
            }
            steps.append((asked["settled_at"], what))
    sent = commands.of_install(db, install.id)
    for command in sent:
        uuid = {"command_uuid": command.command_uuid}
        steps.append((command.created_at, {"step": f"attempt {command.attempt} decided", **uuid}))
        if command.posted_at is not None:
            times = f" ({command.posts} times)" if command.posts > 1 else ""
            steps.append(
                (command.posted_at, {"step": f"posted to {command.server}{times}", **uuid})
            )
        if command.in_doubt_at is not None:
            steps.append((command.in_doubt_at, {"step": "in doubt: the device is asked", **uuid}))
    for event in events.by_command(db, [command.command_uuid for command in sent]):
        what = {"step": f"{event['topic']}: {event['outcome'] or event['status']}"}
        what |= {"command_uuid": event["command_uuid"], "event": event["id"]}
        steps.append((event["received_at"], what))
    if install.installed_at is not None:
        steps.append((install.installed_at, {"step": "a list from the device showed it Managed"}))
    return [{"at": rfc3339(at), **step} for at, step in sorted(steps, key=lambda s: s[0])]
