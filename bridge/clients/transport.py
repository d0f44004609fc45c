"""urllib3 connections that know whether a request has left, and end in time.

Exception types alone cannot tell. A TLS handshake that times out surfaces as a *read* timeout,
a reset during the handshake looks like a reset after sending, and an SSL error may as well come
from the middle of a reply. So the connection itself notes the moment when the first byte of the
request is about to be written; whatever fails before that moment never left this machine.

A socket's timeout holds for each read alone, and http.client reads a head line by line, so that a
byte a second would never end. So whatever is read of a reply (a proxy's to CONNECT, the head, the
lengths of chunks, the body) is read by one deadline.

Looking up a name has no timeout at all, and connecting has one for each address. So both are done
in a thread, for which we wait no longer than for CONNECT_FOR.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from http.client import HTTPResponse as StandardResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError
from urllib3.response import HTTPResponse

CONNECT_FOR = 30.0
"""Seconds in which a name is looked up and one of its addresses answers. glibc's resolver gives up
after as long with three servers (resolv.conf(5): timeout 5, attempts 2)."""

_FIRST_FINAL = 200


class _Attempt(threading.local):
    """This thread's present request (one a thread at a time): whether it has begun to leave, and
    for how many seconds, from its begin, its reply is read."""

    left: bool = False
    read_for: float = float("inf")
    _clock: Callable[[], float] = staticmethod(time.monotonic)
    _deadline: float = float("inf")

    def begin(self, read_for: float, clock: Callable[[], float]) -> None:
        """A request is about to be made; `clock` is monotonic, in seconds."""
        self.left = False
        self.read_for = read_for
        self._clock = clock
        self._deadline = clock() + read_for

    def remaining(self) -> float:
        """Seconds until the deadline; raises TooSlow when there are none."""
        seconds = self._deadline - self._clock()
        if seconds <= 0:
            raise TooSlow(self.read_for)
        return seconds


attempt = _Attempt()


class TooSlow(TimeoutError):
    """A reply was not complete `seconds` after its request was begun."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the reply took longer than {seconds:.0f} s")


class Unreached(TimeoutError):
    """Nobody was connected to within CONNECT_FOR."""

    def __init__(self) -> None:
        super().__init__(
            f"its name was not looked up, and it was not reached, within {CONNECT_FOR:.0f} s"
        )


class InterimReply(HTTPException):
    """An interim reply other than 100 (Continue) came; `status` is its number."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"an interim reply, {status}")


class _InTime(io.RawIOBase):
    """What a socket says, until the attempt's deadline; the socket's own timeout holds as well."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = attempt.remaining()
        self._sock.settimeout(remaining if self._timeout is None else min(remaining, self._timeout))
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            attempt.remaining()  # raises where it was the deadline that ended it
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ReplyInTime(StandardResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock))


class _Connecting:
    """A connection that is made in a thread. Nothing ends a look-up from outside, so one that takes
    too long is left to itself, and what comes of it is closed."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._late = False
        self._made: socket.socket | None = None
        self._failed: BaseException | None = None
        self._done = threading.Event()

    def made(self) -> socket.socket:
        """The connection; raises what kept it from being made, or Unreached."""
        threading.Thread(target=self._run, name="connecting", daemon=True).start()
        self._done.wait(CONNECT_FOR)
        with self._lock:
            self._late = True
            if self._failed is not None:
                raise self._failed
            if self._made is None:
                raise Unreached
            return self._made

    def _run(self) -> None:
        try:
            made = self._connect()
        except BaseException as error:  # noqa: BLE001 - raised again in `made`
            self._failed = error
        else:
            with self._lock:
                if self._late:
                    made.close()
                else:
                    self._made = made
        self._done.set()


class _MarkedHttp(HTTPConnection):
    response_class = _ReplyInTime

    def _new_conn(self) -> socket.socket:
        """As urllib3's, and within CONNECT_FOR; also to a proxy."""
        try:
            return _Connecting(super()._new_conn).made()
        except Unreached as error:
            raise ConnectTimeoutError(self, str(error)) from error

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        # Connecting here, and not inside send(), keeps its failures on the safe side of the mark.
        # A proxy's CONNECT goes through connect() as well, so it does not count as leaving.
        if self.sock is None:
            self.connect()
        attempt.left = True
        super().endheaders(message_body, encode_chunked=encode_chunked)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        """The reply; raises InterimReply for a status below 200, and closes the connection.

        http.client (Python 3.11 to 3.14) skips 100 alone. It takes 102 or 103, as a proxy may send
        them ahead, for the whole reply, with an empty body; urllib3 2.8 keeps such a connection,
        and the reply itself would be read as the answer to the next request.
        """
        response = super().getresponse()
        if response.status < _FIRST_FINAL:
            self.close()
            raise InterimReply(response.status)
        return response


class _MarkedHttps(_MarkedHttp, HTTPSConnection):
    pass


class _MarkedHttpPool(HTTPConnectionPool):
    ConnectionCls = _MarkedHttp


class _MarkedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _MarkedHttps


POOL_CLASSES = {"http": _MarkedHttpPool, "https": _MarkedHttpsPool}
