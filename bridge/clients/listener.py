"""A listener that gets MicroMDM's webhooks from us, as MicroMDM itself would post them."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from bridge.errors import Refused

MARK = "micromdm-vpp-bridge"
MARK_HEADER = "X-Forwarded-By"
"""What is passed on says by whom, so that it is not passed on in a circle."""

SIGNATURE_HEADER = "X-Hmac-Signature"
"""Where a server that signs its webhooks puts the signature. Source: NanoMDM's service/webhook."""

_MAX_REPLY = 1024 * 1024


class ListenerClient:
    """Posts webhooks to one whole URL, of which errors name the host alone: see `Posting`.

    `timeout` is (connect, read) in seconds; `sleep` waits before a request that never left is
    tried again, `clock` is monotonic. Raises ConfigError when the environment's proxy or CA bundle
    cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: tuple[float, float],
        sleep: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # How listeners do is asked without loading what calls them.
        from bridge.clients.posting import Posting  # noqa: PLC0415

        self.host = listener_host(url)
        self._posting = Posting(
            url,
            service="mdm",
            what="webhook",
            timeout=timeout,
            max_reply=_MAX_REPLY,
            sleep=sleep,
            clock=clock,
        )
        self._headers = {MARK_HEADER: MARK, "Accept": "*/*"}

    def post(self, body: bytes, content_type: str | None, signature: str | None = None) -> None:
        """Send one webhook once; returns when the listener answered 2xx. `signature` is the MDM
        server's over the bytes, by a key that the listener may have, too.

        Raises NotSent, OutcomeUnknown or Refused.
        """
        own = {"Content-Type": content_type, SIGNATURE_HEADER: signature}
        headers = {**self._headers, **{name: value for name, value in own.items() if value}}
        reply = self._posting.post(body, headers)
        if not 200 <= reply.status < 300:  # a redirect would lose the body, or repeat it
            raise Refused(
                f"{self.host} answered {reply.status} to a webhook.",
                service="mdm",
                call=self._posting.call,
                status=reply.status,
            )

    def close(self) -> None:
        """Close the connection."""
        self._posting.close()


def listener_host(url: str) -> str:
    """The `host` or `host:port` of a listener's URL, which alone is fit to be shown."""
    return urlsplit(url).netloc.rpartition("@")[2]
