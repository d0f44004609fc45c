"""When people at devices may be asked something: never in their quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

from bridge.domain.policy import Policy


def next_allowed(at: float, policy: Policy) -> float:
    """The first moment from `at` on that is not in `policy.prompts.quiet_hours`.

    The hours are the wall clock's in `policy.time_zone`, whatever day of the year it is; hours
    like 22:00-07:00 cross midnight. The end is not quiet any more.
    """
    if policy.prompts.quiet_hours is None:
        return at
    begin, end = map(time.fromisoformat, policy.prompts.quiet_hours.split("-"))
    local = datetime.fromtimestamp(at, _zone(policy))
    clock = local.time()
    crosses = begin > end
    quiet = clock >= begin or clock < end if crosses else begin <= clock < end
    if not quiet:
        return at
    day = local.date() + timedelta(days=1 if crosses and clock >= begin else 0)
    # In an hour that comes twice (summer time ends) the end is that of the same turn.
    over = datetime.combine(day, end, _zone(policy)).replace(fold=local.fold)
    return over.timestamp()


def moment(at: float, policy: Policy) -> str:
    """A time for people, in `policy.time_zone`: `2027-01-15 07:00 CET`."""
    return datetime.fromtimestamp(at, _zone(policy)).strftime("%Y-%m-%d %H:%M %Z")


def to_the_second_there(at: float, policy: Policy) -> str:
    """A time for people in a column, in `policy.time_zone`: `2027-01-15 07:00:09`."""
    return datetime.fromtimestamp(at, _zone(policy)).strftime("%Y-%m-%d %H:%M:%S")


def with_offset(at: float, policy: Policy) -> str:
    """A time for a spreadsheet or a program, in `policy.time_zone`: `2027-01-15T07:00:09+01:00`."""
    return datetime.fromtimestamp(at, _zone(policy)).isoformat(timespec="seconds")


def _zone(policy: Policy) -> tzinfo:
    """The zone of the policy; UTC needs no database of zones."""
    if policy.time_zone == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as long to load as a command takes to read

    return ZoneInfo(policy.time_zone)
