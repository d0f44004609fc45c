"""A listener that gets MicroMDM's webhooks from us, as MicroMDM itself would post them."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from bridge.errors import OutcomeUnknown, Refused

MARK = "micromdm-vpp-bridge"
MARK_HEADER = "X-Forwarded-By"
"""What is passed on says by whom, so that it is not passed on in a circle."""

SIGNATURE_HEADER = "X-Hmac-Signature"
"""Where a server that signs its webhooks puts the signature. Source: NanoMDM's service/webhook."""

_CALL = "POST webhook"
_MAX_REPLY = 1024 * 1024


class ListenerClient:
    """Posts webhooks to one whole URL; a user and password in it become Basic credentials.

    The query, and often the path, of such a URL is a secret as well: errors name the host alone.
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
        from bridge.clients.http import HttpClient  # noqa: PLC0415

        parts = urlsplit(url)
        self.host = listener_host(url)
        self._http = HttpClient(  # without `about`: the log would show the path
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            service="mdm",
            timeout=timeout,
            max_reply=_MAX_REPLY,
            sleep=sleep,
            clock=clock,
        )
        self._target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._headers = {MARK_HEADER: MARK, "Accept": "*/*"}
        if parts.username or parts.password:
            pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"

    def post(self, body: bytes, content_type: str | None, signature: str | None = None) -> None:
        """Send one webhook once; returns when the listener answered 2xx. `signature` is the MDM
        server's over the bytes, by a key that the listener may have, too.

        Raises NotSent, OutcomeUnknown or Refused.
        """
        own = {"Content-Type": content_type, SIGNATURE_HEADER: signature}
        headers = {**self._headers, **{name: value for name, value in own.items() if value}}
        try:
            reply = self._http.request("POST", self._target, content=body, headers=headers)
        except OutcomeUnknown as error:
            message = str(error).replace(error.call, "a webhook")
            raise OutcomeUnknown(message, service="mdm", call=_CALL) from None
        if not 200 <= reply.status < 300:  # a redirect would lose the body, or repeat it
            raise Refused(
                f"{self.host} answered {reply.status} to a webhook.",
                service="mdm",
                call=_CALL,
                status=reply.status,
            )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def listener_host(url: str) -> str:
    """The `host` or `host:port` of a listener's URL, which alone is fit to be shown."""
    return urlsplit(url).netloc.rpartition("@")[2]
