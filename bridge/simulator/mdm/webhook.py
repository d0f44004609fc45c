"""MicroMDM's webhook worker: one event in flight, no retry, no order between topics.

Source: MicroMDM 1.13.1, workflow/webhook.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from bridge.simulator.faults import Faults
from bridge.simulator.kernel import Kernel
from bridge.simulator.outgoing import Letter, Outgoing, without_userinfo

LATE_AT_MOST = 5.0


def nanoseconds(now: float, below_microseconds: int) -> str:
    """RFC 3339 in UTC with nanoseconds, trailing zeros cut, as Go writes it."""
    moment = datetime.fromtimestamp(int(now), UTC)
    fraction = int((now % 1) * 1e6) * 1000 + below_microseconds
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}Z"


class Webhook:
    """Posts events to `url`, one after the other.

    `url` may carry userinfo, which becomes Basic credentials, and None means no webhook. `latency`
    is the time in seconds that one event takes. Any status >= 400 and any failure loses the event.
    `form` is the server's that posts them; with `hmac_key` they are signed as NanoMDM does it.
    `clock_ahead` is by how many seconds the server's clock is ahead.
    `lag` is the time in seconds that each event waits in the server's memory, as on one that has
    more to tell than its receiver takes; may be changed while it runs, and order is kept.
    `late` is the place (from 0) of an event that changes places with the one after it, as one in
    twenty does with a slow receiver; without one after it, it comes `LATE_AT_MOST` seconds late.
    """

    def __init__(
        self, kernel: Kernel, outgoing: Outgoing, faults: Faults, latency: float = 0.002
    ) -> None:
        self.url: str | None = None
        self.form: Literal["micromdm", "nanomdm", "nanohub"] = "micromdm"
        self.hmac_key: str = ""
        self.latency = latency
        self.late: int | None = None
        self._lag = 0.0
        self.sent = 0
        self.lost = 0
        self.clock_ahead = 0.0
        self._kernel = kernel
        self._outgoing = outgoing
        self._faults = faults
        self._pending: dict[str, deque[tuple[float, bytes]]] = {}
        self._busy = False
        self._place = 0
        self._held: bytes | None = None

    @property
    def lag(self) -> float:
        """See the class."""
        return self._lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        self._lag = seconds
        self._work()

    @property
    def backlog(self) -> int:
        """Events that wait in the server's memory."""
        return sum(len(events) for events in self._pending.values())

    def publish(self, topic: str, kind: str, event: Mapping[str, object], raw: bytes) -> None:
        """Tell of one message of a device; `kind` is "checkin_event" or "acknowledge_event"."""
        if self.url is None:
            return
        message = {
            "topic": topic,
            **self._event_id(),
            "created_at": nanoseconds(
                self._kernel.now + self.clock_ahead, self._kernel.random.randrange(1000)
            ),
            kind: dict(event) | {"raw_payload": base64.b64encode(raw).decode()},
        }
        if self.form == "micromdm":
            body = json.dumps(message, indent=2).encode()
        else:
            body = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
        fault = self._faults.strike(
            "mdm.webhook", f"{topic} {event} {raw.decode(errors='replace')}"
        )
        if fault and fault.what == "drop":
            self.lost += 1
            return
        if fault and fault.what in {"delay", "reorder", "duplicate"}:
            self._kernel.after(fault.delay, lambda: self._enqueue(topic, body))
        if fault is None or fault.what == "duplicate":
            self._enqueue(topic, body)

    def _event_id(self) -> dict[str, str]:
        uuid = self._kernel.uuid()
        forms = {
            "micromdm": {"event_id": uuid},
            "nanomdm": {"event_id": uuid.replace("-", "")[:16]},
        }
        return forms.get(self.form, {})

    def forget(self) -> None:
        """The server stops: what waits is lost for ever."""
        self.lost += self.backlog
        self._pending.clear()

    def _enqueue(self, topic: str, body: bytes) -> None:
        self._pending.setdefault(topic, deque()).append((self._kernel.now, body))
        self._work()

    def _work(self) -> None:
        since = {topic: events[0][0] for topic, events in self._pending.items() if events}
        topics = [topic for topic, at in since.items() if at + self._lag <= self._kernel.now]
        if self._busy or not since:
            return
        if not topics:
            self._kernel.at(min(since.values()) + self._lag, self._work)
            return
        self._busy = True
        # Go's `select` picks any topic that has something, so topics overtake each other.
        topic = self._kernel.random.choice(topics) if len(topics) > 1 else topics[0]
        _, body = self._pending[topic].popleft()
        self._kernel.after(self.latency, lambda: self._post(body))

    def _post(self, body: bytes) -> None:
        place, self._place = self._place, self._place + 1
        if place == self.late:
            self._held, self._busy = body, False
            self._kernel.after(LATE_AT_MOST, self._release)
            self._work()
            return
        self._send(body)

    def _release(self) -> None:
        """What was held goes out, unless it is on its way already."""
        if self._held is not None and not self._busy:
            self._busy, body, self._held = True, self._held, None
            self._send(body)

    def _send(self, body: bytes) -> None:
        url, credentials = without_userinfo(self.url or "")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Go-http-client/1.1",
            **credentials,
            **self._signature(body),
        }
        self._outgoing.send("webhook", Letter(url, headers, body), self._done)

    def _signature(self, body: bytes) -> dict[str, str]:
        if not self.hmac_key:
            return {}
        digest = hmac.digest(self.hmac_key.encode(), body, "sha256")
        return {"X-Hmac-Signature": base64.b64encode(digest).decode()}

    def _done(self, status: int | None) -> None:
        self._busy = False
        if status is None or status >= 400:
            self.lost += 1
        else:
            self.sent += 1
        self._release()
        self._work()
