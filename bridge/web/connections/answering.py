"""Answering one request, in a thread: gunicorn's WSGI, and who is refused in which words."""

from __future__ import annotations

import contextlib
import enum
import errno
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException

from bridge.web.connections import refusals
from bridge.web.connections.connection import Connection
from bridge.web.connections.received import RequestAwaited
from bridge.web.credentials import KNOWN

WAITED = "bridge.waited"
"""The key under which a request's environ has for how many seconds it waited for its thread."""

_PEER_IS_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


HELD_BACK = "bridge.held_back"
"""The key under which a request's environ says for how many seconds its answer is held back."""


class Then(enum.Enum):
    """What becomes of a connection when its thread is done with it."""

    READ_ON = "read on"
    """More of the request must come; it was not answered."""
    NEXT = "next"
    """Another request may follow."""
    LATER = "later"
    """Its answer is held back; then it is closed."""
    CLOSE = "close"


class Answers:
    """Gives answers to the requests of connections, each in the thread that calls it."""

    def __init__(self, cfg: Any, say: Callable[[str, str], None]) -> None:
        """`cfg` is gunicorn's; `say` is told a kind and a sentence of what anybody can cause."""
        self._cfg = cfg
        self._say = say

    def give(self, conn: Connection, app: Any, server: Any, *, last: bool) -> Then:
        """Have the WSGI application `app` answer the request of `conn`, which came in at `server`.

        After the `last` one none may follow. Raises what the application raises.
        """
        try:
            request = conn.begin(self._cfg)
            response, environ = wsgi.create(request, conn.sock, conn.client, server, self._cfg)
        except RequestAwaited:
            return Then.READ_ON
        except ParseException as error:
            self._refuse(conn, error)
            return Then.CLOSE
        environ["wsgi.multithread"] = True
        environ[WAITED] = time.monotonic() - conn.waits_since
        if last:
            response.force_close()
        try:
            pieces = app(environ, response.start_response)
            if held_back := environ.get(HELD_BACK):
                conn.held_back.seconds = held_back
                response.sock = conn.held_back  # type: ignore[assignment]  # as far as it is used
                response.force_close()
            _send(response, pieces)
        except RequestAwaited:
            return Then.READ_ON
        except TimeoutError:
            self._say("unread", "an answer was not read in time and was given up")
            return Then.CLOSE
        except OSError as error:
            if error.errno not in _PEER_IS_GONE:
                raise
            return Then.CLOSE
        except Exception:
            if not response.headers_sent:
                _send_refusal(conn, refusals.FAILED)
            raise
        finally:
            conn.known = environ.get(KNOWN, False)
        if held_back:
            return Then.LATER
        return Then.CLOSE if response.should_close() else Then.NEXT

    def _refuse(self, conn: Connection, error: ParseException) -> None:
        status, sentence = refusals.refusal(error)
        self._say(
            type(error).__name__,
            f"a request from {conn.address} was refused with {status}: {sentence}",
        )
        _send_refusal(conn, (status, sentence))


def _send(response: wsgi.Response, pieces: Any) -> None:
    try:
        for piece in pieces:
            response.write(piece)
        response.close()
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


def _send_refusal(conn: Connection, refusal: tuple[int, str]) -> None:
    with contextlib.suppress(OSError):  # it may be gone
        conn.sock.sendall(refusals.as_bytes(*refusal))
