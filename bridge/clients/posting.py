"""Posting to one whole URL that is a secret, as those of listeners and receivers are."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from bridge.clients.http import HttpClient
from bridge.clients.reply import Reply
from bridge.domain.vocabulary import Service
from bridge.errors import NotSent, OutcomeUnknown


class Posting:
    """POSTs to one URL; a user and password in it become Basic credentials.

    The query, and often the path, of such a URL is a secret as well: errors name the host alone,
    and what is posted as `what`. `timeout` is (connect, read) in seconds, `max_reply` in bytes;
    `sleep` waits before a request that never left is tried again, `clock` is monotonic, `adapter`
    replaces the network (tests). Raises
    ConfigError when the environment's proxy or CA bundle cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        service: Service,
        what: str,
        timeout: tuple[float, float],
        max_reply: int,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        adapter: Any = None,
    ) -> None:
        parts = urlsplit(url)
        self._what = what
        self.call = f"POST {what}"
        self._http = HttpClient(  # without `about`: the log would show the path
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            service=service,
            timeout=timeout,
            max_reply=max_reply,
            sleep=sleep,
            clock=clock,
            adapter=adapter,
        )
        self._target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._headers: dict[str, str] = {}
        if parts.username or parts.password:
            pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"

    def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send it once, and the reply of any status; raises NotSent or OutcomeUnknown."""
        try:
            return self._http.request(
                "POST", self._target, content=body, headers={**self._headers, **headers}
            )
        except NotSent as error:
            raise NotSent(str(error), service=error.service, call=self.call) from None
        except OutcomeUnknown as error:
            message = str(error).replace(error.call, f"a {self._what}")
            raise OutcomeUnknown(message, service=error.service, call=self.call) from None

    def reach(self) -> Reply:
        """Ask for the head of the host's first page, which no receiver takes for a message; raises
        NotSent or OutcomeUnknown."""
        return self._http.request("HEAD", "/")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
