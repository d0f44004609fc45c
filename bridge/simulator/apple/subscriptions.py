"""Subscriptions of one location as Apple keeps them, with periods that end by the world's clock.

Clients only look at them here: who assigns, buys and cancels is the script of a test or the portal.
Apple documents what is listed and notified; how seats move at the end of a period is simulated as
its words say: what renews goes on for another period, what expires is gone with its users.
Source: Apple, "Managing Subscriptions".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.simulator.apple.errors import Refusal, message
from bridge.simulator.apple.notifications import ELEMENTS, Notifier
from bridge.simulator.kernel import Kernel

MONTH = 30 * 86400.0
_CURSOR = "s"


@dataclass
class Subscription:
    """One subscription. `renewing` and `expiring` are its seats, `users` who has one, each with
    whether it renews."""

    adam_id: int
    renewing: int
    expiring: int
    ends_at: float
    parent_adam_id: int | None = None
    status: str = "ACTIVE"
    period: float = MONTH
    users: dict[str, bool] = field(default_factory=dict)

    def assigned(self, *, renewing: bool) -> int:
        """How many seats of one sort are in use."""
        return sum(each == renewing for each in self.users.values())

    def counts(self) -> dict[str, dict[str, int]]:
        """As in GET /subscriptions."""
        assigned = {
            "renewing": self.assigned(renewing=True),
            "expiring": self.assigned(renewing=False),
        }
        total = {"renewing": self.renewing, "expiring": self.expiring}
        available = {sort: total[sort] - assigned[sort] for sort in total}
        return {"assigned": assigned, "available": available, "total": total}

    def as_json(self) -> dict[str, object]:
        """As in GET /subscriptions."""
        ends_on = datetime.fromtimestamp(self.ends_at, UTC).strftime("%Y-%m-%d")
        return {
            "parentAdamId": self.parent_adam_id,
            "adamId": self.adam_id,
            "status": self.status,
            "periodEndDate": ends_on,
            "counts": self.counts(),
        }


class Subscriptions:
    """All subscriptions of a location. Call it while holding the kernel's lock."""

    def __init__(self, kernel: Kernel, notifier: Notifier) -> None:
        self.known: dict[int, Subscription] = {}
        self._writes = 0
        self._kernel = kernel
        self._notifier = notifier

    def buy(
        self,
        adam_id: int,
        seats: int,
        *,
        parent_adam_id: int | None = None,
        period: float = MONTH,
    ) -> Subscription:
        """Somebody buys seats that renew, of one that is known or new; Apple notifies."""
        known = self.known.get(adam_id)
        if known is None:
            ends_at = self._kernel.now + period
            known = Subscription(adam_id, 0, 0, ends_at, parent_adam_id, period=period)
            self.known[adam_id] = known
            self._kernel.at(ends_at, lambda: self._end_period(known))
        known.renewing += seats
        self._counted(known)
        return known

    def cancel(self, adam_id: int, seats: int) -> None:
        """So many seats do not renew any more; those in use are the first to renew."""
        known = self.known[adam_id]
        known.renewing -= seats
        known.expiring += seats
        over = known.assigned(renewing=True) - known.renewing
        for user in [user for user, renews in known.users.items() if renews][: max(over, 0)]:
            known.users[user] = False
        self._counted(known)

    def pause(self, adam_id: int, *, paused: bool = True) -> None:
        """Apple shows it as PAUSED, or as ACTIVE again; nothing is notified."""
        self.known[adam_id].status = "PAUSED" if paused else "ACTIVE"
        self._written()

    def associate(self, adam_id: int, *users: str, renewing: bool = True) -> int:
        """Somebody assigns it to users, as far as seats go; returns 0, or the errorNumber of those
        who got none (Apple names none for want of seats: 9709 as for assets)."""
        known = self.known[adam_id]
        room = known.counts()["available"]["renewing" if renewing else "expiring"]
        new = [user for user in users if user not in known.users]
        done, left = new[:room], new[room:]
        known.users |= dict.fromkeys(done, renewing)
        self._told("ASSOCIATE", known, done, renewing=renewing)
        self._told("ASSOCIATE", known, left, renewing=renewing, number=9709)
        return 9709 if left else 0

    def disassociate(self, adam_id: int, *users: str, deferred: bool = False) -> int:
        """Somebody takes it back, at once or, `deferred`, when the period ends; returns 0, or 9815
        where some of them have none."""
        known = self.known[adam_id]
        held = [user for user in users if user in known.users]
        if deferred:
            for user in held:
                if known.users[user]:
                    known.users[user] = False
                    known.renewing -= 1
                    known.expiring += 1
            self._written()
        else:
            self._end(known, held)
        missing = [user for user in users if user not in held]
        self._told("DISASSOCIATE", known, missing, renewing=False, number=9815)
        return 9815 if missing else 0

    def _end(self, known: Subscription, users: list[str]) -> None:
        for renewing in (True, False):
            some = [user for user in users if known.users.get(user) is renewing]
            for user in some:
                del known.users[user]
            self._told("DISASSOCIATE", known, some, renewing=renewing)

    def _end_period(self, known: Subscription) -> None:
        """What renews begins another period, what expires is gone; with no seat left, so is all."""
        if known.status == "PAUSED":
            known.ends_at += known.period
        else:
            self._end(known, [user for user, renews in known.users.items() if not renews])
            had, known.expiring = known.expiring, 0
            known.status = "ACTIVE" if known.renewing else "INACTIVE"
            if known.renewing:
                known.ends_at += known.period
            if had:
                self._counted(known)
        self._written()
        if known.ends_at > self._kernel.now:
            self._kernel.at(known.ends_at, lambda: self._end_period(known))

    def _counted(self, known: Subscription) -> None:
        """SUBSCRIPTION_COUNT: whole numbers, and none of those assigned."""
        self._written()
        counts = known.counts()
        content: dict[str, object] = {"adamId": known.adam_id}
        if known.parent_adam_id is not None:
            content["parentAdamId"] = known.parent_adam_id
        told = {kind: counts[kind] for kind in ("available", "total")}
        self._notifier.notify("SUBSCRIPTION_COUNT", content | {"counts": told})

    def _told(
        self, kind: str, known: Subscription, users: list[str], *, renewing: bool, number: int = 0
    ) -> None:
        self._written()
        event_id = self._kernel.uuid()
        for start in range(0, len(users), ELEMENTS):
            content: dict[str, object] = {
                "type": kind,
                "result": "FAILURE" if number else "SUCCESS",
                "eventId": event_id,
                "assignments": [
                    {"adamId": known.adam_id, "clientUserId": user, "renewing": renewing}
                    for user in users[start : start + ELEMENTS]
                ],
            }
            if number:
                content["error"] = {"errorNumber": number, "errorMessage": message(number)}
            self._notifier.notify("SUBSCRIPTION_MANAGEMENT", content)

    def _written(self) -> None:
        self._writes += 1

    # What clients read

    def listed(self, query: Mapping[str, str], size: int) -> dict[str, object]:
        """GET /subscriptions."""
        rows = [each.as_json() for each in self._asked(query)]
        return self._page("subscriptions", rows, query, size)

    def assignments(self, query: Mapping[str, str], size: int) -> dict[str, object]:
        """GET /subscriptions/assignments."""
        rows: list[dict[str, object]] = [
            {"adamId": each.adam_id, "clientUserId": user, "renewing": renewing}
            for each in self._asked(query)
            for user, renewing in each.users.items()
            if query.get("clientUserId", user) == user
        ]
        return self._page("assignments", rows, query, size)

    def _asked(self, query: Mapping[str, str]) -> Iterator[Subscription]:
        numbers = {name: _number(query, name) for name in ("adamId", "parentAdamId")}
        for each in self.known.values():
            if numbers["adamId"] in (None, each.adam_id) and (
                numbers["parentAdamId"] in (None, each.parent_adam_id)
            ):
                yield each

    def _page(
        self, name: str, rows: list[dict[str, object]], query: Mapping[str, str], size: int
    ) -> dict[str, object]:
        start = _start(query.get("cursor"), len(rows))
        body: dict[str, object] = {
            name: rows[start : start + size],
            "versionId": f"subscriptions-{self._writes}",
            "mdmInfo": None,
        }
        if start + size < len(rows):
            written = f"{_CURSOR}{start + size}".encode()
            body["nextCursor"] = base64.urlsafe_b64encode(written).decode()
        return body


def _start(cursor: str | None, rows: int) -> int:
    if cursor is None:
        return 0
    try:
        written = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
        start = int(written.removeprefix(_CURSOR))
    except (binascii.Error, ValueError):
        raise Refusal(9812) from None
    if not written.startswith(_CURSOR) or not 0 <= start <= rows:
        raise Refusal(9812)
    return start


def _number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not query[name].isdecimal():
        raise Refusal(9813)
    return int(query[name])
