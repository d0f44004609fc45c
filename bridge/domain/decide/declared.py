"""Deciding for an app that a declaration manages: the device's declarative status tells.

Such an app is in no ManagedApplicationList, InstallApplication fails for it, and RemoveApplication
does not remove it (Apple, "Managed Application List", "Install Application"). So nothing is sent.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.catalogue.declared import declared_reason, declared_state, explained
from bridge.domain.decide.listed import list_first
from bridge.domain.decision import CancelAttempt, Decision, LeaveLine, Step
from bridge.domain.devices.asking import look_again
from bridge.domain.devices.declared_apps import DeclaredReport
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.installs.declared import declared
from bridge.domain.model import IN_DEVICE_QUEUE
from bridge.domain.policy import Policy

_UNSENT = ("ready", "in_doubt")


def as_declared(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """What a declaration makes of the app; None where none has to do with it."""
    told = declared(facts)
    if told is None:
        return _as_ended(facts, policy, now)
    decision = replace(_as_told(told, policy, now), steps=_unsent(facts))
    # A list that has it is the newer word, should the end of the declaration not be heard.
    return look_again(facts, policy, now, decision)


def kept(facts: Facts, steps: tuple[Step, ...]) -> Decision | None:
    """An app that nobody wishes for any more, and a declaration does: it stays, and its licence.

    What Apple was asked to take back already is waited for.
    """
    release, removal = facts.release.state, facts.removal
    if declared(facts) is None or release in ("open", "in_doubt"):
        return None
    if release == "collected":
        steps = (*steps, LeaveLine())
    if removal is not None and removal.state in _UNSENT:
        steps = (*steps, CancelAttempt(removal.command_uuid))
    return Decision("removed", "KEPT", "a declaration manages it", steps=steps)


def _as_told(told: DeclaredReport, policy: Policy, now: float) -> Decision:
    state, reason = declared_state(told.state), declared_reason(told.reason)
    if state.kind == "there":
        return Decision("installed", "MANAGED_BY_DECLARATION")
    cause = state.cause if reason is None else explained(reason, told.reason or "")
    if state.kind == "failed":
        return Decision("failed", "DECLARATION_FAILED", cause)
    if state.kind == "offered":
        return Decision("needs_user", "DECLARATION_OFFERS", cause)
    if state.kind == "asks":
        until = told.since + policy.prompts.unanswered_after
        if now >= until:
            return Decision("needs_user", "DECLARATION_ASKS", cause)
        return Decision("installing", "DECLARATION_ASKS", cause, recheck_at=until)
    until = told.since + policy.verify.unconfirmed_after
    if now >= until:
        return Decision("unconfirmed", "DECLARATION_PENDING", cause)
    return Decision("installing", "DECLARATION_PENDING", cause, recheck_at=until)


def _unsent(facts: Facts) -> tuple[Step, ...]:
    """What did not leave yet is not sent any more."""
    attempt = facts.attempt
    if attempt is None or attempt.state not in _UNSENT:
        return ()
    return (CancelAttempt(attempt.command_uuid),)


def _as_ended(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """A declaration managed the app and does so no more: no list from before tells whether it is
    there, so that the device is asked for one before anything is sent."""
    told, attempt = facts.declared, facts.attempt
    if told is None or not told.removed or (facts.asked_at or 0.0) >= told.reported_at:
        return None
    if attempt is not None and attempt.state in IN_DEVICE_QUEUE:
        return None
    return list_first(facts, policy, now)
