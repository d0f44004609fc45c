"""When people at devices may be asked something: never in their quiet hours."""

from __future__ import annotations

from datetime import datetime

from bridge.domain.hours import Hours, zone
from bridge.domain.policy import Policy


def next_allowed(at: float, policy: Policy) -> float:
    """The first moment from `at` on that is not in `policy.prompts.quiet_hours`.

    The hours are the wall clock's in `policy.time_zone`, whatever day of the year it is; hours
    like 22:00-07:00 cross midnight. The end is not quiet any more.
    """
    if policy.prompts.quiet_hours is None:
        return at
    hours, where = Hours.of(policy.prompts.quiet_hours), zone(policy.time_zone)
    local = datetime.fromtimestamp(at, where)
    day = hours.day_of(local)
    if day is None:
        return at
    # In an hour that comes twice (summer time ends) the end is that of the same turn.
    return hours.end_of(day, where, fold=local.fold).timestamp()


def moment(at: float, policy: Policy) -> str:
    """A time for people, in `policy.time_zone`: `2027-01-15 07:00 CET`."""
    return moment_in(at, policy.time_zone)


def moment_in(at: float, time_zone: str) -> str:
    """A time for people, in a time zone: `2027-01-15 07:00 CET`."""
    return datetime.fromtimestamp(at, zone(time_zone)).strftime("%Y-%m-%d %H:%M %Z")


def to_the_second_there(at: float, policy: Policy) -> str:
    """A time for people in a column, in `policy.time_zone`: `2027-01-15 07:00:09`."""
    return datetime.fromtimestamp(at, zone(policy.time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def with_offset(at: float, policy: Policy) -> str:
    """A time for a spreadsheet or a program, in `policy.time_zone`: `2027-01-15T07:00:09+01:00`."""
    return datetime.fromtimestamp(at, zone(policy.time_zone)).isoformat(timespec="seconds")
