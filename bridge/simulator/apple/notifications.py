"""Apple's notifications: at most 100 elements, up to three attempts, best effort, in no order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.errors import message
from bridge.simulator.apple.library import AssetKey, Event, Pair
from bridge.simulator.faults import Faults
from bridge.simulator.kernel import Kernel
from bridge.simulator.outgoing import Letter, Outgoing

ELEMENTS = 100
"""Apple puts at most this many elements into one notification."""


@dataclass
class NotificationSettings:
    """Seconds: `delay` from the deed to the first attempt, up to `spread` more by the seed (so that
    notifications overtake each other), and the waits before the second and third attempt."""

    delay: float = 1.0
    spread: float = 0.0
    again_after: tuple[float, ...] = (60.0, 180.0)


def letter(config: ClientConfig, notification: Mapping[str, object]) -> Letter:
    """One notification as Apple posts it, with the bearer token that is set now."""
    return Letter(
        config.notification_url,
        {
            "Authorization": f"Bearer {config.notification_token}",
            "Content-Type": "application/json",
        },
        json.dumps(notification).encode(),
    )


def delivered(status: int | None) -> bool:
    """Whether Apple takes the HTTP status for a delivery: any 2xx."""
    return status is not None and 200 <= status < 300


def of_event(event: Event) -> Iterator[dict[str, object]]:
    """The bodies of the ASSET_MANAGEMENT notifications that tell an event's outcome.

    Grouped as seen in practice: one app and 100 devices; a REVOKE mixes a target's apps.
    """
    for pairs in _grouped(event, event.done):
        yield _outcome(event, "SUCCESS", pairs)
    for failure in event.failures:
        for pairs in _chunks(failure.pairs):
            error = {"errorNumber": failure.number, "errorMessage": message(failure.number)}
            yield _outcome(event, "FAILURE", pairs) | {"error": error}


def _grouped(event: Event, pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    if event.kind == "REVOKE":
        yield from _chunks(pairs)
        return
    by_asset: dict[AssetKey, list[Pair]] = {}
    for pair in pairs:
        by_asset.setdefault((pair.adam_id, pair.pricing_param), []).append(pair)
    for group in by_asset.values():
        yield from _chunks(group)


def _chunks(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    for start in range(0, len(pairs), ELEMENTS):
        yield pairs[start : start + ELEMENTS]


def _outcome(event: Event, result: str, pairs: Sequence[Pair]) -> dict[str, object]:
    return {
        "type": event.kind,
        "result": result,
        "eventId": event.event_id,
        "assignments": [pair.as_json() for pair in pairs],
    }


class Notifier:
    """Sends one location's notifications to wherever its client configuration says."""

    def __init__(
        self,
        kernel: Kernel,
        outgoing: Outgoing,
        faults: Faults,
        settings: NotificationSettings,
        uid: str,
    ) -> None:
        self.config = ClientConfig()
        self.sent = 0
        self.lost = 0
        self._kernel = kernel
        self._outgoing = outgoing
        self._faults = faults
        self._settings = settings
        self._uid = uid

    def envelope(self, kind: str, content: Mapping[str, object]) -> dict[str, object]:
        """A whole notification, with an id of its own."""
        return {
            "notification": dict(content),
            "notificationId": self._kernel.uuid(),
            "notificationType": kind,
            "uId": self._uid,
        }

    def notify(self, kind: str, content: Mapping[str, object]) -> None:
        """Send it in a while, if the client wants this type; faults strike here."""
        if not self.config.notification_url or kind not in self.config.notification_types:
            return
        notification = self.envelope(kind, content)
        wait = self._settings.delay + self._kernel.random.uniform(0, self._settings.spread)
        fault = self._faults.strike("apple.notification", f"{kind} {json.dumps(content)}")
        if fault and fault.what == "drop":
            self.lost += 1
            return
        if fault and fault.what in {"delay", "reorder"}:
            wait += fault.delay
        if fault and fault.what == "odd":
            notification = fault.edit(json.loads(json.dumps(notification)))
        self._attempt_after(wait, notification, 0)
        if fault and fault.what == "duplicate":
            self._attempt_after(wait + fault.delay, notification, 0)

    def _attempt_after(self, wait: float, notification: Mapping[str, object], tried: int) -> None:
        self._kernel.after(wait, lambda: self._attempt(notification, tried))

    def _attempt(self, notification: Mapping[str, object], tried: int) -> None:
        if not self.config.notification_url:
            self.lost += 1
            return

        def done(status: int | None) -> None:
            if delivered(status):
                self.sent += 1
            elif tried < len(self._settings.again_after):
                self._attempt_after(self._settings.again_after[tried], notification, tried + 1)
            else:
                self.lost += 1

        self._outgoing.send(f"notify-{self._uid}", letter(self.config, notification), done)
