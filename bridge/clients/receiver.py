"""A receiver of alerts: a chat, or a program of the admin's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bridge.clients.posting import Posting
from bridge.clients.reply import Reply
from bridge.errors import Refused

MAX_REPLY = 64 * 1024
"""Bytes; of a receiver's answer nothing but its status is of use."""


class Receiver:
    """Posts alerts to one whole URL, of which errors name the host alone: see `Posting`.

    `name` is that host, as the configuration tells receivers of one host apart. Raises ConfigError
    when the environment's proxy or CA bundle cannot be used.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        timeout: tuple[float, float],
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        adapter: Any = None,
    ) -> None:
        self.name = name
        self._posting = Posting(
            url,
            service="alerts",
            what="alert",
            timeout=timeout,
            max_reply=MAX_REPLY,
            sleep=sleep,
            clock=clock,
            adapter=adapter,
        )

    def post(self, body: bytes) -> int:
        """Send one alert once; the status of the answer, 2xx. Raises NotSent, OutcomeUnknown or
        Refused."""
        reply = self._posting.post(body, {"Content-Type": "application/json", "Accept": "*/*"})
        if not 200 <= reply.status < 300:
            raise Refused(
                f"{self.name} answered {reply.status} to an alert{_what_to_do(reply)}.",
                service="alerts",
                call=self._posting.call,
                status=reply.status,
                retry_after=reply.retry_after,
            )
        return reply.status

    def reach(self) -> int:
        """Whether it can be reached, by a request that is no alert: the status of any answer.
        Raises NotSent or OutcomeUnknown."""
        return self._posting.reach().status

    def close(self) -> None:
        """Close the connection."""
        self._posting.close()


def _what_to_do(reply: Reply) -> str:
    if 300 <= reply.status < 400:
        return ": redirects are not followed, so write the address that it ends at"
    if reply.status in (401, 403, 404, 410):
        return ": see that its address is right and still in use"
    return ""
