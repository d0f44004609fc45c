"""How long a request waits for a database whose server is silent.

Senders and probes are answered within seconds, while somebody who reads a page may wait for a long
statement. None may wait without end: its thread would answer nobody else meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.store.patience import HOOKS, PEOPLE, patient

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHORT = ("/hooks/", "/healthz", "/readyz")
"""How the paths begin of what is asked by who gives up within seconds."""


class Patient:
    """The WSGI application `app`, whose threads are patient for as long as a path is worth."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with patient(HOOKS if environ["PATH_INFO"].startswith(SHORT) else PEOPLE):
            return self._app(environ, start_response)
