"""What goes wrong in a simulated world, as a script."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

What = Literal[
    "drop",  # a message never arrives
    "delay",  # it arrives `delay` seconds later
    "reorder",  # the same, so that later messages overtake it
    "duplicate",  # it arrives twice, the second time `delay` seconds later
    "error",  # a definite no: errorNumber `number`, or a device's ErrorChain, or an MDM 500
    "gateway",  # `status` (502) and HTML instead of an answer; nothing was done
    "gateway_after",  # the same, but it was done
    "garbled",  # done, HTTP 200, and an unreadable body
    "odd",  # done, and `edit` makes something odd of the answer, or of the notification
    "request_lost",  # the connection drops and nothing was done
    "reply_lost",  # it was done and the connection drops
    "lose",  # accepted with a smile, and never done
    "stuck",  # an Apple event that stays PENDING
    "not_now",  # a device says NotNow
    "silent",  # a device takes a command and never answers
]

_REQUEST = frozenset(
    {"error", "gateway", "gateway_after", "garbled", "odd", "request_lost", "reply_lost"}
)
_MESSAGE = frozenset({"drop", "delay", "reorder", "duplicate"})

PLACES: dict[str, frozenset[str]] = {
    "apple.service_config": _REQUEST,
    "apple.client_config": _REQUEST,  # GET
    "apple.set_client_config": _REQUEST,  # POST
    "apple.assets": _REQUEST,
    "apple.associate": _REQUEST,
    "apple.disassociate": _REQUEST,
    "apple.revoke": _REQUEST,
    "apple.assignments": _REQUEST,
    "apple.status": _REQUEST,
    "apple.users": _REQUEST,
    "apple.create_users": _REQUEST,
    "apple.update_users": _REQUEST,
    "apple.retire_users": _REQUEST,
    "apple.subscriptions": _REQUEST,
    "apple.subscription_assignments": _REQUEST,
    "apple.lookup": _REQUEST,
    "apple.event": frozenset({"error", "delay", "stuck"}),  # the asynchronous part
    "apple.notification": _MESSAGE | {"odd"},
    "mdm.command": _REQUEST | {"lose"},  # JSON and raw form
    "mdm.queue": _REQUEST,
    "mdm.clear": _REQUEST,
    "mdm.push": _REQUEST | {"lose"},
    "mdm.devices": _REQUEST,
    "mdm.version": _REQUEST,
    "mdm.webhook": _MESSAGE,
    "device": frozenset({"error", "not_now", "silent"}),
}
"""Where a Fault can strike, and how. What `match` is compared with: path, query and body of a
request; type and JSON of a notification; topic and plist of a webhook; kind, assets and targets of
an event; request type, adam id and serial number at a device."""


@dataclass(frozen=True)
class Fault:
    """One planned mishap.

    It strikes at the occasions at `where` whose text contains `match`: the first `after` of them
    pass, the next `times` are struck (0: all of them). `number` is Apple's errorNumber or a
    device's ErrorCode (with `domain`), `status` the HTTP status (0: the usual one of the number),
    `retry_after` seconds for a Retry-After header, `delay` seconds. `edit` takes the JSON document
    that would be sent and returns the one that is sent instead. `word` is what a person calls
    it, in the singular: "lost notification".
    """

    where: str
    what: What
    match: str = ""
    after: int = 0
    times: int = 1
    number: int = 0
    domain: str = ""
    status: int = 0
    retry_after: float | None = None
    delay: float = 2.0
    word: str = ""
    edit: Callable[[Any], Any] = field(default=lambda document: document, compare=False)

    def __post_init__(self) -> None:
        if self.what not in PLACES.get(self.where, ()):
            raise ValueError(f"no fault can {self.what!r} at {self.where!r}")
        if self.what == "error" and not self.number and not self.where.startswith("mdm."):
            raise ValueError("an error at Apple or at a device needs a number")

    @property
    def name(self) -> str:
        """`word`, or what and where if it has none."""
        return self.word or f"{self.what} at {self.where}"


@dataclass
class _Planned:
    fault: Fault
    seen: int = 0

    def sees(self, where: str, text: str) -> bool:
        """Count the occasion if it matches; whether the fault is due to strike at it."""
        fault = self.fault
        if fault.where != where or fault.match not in text:
            return False
        self.seen += 1
        nth = self.seen - fault.after
        return nth >= 1 and (not fault.times or nth <= fault.times)


class Faults:
    """The script with its counters: which fault strikes now, and which have struck."""

    def __init__(self, planned: Iterable[Fault] = ()) -> None:
        self._planned: list[_Planned] = []
        self.struck: Counter[str] = Counter()
        self._lock = threading.Lock()
        for fault in planned:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Plan one more, counted from now on."""
        self._planned.append(_Planned(fault))

    def heal(self) -> None:
        """Let nothing more go wrong."""
        with self._lock:
            self._planned.clear()

    def strike(self, where: str, text: str = "") -> Fault | None:
        """The fault that strikes at this occasion, if one does; it is counted in `struck`.

        Every planned fault sees the occasion, the first that is due strikes.
        """
        striking: Fault | None = None
        with self._lock:
            for planned in self._planned:
                if planned.sees(where, text) and striking is None:
                    striking = planned.fault
            if striking is not None:
                self.struck[striking.name] += 1
        return striking

    @property
    def total(self) -> int:
        """How many times something went wrong."""
        return self.struck.total()

    def summary(self) -> list[str]:
        """What went wrong in words a person uses: "1 lost notification", "2 lost commands"."""
        return [f"{count} {name}{'' if count == 1 else 's'}" for name, count in self.struck.items()]


def demo_faults(seed: int) -> list[Fault]:
    """One of each everyday mishap, for a run that shall end well all the same.

    Two notifications go wrong, so a run with a single app meets only one of them.
    """
    random = Random(seed)
    lost, repeated = random.sample([0, 1], 2)
    return [
        Fault("apple.associate", "error", number=9646, word="refusal for too many requests"),
        Fault(
            "apple.notification",
            "drop",
            match="ASSET_MANAGEMENT",
            after=lost,
            word="lost notification",
        ),
        Fault(
            "apple.notification",
            "duplicate",
            match="ASSET_MANAGEMENT",
            after=repeated,
            word="repeated notification",
        ),
        Fault(
            "mdm.command",
            "lose",
            match="InstallApplication",
            after=random.randrange(3),
            word="lost command",
        ),
        Fault(
            "device",
            "not_now",
            match="InstallApplication",
            after=random.randrange(3),
            word="device that said NotNow",
        ),
        Fault(
            "device",
            "error",
            match="InstallApplication",
            after=3 + random.randrange(3),
            number=9610,
            domain="ASDServerErrorDomain",
            word="licence that a device could not see yet",
        ),
    ]
