"""Deciding for a licensed install on an enrolled device: what its list of apps says."""

from dataclasses import replace

import pytest

from bridge.domain.decision import AskApps, AskFacts, CancelAttempt, Decision, Step
from bridge.domain.devices.unreadable import Unreadable
from bridge.domain.installs.options import Options
from bridge.domain.model import InstallState
from tests.unit.domain_kit import (
    DAY,
    ENROLLED_ANEW,
    HOUR,
    LIST_FIRST,
    MINUTE,
    NEVER_LISTED,
    NOT_DESCRIBED,
    NOW,
    SEND,
    UUID,
    WEEK,
    attempt,
    decided,
    device,
    failed,
    install,
    licensed,
    report,
)

DELETED = "it was there, and its newest list has it as deleted"
BEFORE_US = "the device said so before the bridge sent anything"
NOT_THERE = "it accepted the app, and lists it as managed and not there"
ENROLLED_ANEW_AND_LISTED = device(enrolment=2, apps_enrolment=2)

WAITING = {
    "a device that nobody described is asked what it is": (
        licensed(device=NOT_DESCRIBED),
        replace(LIST_FIRST, reason="FACTS_FIRST", steps=(AskFacts(),)),
    ),
    "one that would not say is taken for no Mac": (
        licensed(device=device(product_name=None, facts_at=NOW - MINUTE)),
        SEND,
    ),
    "an attempt that was made stands, described or not": (
        licensed(device=NOT_DESCRIBED, attempt=attempt("posted")),
        Decision("sent", "COMMAND_SENT"),
    ),
    "a device that never listed its apps": (
        licensed(device=NEVER_LISTED),
        LIST_FIRST,
    ),
    "its list is on its way": (
        licensed(device=NEVER_LISTED, list_open=True),
        replace(LIST_FIRST, steps=()),
    ),
    "a list of the enrolment before counts for nothing": (
        licensed(device=ENROLLED_ANEW, report=report("Managed")),
        LIST_FIRST,
    ),
    "nor does an attempt of the enrolment before": (
        licensed(device=ENROLLED_ANEW, attempt=attempt("posted")),
        LIST_FIRST,
    ),
    "nor one that is still in our own line": (
        licensed(device=NEVER_LISTED, attempt=attempt("ready")),
        LIST_FIRST,
    ),
    "nor one that was dropped": (
        licensed(device=NEVER_LISTED, attempt=attempt("dropped")),
        LIST_FIRST,
    ),
    "one of this enrolment does": (
        licensed(device=NEVER_LISTED, attempt=attempt("posting")),
        Decision("sending", "COMMAND_READY"),
    ),
}

SAID_NO = "the person at the device said no (UserRejected); asked again at 2027-01-16 07:00 UTC"

LISTED = {
    "managed": (
        licensed(report=report("Managed")),
        Decision("installed", "INSTALLED", recheck_at=NOW - MINUTE + WEEK),
    ),
    "managed, and looked at a week ago": (
        licensed(report=report("Managed"), device=device(apps_listed_at=NOW - WEEK)),
        Decision("installed", "INSTALLED", steps=(AskApps(),)),
    ),
    "managed, a second short of a week ago": (
        licensed(report=report("Managed"), device=device(apps_listed_at=NOW - WEEK + 1)),
        Decision("installed", "INSTALLED", recheck_at=NOW + 1),
    ),
    "managed, a week ago, and asked already": (
        licensed(
            report=report("Managed"), device=device(apps_listed_at=NOW - WEEK), list_open=True
        ),
        Decision("installed", "INSTALLED"),
    ),
    "managed, whatever an attempt's error says": (
        licensed(report=report("Managed"), attempt=failed("MDMErrorDomain", 12064)),
        Decision("installed", "INSTALLED", recheck_at=NOW - MINUTE + WEEK),
    ),
    "managed before our attempt left": (
        licensed(report=report("Managed"), attempt=attempt("ready")),
        Decision(
            "installed",
            "INSTALLED",
            steps=(CancelAttempt(UUID),),
            recheck_at=NOW - MINUTE + WEEK,
        ),
    ),
    "managed, and the attempt in doubt is settled by it": (
        licensed(report=report("Managed"), attempt=attempt("in_doubt")),
        Decision(
            "installed",
            "INSTALLED",
            steps=(CancelAttempt(UUID),),
            recheck_at=NOW - MINUTE + WEEK,
        ),
    ),
    "managed, with a command still on its way": (
        licensed(report=report("Managed"), attempt=attempt("queued")),
        Decision("installed", "INSTALLED", recheck_at=NOW - MINUTE + WEEK),
    ),
    "on its way since now": (
        licensed(report=report("Installing")),
        Decision("installing", "INSTALLING", "Installing", recheck_at=NOW + 15),
    ),
    "on its way for ten minutes, listed a minute ago": (
        licensed(
            report=report("Installing"),
            install=install(state="installing", since=NOW - 10 * MINUTE),
        ),
        Decision("installing", "INSTALLING", "Installing", recheck_at=NOW - MINUTE + 9 * MINUTE),
    ),
    "on its way since the device accepted it": (
        licensed(report=report("Installing"), attempt=attempt(answered_at=NOW - 10 * MINUTE)),
        Decision("installing", "INSTALLING", "Installing", recheck_at=NOW - MINUTE + 9 * MINUTE),
    ),
    "on its way, and time to look": (
        licensed(
            report=report("Installing"),
            attempt=attempt(answered_at=NOW - 10 * MINUTE),
            device=device(apps_listed_at=NOW - 5 * MINUTE),
        ),
        Decision(
            "installing",
            "INSTALLING",
            "Installing",
            steps=(AskApps(),),
            recheck_at=NOW - 10 * MINUTE + DAY,
        ),
    ),
    "on its way, and being looked at": (
        licensed(
            report=report("Installing"),
            attempt=attempt(answered_at=NOW - 10 * MINUTE),
            device=device(apps_listed_at=NOW - 5 * MINUTE),
            list_open=True,
        ),
        Decision("installing", "INSTALLING", "Installing", recheck_at=NOW - 10 * MINUTE + DAY),
    ),
    "its user is asked": (
        licensed(report=report("PromptingForLogin")),
        Decision("installing", "PROMPTING", "PromptingForLogin", recheck_at=NOW + 15),
    ),
    "on its way for a day": (
        licensed(report=report("Installing"), attempt=attempt(answered_at=NOW - DAY)),
        Decision("unconfirmed", "NOT_SEEN", "Installing", recheck_at=NOW - 2 * MINUTE + DAY),
    ),
    "on its way after a doubt that a list had left": (
        licensed(
            report=report("Installing"),
            install=install(
                state="unconfirmed", reason="COMMAND_IN_DOUBT", since=NOW - 10 * MINUTE
            ),
        ),
        Decision("installing", "INSTALLING", "Installing", recheck_at=NOW + 15),
    ),
    "on its way, and no list had shown it in all its time": (
        licensed(
            report=report("Installing"),
            install=install(state="unconfirmed", reason="NOT_SEEN", since=NOW - 10 * MINUTE),
        ),
        Decision("unconfirmed", "NOT_SEEN", "Installing", recheck_at=NOW + 8 * MINUTE + DAY),
    ),
    "somebody deleted it": (
        licensed(report=report("ManagedButUninstalled", there_at=NOW - HOUR)),
        Decision("needs_user", "APP_DELETED", DELETED, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it was deleted before the bridge came": (
        licensed(report=report("ManagedButUninstalled")),
        Decision("needs_user", "APP_DELETED", BEFORE_US, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it was deleted in the enrolment before": (
        licensed(
            report=report("ManagedButUninstalled"),
            device=ENROLLED_ANEW_AND_LISTED,
            attempt=attempt(),
        ),
        Decision("needs_user", "APP_DELETED", BEFORE_US, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it came, and was deleted": (
        licensed(
            report=report("ManagedButUninstalled", there_at=NOW - HOUR),
            attempt=attempt(answered_at=NOW - 90 * MINUTE),
        ),
        Decision("needs_user", "APP_DELETED", DELETED, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it was there before its new settings were sent, and was deleted": (
        licensed(
            report=report("ManagedButUninstalled", there_at=NOW - 3 * HOUR),
            attempt=attempt(answered_at=NOW - 90 * MINUTE, renews=True),
        ),
        Decision("needs_user", "APP_DELETED", DELETED, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it was accepted, and is not there": (
        licensed(
            report=report("ManagedButUninstalled", there_at=NOW - 3 * HOUR),
            attempt=attempt(answered_at=NOW - MINUTE - 15),
            device=device(apps_asked_at=NOW - MINUTE - 1),
        ),
        Decision("acknowledged", "NOT_ARRIVED", NOT_THERE, steps=(AskApps(),)),
    ),
    "it was accepted a moment ago, and is not there yet": (
        licensed(
            report=replace(report("ManagedButUninstalled"), reported_at=NOW),
            attempt=attempt(answered_at=NOW - 15),
            device=device(apps_asked_at=NOW - 1, apps_listed_at=NOW),
        ),
        Decision("acknowledged", "NOT_ARRIVED", NOT_THERE, recheck_at=NOW + 15),
    ),
    "it was accepted, and a second list shows that it is not there": (
        licensed(
            report=report("ManagedButUninstalled"),
            attempt=attempt(answered_at=NOW - 2 * MINUTE - 30),
        ),
        SEND,
    ),
    "it was accepted as often as may be, and never was there": (
        licensed(
            report=report("ManagedButUninstalled"),
            attempt=attempt(attempt=7, answered_at=NOW - 2 * MINUTE - 30),
        ),
        Decision("failed", "NEVER_ARRIVED", NOT_THERE, recheck_at=NOW - MINUTE + WEEK),
    ),
    "it was not there when it was sent again": (
        licensed(report=report("ManagedButUninstalled"), attempt=attempt("posted")),
        Decision("sent", "COMMAND_SENT"),
    ),
    "it was not there, and the next attempt was accepted since": (
        licensed(
            report=report("ManagedButUninstalled"),
            attempt=attempt(attempt=2, created_at=NOW - 50, answered_at=NOW - 10),
        ),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 5),
    ),
    "it is not there, and the device refused it": (
        licensed(
            report=report("ManagedButUninstalled"),
            attempt=failed("MDMErrorDomain", 12023, answered_at=NOW - 2 * MINUTE),
        ),
        Decision(
            "failed",
            "DEVICE_REFUSED",
            "the App Store does not know this adam id (MDMErrorDomain 12023)",
        ),
    ),
    "somebody said no": (
        licensed(report=report(None, once="UserRejected", once_at=NOW - HOUR)),
        Decision("needs_user", "USER_REJECTED", SAID_NO, recheck_at=NOW - HOUR + DAY),
    ),
    "somebody said no to an older attempt": (
        licensed(
            report=report(None, once="UserRejected", once_at=NOW - HOUR),
            attempt=attempt("posted", created_at=NOW - HOUR + 1),
        ),
        Decision("sent", "COMMAND_SENT"),
    ),
    "somebody said no to this very attempt": (
        licensed(
            report=report(None, once="UserRejected", once_at=NOW - HOUR),
            attempt=attempt(created_at=NOW - HOUR),
        ),
        Decision("needs_user", "USER_REJECTED", SAID_NO, recheck_at=NOW - HOUR + DAY),
    ),
    "the user has a copy": (
        licensed(report=report("UserInstalledApp", once="UserInstalledApp", once_at=NOW - MINUTE)),
        Decision(
            "conflict",
            "UNMANAGED_COPY",
            "the person at the device installed it first (UserInstalledApp)",
            recheck_at=NOW - MINUTE + DAY,
        ),
    ),
    "the user has a copy that may be taken over": (
        licensed(
            report=report("UserInstalledApp", once="UserInstalledApp", once_at=NOW - MINUTE),
            options=Options(take_over=True),
        ),
        SEND,
    ),
    "it failed before we tried": (
        licensed(report=report("Failed", once="Failed", once_at=NOW - MINUTE)),
        SEND,
    ),
    "it failed for the first time": (
        licensed(report=report("Failed", once="Failed", once_at=NOW - 19), attempt=attempt()),
        Decision(
            "licensed",
            "RETRY_LATER",
            "the device reported that it failed (Failed)",
            recheck_at=NOW + 1,
        ),
    ),
    "it failed, and waited long enough": (
        licensed(report=report(None, once="Failed", once_at=NOW - 20), attempt=attempt()),
        SEND,
    ),
    "it failed too often": (
        licensed(
            report=report(None, once="Failed", once_at=NOW - HOUR), attempt=attempt(attempt=7)
        ),
        Decision("failed", "ATTEMPTS_USED_UP", "the device reported that it failed (Failed)"),
    ),
    "a status that nobody knows": (
        licensed(report=report("Unknown")),
        SEND,
    ),
}

IN_DOUBT = attempt("in_doubt", in_doubt_at=NOW - 5 * MINUTE)

REFUSING = device(
    apps_listed_at=None,
    apps_asked_at=None,
    apps_enrolment=None,
    enrolled_at=NOW - 10 * MINUTE,
)

REFUSED_ONCE = replace(LIST_FIRST, recheck_at=NOW + DAY)

WOULD_NOT_LIST = {
    "asked again after fifteen seconds": (
        licensed(device=replace(REFUSING, enrolled_at=NOW - 20, apps_refused_at=NOW - 15)),
        REFUSED_ONCE,
    ),
    "and ever less": (
        licensed(device=replace(REFUSING, apps_refused_at=NOW - MINUTE)),
        Decision("licensed", "LIST_FIRST", recheck_at=NOW - MINUTE + 9 * MINUTE),
    ),
    "then again": (
        licensed(device=replace(REFUSING, apps_refused_at=NOW - 5 * MINUTE)),
        REFUSED_ONCE,
    ),
    "but not while it is on its way": (
        licensed(device=replace(REFUSING, apps_refused_at=NOW - 5 * MINUTE), list_open=True),
        replace(REFUSED_ONCE, steps=()),
    ),
    "a list since makes it good": (
        licensed(
            device=device(apps_refused_at=NOW - 2 * MINUTE), attempt=attempt(answered_at=NOW - 15)
        ),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW - 15 + DAY),
    ),
    "an install in doubt waits, too": (
        licensed(
            device=device(
                apps_asked_at=NOW - HOUR,
                apps_listed_at=NOW - 20 * MINUTE,
                apps_refused_at=NOW - MINUTE,
            ),
            attempt=IN_DOUBT,
        ),
        Decision("sent", "COMMAND_IN_DOUBT", recheck_at=NOW - MINUTE + 19 * MINUTE),
    ),
}

GONE = report(None, there_at=NOW - HOUR)
TWICE_LISTED = device(apps_listed_at=NOW - 1)
ASK_ONCE_MORE = Decision("unconfirmed", "APP_MISSING", steps=(AskApps(),))

MISSING = {
    "it was there, and one list leaves it out": (
        licensed(attempt=attempt(), report=GONE),
        ASK_ONCE_MORE,
    ),
    "so do two lists": (licensed(device=TWICE_LISTED, attempt=attempt(), report=GONE), SEND),
    "it was there before the bridge came": (licensed(report=GONE), ASK_ONCE_MORE),
    "it was there before it was sent": (
        licensed(attempt=attempt(created_at=NOW - 2 * MINUTE), report=GONE),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW + DAY - MINUTE),
    ),
    "it is being sent": (
        licensed(device=TWICE_LISTED, attempt=attempt("posted"), report=GONE),
        Decision("sent", "COMMAND_SENT"),
    ),
    "it was there once, and never since another round": (
        licensed(install=install(round_at=NOW), report=GONE),
        SEND,
    ),
    "what is updated is on its way since then": (
        licensed(
            device=TWICE_LISTED,
            attempt=attempt(answered_at=NOW - 3 * DAY, created_at=NOW - 3 * DAY),
            report=report("Updating", there_at=NOW - MINUTE),
        ),
        Decision("installing", "INSTALLING", "Updating", recheck_at=NOW + 15),
    ),
}

WAITED_FOR = install(reason="LIST_FIRST", since=NOW - 8 * DAY)
NOT_TOLD = Decision("needs_user", "NOT_TOLD", steps=(AskApps(),))

NOT_ANSWERING = {
    "it came for a week and did not list its apps": (
        licensed(install=WAITED_FOR, device=replace(NEVER_LISTED, last_connect_at=NOW - HOUR)),
        NOT_TOLD,
    ),
    "it has not come for most of that week": (
        licensed(install=WAITED_FOR, device=replace(NEVER_LISTED, last_connect_at=NOW - 7 * DAY)),
        LIST_FIRST,
    ),
    "that stays so": (
        licensed(install=install(reason="NOT_TOLD", since=NOW - 1), device=NEVER_LISTED),
        NOT_TOLD,
    ),
    "but for another round": (
        licensed(
            install=install(reason="NOT_TOLD", since=NOW - DAY, round_at=NOW), device=NEVER_LISTED
        ),
        LIST_FIRST,
    ),
}

SAYS_NO = replace(
    NEVER_LISTED, apps_refused_at=NOW - HOUR, enrolled_at=NOW - 9 * DAY, refusal="Error X 1"
)
LIST_REFUSED = Decision("licensed", "LIST_REFUSED", "Error X 1", recheck_at=NOW + 7 * DAY - HOUR)

REFUSING_FOR_LONG = {
    "it has refused for a day": (
        licensed(install=install(reason="LIST_FIRST", since=NOW - DAY), device=SAYS_NO),
        LIST_REFUSED,
    ),
    "it was said before that it tells nothing": (
        licensed(install=install(reason="NOT_TOLD", since=NOW - DAY), device=SAYS_NO),
        LIST_REFUSED,
    ),
    "that stays so": (
        licensed(install=install(reason="LIST_REFUSED", since=NOW - 1), device=SAYS_NO),
        LIST_REFUSED,
    ),
    "for less than a day it is waited": (
        licensed(install=install(reason="LIST_FIRST", since=NOW - HOUR), device=SAYS_NO),
        Decision("licensed", "LIST_FIRST", recheck_at=NOW + DAY - HOUR),
    ),
}

WHY = "it has no ManagedApplicationList"


def unread(times: int, ago: float) -> Unreadable:
    """So many unreadable answers in a row, the last so long ago."""
    return Unreadable(times, NOW - DAY, NOW - ago, WHY)


def unreadable(state: InstallState, due: float | None, *steps: Step) -> Decision:
    at = None if due is None else NOW + due
    return Decision(state, "ANSWER_UNREADABLE", WHY, steps=steps, recheck_at=at)


AGAIN = {1: 10, 2: 30, 3: 2 * MINUTE, 4: 10 * MINUTE, 5: HOUR, 6: 6 * HOUR, 7: DAY, 8: DAY, 99: DAY}

UNREADABLE = {
    **{
        f"after {times} it is asked again in {wait:g} s": (
            licensed(device=NEVER_LISTED, list_unread=unread(times, 1)),
            unreadable("licensed", wait - 1)
            if times > 1
            else Decision("licensed", "LIST_FIRST", recheck_at=NOW + 9),
        )
        for times, wait in AGAIN.items()
    },
    "then it is": (
        licensed(device=NEVER_LISTED, list_unread=unread(7, DAY)),
        unreadable("licensed", 6 * DAY, AskApps()),
    ),
    "while it is asked, the reason stays": (
        licensed(device=NEVER_LISTED, list_unread=unread(7, DAY), list_open=True),
        unreadable("licensed", 6 * DAY),
    ),
    "a device that answers is not told to unlock": (
        licensed(
            install=install(reason="ANSWER_UNREADABLE", since=NOW - 30 * DAY),
            device=NEVER_LISTED,
            list_unread=unread(40, HOUR),
        ),
        unreadable("licensed", DAY - HOUR),
    ),
    "another round asks at once": (
        licensed(install=install(round_at=NOW), device=NEVER_LISTED, list_unread=unread(9, HOUR)),
        unreadable("licensed", 7 * DAY - HOUR, AskApps()),
    ),
    "what the device is": (
        licensed(device=NOT_DESCRIBED, facts_unread=unread(3, MINUTE)),
        unreadable("licensed", MINUTE),
    ),
    "what was accepted is not known to be there": (
        licensed(attempt=attempt(), list_unread=unread(2, 1)),
        unreadable("unconfirmed", 29),
    ),
    "once is no reason yet": (
        licensed(attempt=attempt(), list_unread=unread(1, 1)),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 9),
    ),
    "what is in doubt stays so": (
        licensed(
            device=device(apps_asked_at=NOW - HOUR), attempt=IN_DOUBT, list_unread=unread(4, 0)
        ),
        unreadable("unconfirmed", 10 * MINUTE),
    ),
    "what was listed before is installed": (
        licensed(report=report("Managed"), list_unread=unread(9, 0)),
        Decision("installed", "INSTALLED", recheck_at=NOW + 7 * DAY - MINUTE),
    ),
    "the other list may be": (
        licensed(attempt=attempt(), installed_unread=unread(9, 0)),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW + DAY - MINUTE),
    ),
}

ALL = (
    NOT_ANSWERING
    | WAITING
    | LISTED
    | WOULD_NOT_LIST
    | MISSING
    | UNREADABLE
    | {f"refusing: {name}": case for name, case in REFUSING_FOR_LONG.items()}
)


@pytest.mark.parametrize("case", ALL)
def test_what_is_decided(case: str) -> None:
    fact, expected = ALL[case]
    assert decided(fact) == expected
