"""How long a request may wait for a thread before it is refused, rather than answered too late.

Who waits for an answer gives up at some time, and has it done again, which is one more to wait. So
what was not begun in time is answered 503 with Retry-After, which costs next to nothing. Apple and
people ask again; an MDM server sends a webhook once, so its hook is the last that refuses. Probes
never are: who asks them would start anew what has only much to do.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import ServiceUnavailable

from bridge.web.connections.answering import WAITED
from bridge.web.connections.refusals import Seldom
from bridge.web.problems import answer

log = logging.getLogger(__name__)

WEBHOOKS_WAIT = 15.0
"""Seconds that a webhook may have waited. MicroMDM gives up after 30."""
OTHERS_WAIT = 5.0
"""Seconds that all else may have waited."""
RETRY_AFTER = 5

_NEVER_REFUSED = ("/healthz", "/readyz", "/version", "/hooks/mdm/")
"""Of webhooks `Webhooks.take` looks itself, once their sender is known."""


class Overloaded(ServiceUnavailable):
    """503: it waited so many seconds to be begun, which is too long."""

    def __init__(self, waited: float) -> None:
        sentence = "The bridge has more to do than it can at the moment."
        super().__init__(sentence, retry_after=RETRY_AFTER)
        self.waited = waited


def register(app: Flask) -> None:
    """Refuse what waited too long, before anything is done for it, and say so once a minute."""
    seldom = Seldom(log.warning)

    def look() -> None:
        if not request.path.startswith(_NEVER_REFUSED):
            check(request.environ, OTHERS_WAIT)

    def refuse(error: Overloaded) -> Response:
        seldom.say(
            "overloaded",
            f"a request waited {error.waited:.0f} s for a thread and is answered 503: "
            "there is more to do than this machine can",
        )
        return answer(error)

    app.before_request(look)
    app.register_error_handler(Overloaded, refuse)


def check(environ: Mapping[str, Any], patience: float) -> None:
    """Raises Overloaded where a request waited longer than so many seconds to be begun."""
    waited = environ.get(WAITED, 0.0)
    if waited > patience:
        raise Overloaded(waited)
