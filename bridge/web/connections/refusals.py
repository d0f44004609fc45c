"""Requests that are refused before the application sees them, as JSON like all other errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http import HTTPStatus

from gunicorn.http import errors

LOG_EVERY = 60.0
"""Seconds between two lines of one kind about what anybody can cause."""

_BY_ERROR: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.LimitRequestLine, 414, "The request line is too long."),
    (errors.LimitRequestHeaders, 431, "The request's head is too long."),
    (errors.UnsupportedTransferCoding, 501, "This transfer coding is not supported."),
    (errors.ExpectationFailed, 417, "Only 100-continue can be expected here."),
    (errors.InvalidHTTPVersion, 400, "Only HTTP/1.1 and HTTP/1.0 are spoken here."),
    (errors.InvalidRequestMethod, 400, "The request's method cannot be read."),
    (errors.InvalidRequestLine, 400, "The request line cannot be read."),
)
_OTHER = (400, "The request's head cannot be read.")
TOO_SLOW = (408, "The request's head did not arrive in time.")
FAILED = (500, "The bridge failed; its log says why.")


def refusal(error: errors.ParseException) -> tuple[int, str]:
    """Status and sentence for a request that gunicorn cannot read."""
    for kind, status, sentence in _BY_ERROR:
        if isinstance(error, kind):
            return status, sentence
    return _OTHER


def as_bytes(status: int, sentence: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    body = json.dumps({"error": sentence}).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


class Seldom:
    """Says at most once in LOG_EVERY seconds of each kind that it happens."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic):
        self._say = say
        self._clock = clock
        self._next: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, kind: str, text: str) -> None:
        """Say `text`, or count it for the next time."""
        now = self._clock()
        if now < self._next.get(kind, now):
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._next[kind] = now + LOG_EVERY
        unsaid = self._unsaid.pop(kind, 0)
        self._say(f"{text}; and {unsaid} more since the last line" if unsaid else text)
