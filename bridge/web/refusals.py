"""Refused requests in the log: soon, and seldom, since anybody can cause them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from bridge.web.doctor_requests import is_probe
from bridge.web.ports import Counting

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds in which one line at most tells of refusals of a kind."""

_LONGEST_PATH = 100
_KINDS = (("/hooks/mdm/", "a webhook"), ("/hooks/apple/", "a notification"))
_OF_ANY_PATH = (401, 403)
"""What the API answers else, such as 404 and 422, is for whoever asked, and no news."""


def register(app: Flask, bridge: Counting, clock: Callable[[], float] = time.monotonic) -> None:
    """Have the log tell of every message that a hook refuses, and of who gets no further.

    The first refusal of a kind is told at once, more of it once a minute, with their number. A
    kind is what was refused, with which status, of which server or location. `clock` is monotonic,
    in seconds. 5xx are failures of ours, and told where they happen; what `doctor` is refused is
    what it asked for.
    """
    config = bridge.config
    rests = _Rests(clock)

    def look(response: Response) -> Response:
        status = response.status_code
        refused = 400 <= status < 500 and not is_probe(bridge, request)
        if refused and (kind := _kind(status)) is not None:
            about = {
                key: name
                for key, name in (request.view_args or {}).items()
                if name in {"server": config.servers, "location": config.locations}.get(key, ())
            }
            if times := rests.times((kind, status, *about.items())):
                keys = {**about, "path": _path(), "status": status, "times": times}
                log.warning("%s is refused: %s", kind, _why(response), extra=keys)
        return response

    app.after_request(look)


class _Rests:
    """When each kind was told last, and how often it came since."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told_at: dict[tuple[object, ...], float] = {}
        self._untold: dict[tuple[object, ...], int] = {}

    def times(self, kind: tuple[object, ...]) -> int:
        """How often it came since it was told last, this time included; 0: do not tell it now."""
        with self._lock:
            times = self._untold.pop(kind, 0) + 1
            if self._clock() - self._told_at.get(kind, float("-inf")) < EVERY:
                self._untold[kind] = times
                return 0
            self._told_at[kind] = self._clock()
            return times


def _kind(status: int) -> str | None:
    for prefix, kind in _KINDS:
        if request.path.startswith(prefix):
            return kind
    if status in _OF_ANY_PATH or (request.method == "POST" and request.url_rule is None):
        return "a request"
    return None


def _path() -> str:
    path = request.path
    return path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + "…"


def _why(response: Response) -> str:
    said = response.get_json(silent=True)
    sentence = said.get("error") if isinstance(said, dict) else g.get("told")  # a page's
    return str(sentence or response.status).rstrip(".")
