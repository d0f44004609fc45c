"""Whether a device is gone for good: from what is known of it, its servers' clocks, and the time.

Two ways to be gone: not enrolled any more, or silent. Where anything speaks against it, or nobody
could have known, the answer is that its licences stay, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.domain.ages import length
from bridge.domain.policy import DAY
from bridge.domain.reclaim.watch import Heard, Watch
from bridge.domain.times import to_the_minute

Kind = Literal["unenrolled", "silent"]
_Way = Callable[[Watch], Heard]

FEW_LEFT_OUT = 2
PART_LEFT_OUT = 0.05
"""A list that leaves more devices out at once than FEW_LEFT_OUT, and than this part of all that its
server had, is more likely to be of a server that lost its data than of devices that left."""


@dataclass(frozen=True, slots=True)
class Record:
    """A device as one MDM server knew it. With `moved_to` it has enrolled with another since.

    `unenrolled_at` is when it was told that it left, by a CheckOut (`checked_out`) or by the list
    of devices, which leaves it out since `left_out_at` together with `left_out_with` others, of
    `of_all` that the server had. `watch` is None for a server that is not configured.
    """

    server: str
    enrolled: bool | None
    is_enrolling: bool
    checked_out: bool
    unenrolled_at: float | None
    left_out_at: float | None
    last_seen_at: float | None
    moved_to: str | None
    watch: Watch | None
    left_out_with: int = 0
    of_all: int = 0

    @property
    def is_lost(self) -> bool:
        """Whether its server's list left it out together with many others."""
        if self.left_out_at is None:
            return False
        return self.left_out_with > max(FEW_LEFT_OUT, PART_LEFT_OUT * self.of_all)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is so for a device: `evidence` in words, `since` when the clock runs, and `due_at` when
    its licences go back; None where no clock runs, for the reason `kept`."""

    kind: Kind
    evidence: str
    since: float | None = None
    due_at: float | None = None
    kept: str | None = None

    def is_due(self, now: float) -> bool:
        """Whether its licences are to go back."""
        return self.due_at is not None and now >= self.due_at

    def got_at(self, at: float | None, after: float) -> Verdict:
        """The same of one licence, which was got at `at`: its clock began no earlier."""
        if self.due_at is None or at is None or at + after <= self.due_at:
            return self
        since = max(self.since or at, at)
        return Verdict(self.kind, self.evidence, since, at + after)

    def sentence(self, now: float) -> str:
        """In words: `it left main (CheckOut) on …; its licences go back on …`."""
        if self.is_due(now):
            return self.evidence
        if self.due_at is not None:
            return f"{self.evidence}; kept until {to_the_minute(self.due_at)}"
        return f"{self.evidence}; kept: {self.kept}" if self.evidence else f"kept: {self.kept}"


def _kept(kind: Kind, why: str, evidence: str = "") -> Verdict:
    return Verdict(kind, evidence, kept=why)


def unenrolled(records: Sequence[Record], now: float, after: float) -> Verdict:
    """Whether a device, by all that servers knew of it, left `after` seconds ago.

    What happened before its server's clock began is believed after a day of that clock at least:
    the device may have come back while nobody listened.
    """
    kind: Kind = "unenrolled"
    present = [record for record in records if record.moved_to is None]
    if not present:
        return _kept(kind, "no MDM server has shown it")
    for record in present:
        if record.enrolled:
            return _kept(kind, f"it is enrolled with {record.server}")
        if record.is_enrolling:
            return _kept(kind, f"it began to enrol with {record.server} again")
    words, since, due = list[str](), 0.0, 0.0
    for record in present:
        told_at = record.unenrolled_at
        if told_at is None:
            return _kept(kind, f"{record.server} never said that it left")
        at = max(told_at, record.last_seen_at or told_at)
        words.append(_left(record, told_at))
        evidence = " and ".join(words)
        if why := _unsure(record, now, lambda watch: watch.any):
            return _kept(kind, why, evidence)
        assert record.watch is not None, "a server without a clock is never sure"
        clock = record.watch.any.since
        since = max(since, at, clock)
        due = max(due, at + after if at >= clock else clock + max(after, DAY))
    return Verdict(kind, " and ".join(words), since, due)


def silent(records: Sequence[Record], now: float, after: float) -> Verdict:
    """Whether nothing was heard of a device for `after` seconds, though its servers' webhooks
    came all the while: a list of devices says nothing of who is there."""
    kind: Kind = "silent"
    present = [record for record in records if record.moved_to is None]
    if not present:
        return _kept(kind, "no MDM server has shown it")
    seen = [record.last_seen_at for record in present if record.last_seen_at is not None]
    if not seen:
        return _kept(kind, "nothing was ever heard of it")
    last = max(seen)
    evidence = f"silent since {to_the_minute(last)}, {length(max(now - last, 0.0))}"
    clock = last
    for record in present:
        if why := _unsure(record, now, lambda watch: watch.webhooks):
            return _kept(kind, why, evidence)
        assert record.watch is not None, "a server without a clock is never sure"
        clock = max(clock, record.watch.webhooks.since)
    verdict = Verdict(kind, evidence, clock, clock + after)
    if clock > last and not verdict.is_due(now):
        why = _why_later(present, clock)
        return Verdict(kind, f"{evidence}; counted from {why}", clock, clock + after)
    return verdict


def _why_later(records: Sequence[Record], clock: float) -> str:
    for record in records:
        if record.watch is not None and record.watch.webhooks.since == clock:
            return f"{to_the_minute(clock)}, since {record.watch.webhooks.why}"
    return to_the_minute(clock)


def _left(record: Record, at: float) -> str:
    if record.checked_out:
        return f"it left {record.server} (CheckOut) on {to_the_minute(at)}"
    if record.left_out_at is not None:
        since = to_the_minute(record.left_out_at)
        return f"the list of {record.server} leaves it out since {since}"
    return f"the list of {record.server} has it as not enrolled since {to_the_minute(at)}"


def _unsure(record: Record, now: float, way: _Way) -> str | None:
    """Why what one server knows says nothing now; None where it does."""
    watch = record.watch
    if watch is None:
        return f"{record.server}, which knew it, is not in the file, or not looked after yet"
    if not watch.looks_on(now):
        return f"the bridge was not running since {to_the_minute(watch.looked_at)}"
    if watch.dead_since is not None:
        until = to_the_minute(watch.listed_at or watch.looked_at)
        return (
            f"no webhook of {record.server} came since {to_the_minute(watch.dead_since)}, though "
            f"by its list devices came to it until {until}; see `vpp-bridge doctor`"
        )
    heard = way(watch)
    if heard.is_stopped(now):
        what = "no webhook of" if heard is watch.webhooks else "nothing from"
        return f"{what} {record.server} came since {to_the_minute(heard.last)}"
    if record.is_lost:
        return (
            f"the list of {record.server} left out {record.left_out_with} of its {record.of_all} "
            "devices at once, as one that lost its data does"
        )
    return None
