"""Deciding by settings: what Apple forbids on a device, and what a device must be told anew.

An app that the device lists as Managed is sent again only for its settings, and only until the
device takes them. Which it has is known from the newest install that it took; an app that was
there before is taken to have the settings of a wish that names none.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.catalogue import TREATMENTS, Meaning, app_status
from bridge.domain.decide.answer import explained, verify, wait_after
from bridge.domain.decide.attempt import as_the_attempt_stands
from bridge.domain.decide.listed import is_past
from bridge.domain.decide.platform import is_foreign_ios_app
from bridge.domain.decision import CancelAttempt, Decision, SendInstall, Step
from bridge.domain.devices.asking import look_again
from bridge.domain.facts import DeviceFacts
from bridge.domain.installs.options import Options
from bridge.domain.installs.settings import InstallSettings, obstacle, wished
from bridge.domain.installs.settings import to_send as with_what_goes
from bridge.domain.model import IN_DEVICE_QUEUE, Attempt
from bridge.domain.policy import Policy

_ON_ITS_WAY = ("ready", *IN_DEVICE_QUEUE, "in_doubt")


def to_send(facts: DeviceFacts) -> InstallSettings:
    """The settings of the next InstallApplication."""
    return with_what_goes(_wished(facts), _has(facts))


def is_managed(facts: DeviceFacts) -> bool:
    """Whether the newest list of this enrolment shows the app as managed and there."""
    status = facts.report.status if facts.report is not None else None
    listed = facts.device.apps_known and status is not None
    return listed and app_status(status).kind == "there"


def forbidden(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """What Apple's schema does not allow on this device is not sent to it."""
    detail = obstacle(facts.options, facts.device)
    if detail is None:
        return None
    if is_managed(facts):
        return look_again(facts, policy, now, Decision("installed", "SETTING_FORBIDDEN", detail))
    return Decision("failed", "SETTING_FORBIDDEN", detail, steps=_drop(facts.attempt))


def changed(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """An app that is there, with other settings than are wished."""
    if not is_managed(facts):
        return None
    attempt = facts.attempt
    if attempt is None or attempt.state == "dropped" or not _is_current(facts, attempt):
        return _tell(facts)
    if attempt.state in _ON_ITS_WAY and attempt.renews:
        return _as_it_goes(facts, policy, now, attempt)
    if attempt.state in IN_DEVICE_QUEUE:
        return None  # its answer tells what the app was given
    meaning = facts.meaning
    if attempt.renews and meaning is not None and not is_past(facts, attempt.answered_at or now):
        return _refused(facts, policy, now, attempt, meaning)
    return _tell(facts) or _look(facts, policy, now, attempt)


def outdated(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """An attempt that the wish has overtaken: it still stands in our own line, or it was for an
    app that is not managed, which a list of managed apps would never show."""
    attempt = facts.attempt
    if attempt is None or attempt.settings is None:
        return None
    if _may_be_replaced(facts, attempt) or _was_unmanaged(facts, attempt):
        steps = (*_drop(attempt), SendInstall())
        return Decision("sending", "COMMAND_READY", steps=steps)
    return None


def _was_unmanaged(facts: DeviceFacts, attempt: Attempt) -> bool:
    settings = InstallSettings.from_text(attempt.settings or "{}")
    as_managed = _wished(facts).install_as_managed
    taken = attempt.state == "acknowledged" and _is_current(facts, attempt)
    return taken and as_managed and not settings.install_as_managed


def _has(facts: DeviceFacts) -> InstallSettings:
    attempt = facts.attempt
    if attempt is not None and attempt.settings is not None and _brought_it(facts, attempt):
        return InstallSettings.from_text(attempt.settings)
    if facts.taken is not None:
        return InstallSettings.from_text(facts.taken)
    return wished(Options(), facts.device)


def _brought_it(facts: DeviceFacts, attempt: Attempt) -> bool:
    """Whether an attempt that nobody answered is what made the app Managed."""
    unanswered = attempt.state == "in_doubt" and not attempt.renews
    return unanswered and _is_current(facts, attempt) and is_managed(facts)


def _wished(facts: DeviceFacts) -> InstallSettings:
    is_ios_app = facts.is_ios_app or is_foreign_ios_app(facts)
    wish = wished(facts.options, facts.device, is_ios_app=is_ios_app)
    had_its_own = facts.needs_user and facts.own.state == "owned"
    return replace(wish, for_user=True) if had_its_own else wish


def _is_news(facts: DeviceFacts) -> bool:
    return _wished(facts).differs_for_the_app(_has(facts))


def _is_current(facts: DeviceFacts, attempt: Attempt) -> bool:
    return attempt.enrolment == facts.device.enrolment


def _drop(attempt: Attempt | None) -> tuple[Step, ...]:
    if attempt is None or attempt.state not in ("ready", "in_doubt"):
        return ()
    return (CancelAttempt(attempt.command_uuid),)


def _may_be_replaced(facts: DeviceFacts, attempt: Attempt) -> bool:
    """Whether an attempt carries other settings than are wished and has reached nobody yet."""
    unsent = attempt.state == "ready" and attempt.posts == 0 and attempt.settings is not None
    return unsent and attempt.settings != to_send(facts).as_text()


def _tell(facts: DeviceFacts) -> Decision | None:
    """Send the app again if its settings are not those that are wished."""
    attempt = facts.attempt
    if not _is_news(facts) or (attempt is not None and attempt.state in IN_DEVICE_QUEUE):
        return None
    return Decision("sending", "SETTINGS_CHANGED", steps=(*_drop(attempt), SendInstall()))


def _as_it_goes(
    facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt
) -> Decision | None:
    """The command with the settings is on its way."""
    if attempt.state == "ready" and attempt.posts == 0 and not _is_news(facts):
        return None  # taken back before it left
    if _may_be_replaced(facts, attempt):
        steps = (*_drop(attempt), SendInstall())
        return Decision("sending", "SETTINGS_CHANGED", steps=steps)
    stands = as_the_attempt_stands(facts, policy, now)
    if stands is not None and stands.reason == "COMMAND_READY":
        return Decision("sending", "SETTINGS_CHANGED", steps=stands.steps)
    if stands is not None and stands.reason == "COMMAND_SENT":
        return Decision("sent", "SETTINGS_CHANGED")
    return stands


def _look(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision | None:
    """The device took the settings; a list made after that shows what came of it."""
    listed_at = facts.device.apps_listed_at or 0.0
    if attempt.state != "acknowledged" or not attempt.renews or listed_at > attempt.created_at:
        return None
    return verify(facts, policy, now, attempt.answered_at or attempt.created_at)


def _refused(
    facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt, meaning: Meaning
) -> Decision | None:
    """The app stays as it is while its settings are tried a few times more."""
    if not _is_news(facts):
        return None
    detail = explained(meaning, attempt)
    wait = wait_after(meaning, attempt, policy)
    treatment = TREATMENTS[meaning.kind]
    if wait is None or treatment.again not in ("retry", "for_ever", "looks"):
        return look_again(facts, policy, now, Decision("installed", "SETTINGS_REFUSED", detail))
    again_at = (attempt.answered_at or now) + wait
    if now >= again_at:
        send = SendInstall(was_offline=treatment.again == "for_ever")
        return Decision("sending", "SETTINGS_CHANGED", steps=(send,))
    return Decision("installed", "SETTINGS_RETRY", detail, recheck_at=again_at)
