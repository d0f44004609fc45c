"""Who is gone: each case of what servers knew and when they were heard of, and what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.policy import DAY, HOUR
from bridge.domain.reclaim import guard
from bridge.domain.reclaim.verdict import Record, silent, unenrolled
from bridge.domain.reclaim.watch import GAP, Heard, Signs, Watch, begin, look

NOW = 1_800_000_000.0
AFTER = 30 * DAY


def watch(since: float = NOW - 90 * DAY, **changes: Any) -> Watch:
    """A server that was heard of all the while."""
    heard = Heard(since, NOW - HOUR, "it began then")
    return replace(Watch("main", heard, heard, NOW - HOUR), **changes)


def record(**changes: Any) -> Record:
    """A device that left 31 days ago, by a CheckOut."""
    left_at = NOW - 31 * DAY
    values: dict[str, Any] = {
        "server": "main",
        "enrolled": False,
        "is_enrolling": False,
        "checked_out": True,
        "unenrolled_at": left_at,
        "left_out_at": None,
        "last_seen_at": left_at,
        "moved_to": None,
        "watch": watch(),
    }
    return Record(**values | changes)


THERE = record(enrolled=True, unenrolled_at=None, checked_out=False)
QUIET = Heard(NOW - 90 * DAY, NOW - 2 * DAY, "")

UNENROLLED = {
    "it left long enough ago": ([record()], True, "it left main (CheckOut)"),
    "it left a day too late": (
        [record(unenrolled_at=NOW - 29 * DAY, last_seen_at=NOW - 29 * DAY)],
        False,
        "kept until",
    ),
    "something of it came since": ([record(last_seen_at=NOW - 29 * DAY)], False, "kept until"),
    "nobody has shown it": ([], False, "no MDM server has shown it"),
    "it is enrolled": ([THERE], False, "it is enrolled with main"),
    "it is enrolled with another": (
        [record(), replace(THERE, server="other")],
        False,
        "it is enrolled with other",
    ),
    "it has moved": (
        [record(moved_to="other"), replace(THERE, server="other")],
        False,
        "it is enrolled with other",
    ),
    "it is about to enrol": ([record(is_enrolling=True)], False, "began to enrol"),
    "nobody said that it left": (
        [record(enrolled=None, checked_out=False, unenrolled_at=None)],
        False,
        "never said that it left",
    ),
    "its server is not in the file": ([record(watch=None)], False, "not in the file"),
    "its server is silent": (
        [record(watch=watch(any=QUIET))],
        False,
        "nothing from main came since",
    ),
    "only its webhooks are": ([record(watch=watch(webhooks=QUIET))], True, "it left main"),
    "devices come without webhooks": (
        [record(watch=watch(listed_at=NOW - HOUR, dead_since=NOW - 2 * DAY))],
        False,
        "no webhook of main came since",
    ),
    "the bridge was away": (
        [record(watch=watch(looked_at=NOW - 2 * DAY))],
        False,
        "the bridge was not running since",
    ),
    "the clock began later": ([record(watch=watch(NOW - 29 * DAY))], False, "kept until"),
    "one of two servers is gone": (
        [record(), record(server="other", watch=None)],
        False,
        "other, which knew it, is not in the file",
    ),
    "the list leaves it out": (
        [record(enrolled=None, checked_out=False, left_out_at=NOW - 31 * DAY, left_out_with=2)],
        True,
        "the list of main leaves it out since",
    ),
    "the list leaves many out": (
        [
            record(
                enrolled=None,
                checked_out=False,
                left_out_at=NOW - 31 * DAY,
                left_out_with=3,
                of_all=6,
            )
        ],
        False,
        "left out 3 of its 6 devices at once",
    ),
}


@pytest.mark.parametrize("case", UNENROLLED)
def test_who_left(case: str) -> None:
    records, is_due, words = UNENROLLED[case]
    told = unenrolled(records, NOW, AFTER)
    assert told.is_due(NOW) is is_due
    assert words in told.sentence(NOW)


def test_what_was_before_the_clock_is_believed_after_a_day_of_it() -> None:
    told = unenrolled([record(watch=watch(NOW - HOUR))], NOW, 0.0)
    assert told.due_at == NOW - HOUR + DAY
    late = record(unenrolled_at=NOW - 60, last_seen_at=NOW - 60, watch=watch(NOW - HOUR))
    assert unenrolled([late], NOW, 0.0).is_due(NOW)


SILENT = {
    "it is silent": ([replace(THERE, last_seen_at=NOW - 31 * DAY)], True, "silent since"),
    "it spoke": ([replace(THERE, last_seen_at=NOW - 29 * DAY)], False, "kept until"),
    "it spoke to another server": (
        [THERE, replace(THERE, server="other", last_seen_at=NOW - DAY)],
        False,
        "kept until",
    ),
    "it never spoke": ([replace(THERE, last_seen_at=None)], False, "nothing was ever heard"),
    "no webhook comes": (
        [replace(THERE, watch=watch(webhooks=QUIET))],
        False,
        "no webhook of main came since",
    ),
    "devices come without webhooks": (
        [replace(THERE, watch=watch(listed_at=NOW - HOUR, dead_since=NOW - 2 * DAY))],
        False,
        "though by its list devices came to it until",
    ),
    "the webhooks came again": (
        [replace(THERE, watch=watch(webhooks=Heard(NOW - 9 * DAY, NOW, "nothing came")))],
        False,
        "since nothing came; kept until",
    ),
    "the server lost it": (
        [replace(THERE, left_out_at=NOW - 31 * DAY, left_out_with=5, of_all=5)],
        False,
        "as one that lost its data does",
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_who_is_silent(case: str) -> None:
    records, is_due, words = SILENT[case]
    told = silent(records, NOW, AFTER)
    assert told.is_due(NOW) is is_due
    assert words in told.sentence(NOW)


def test_a_licence_is_kept_for_as_long_as_it_is_young() -> None:
    told = unenrolled([record()], NOW, AFTER)
    assert told.got_at(NOW - 40 * DAY, AFTER).is_due(NOW)
    assert told.got_at(NOW - DAY, AFTER).due_at == NOW + 29 * DAY


def test_a_clock_goes_on_as_long_as_there_is_a_word_a_day() -> None:
    now, kept = NOW, begin("main", NOW, "new")
    for _ in range(24 * 10):
        now += HOUR
        kept = look(kept, "main", now, Signs(now - now % DAY))
    assert kept.webhooks.since == NOW
    assert not kept.webhooks.is_stopped(now)
    for _ in range(24 * 3):
        now += HOUR
        kept = look(kept, "main", now, Signs(NOW + 9 * DAY, now))
    assert kept.webhooks.is_stopped(now)
    assert not kept.any.is_stopped(now)
    kept = look(kept, "main", now + HOUR, Signs(now, now))
    assert (kept.webhooks.since, kept.any.since) == (now, NOW)
    assert "nothing came from it since" in kept.webhooks.why


def looks(kept: Watch, hours: int, *, webhook: bool = False, comes: bool = True) -> Watch:
    """So many hourly looks at a server whose list is read; whether devices come, and webhooks."""
    for _ in range(hours):
        now = kept.looked_at + HOUR
        webhook_at = now - 60 if webhook else None
        kept = look(kept, "main", now, Signs(webhook_at, now - 30, now - 60 if comes else None))
    return kept


def test_a_webhook_is_dead_when_devices_come_without_one() -> None:
    well = looks(begin("main", NOW, "new"), 48, webhook=True)
    assert well.dead_since is None
    assert looks(well, 25).dead_since is None, "a day without any is allowed"
    dead = looks(well, 27)
    assert dead.dead_since == well.webhooks.at
    assert looks(dead, 100).any.since == NOW
    again = looks(dead, 1, webhook=True)
    assert again.dead_since is None
    assert again.any.since == again.webhooks.since == again.looked_at - 60
    assert "none of its webhooks came since" in again.any.why
    assert looks(again, 100, webhook=True).any == replace(again.any, at=NOW + 176 * HOUR - 30)


def test_a_quiet_fleet_is_no_dead_webhook() -> None:
    well = looks(begin("main", NOW, "new"), 48, webhook=True)
    quiet = looks(well, 24 * 60, comes=False)
    assert quiet.dead_since is None
    assert quiet.any.since == NOW
    assert quiet.webhooks.is_stopped(quiet.looked_at)
    came = look(quiet, "main", quiet.looked_at + HOUR, Signs(None, None, quiet.looked_at + HOUR))
    assert came.dead_since is None, "its webhook may be on its way"
    assert looks(came, 1, webhook=True).any.since == NOW


def test_a_dead_webhook_stays_dead_whatever_its_list_forgets() -> None:
    dead = looks(looks(begin("main", NOW, "new"), 48, webhook=True), 48)
    for signs in (Signs(), Signs(list_at=dead.looked_at), Signs(None, None, NOW)):
        assert look(dead, "main", dead.looked_at + HOUR, signs).dead_since == dead.dead_since


def test_of_webhooks_that_never_came_a_few_hours_are_enough() -> None:
    assert looks(begin("main", NOW, "new"), 4).dead_since == NOW


def test_a_time_of_the_list_that_lies_ahead_is_now() -> None:
    kept = look(begin("main", NOW, "new"), "main", NOW + HOUR, Signs(None, None, NOW + 9 * GAP))
    assert kept.listed_at == NOW + HOUR


def test_a_gap_of_ours_begins_all_anew() -> None:
    kept = look(begin("main", NOW, "new"), "main", NOW + HOUR, Signs(NOW, NOW))
    again = look(kept, "main", NOW + 3 * DAY, Signs(NOW + 3 * DAY))
    assert again.any.since == again.webhooks.since == NOW + 3 * DAY
    assert "was not running since" in again.any.why


@pytest.mark.parametrize(
    ("licences", "lately", "due", "is_held"),
    [
        (10, 0, 10, False),
        (10, 0, 11, True),
        (10, 5, 6, True),
        (1000, 0, 50, False),
        (1000, 1, 50, True),
    ],
)
def test_many_wait_for_a_person(licences: int, lately: int, due: int, is_held: bool) -> None:
    assert (guard.held("hq", licences, lately, due) is not None) is is_held
