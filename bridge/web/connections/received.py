"""What a peer has sent and nobody has answered yet; the parser reads it as if it were a socket."""

from __future__ import annotations

import re

from gunicorn.http.errors import LimitRequestHeaders

from bridge.web.connections.bodies import COUNTED

HEAD_LIMIT = 32 * 1024
"""Bytes of a request's head. MicroMDM's and Apple's are below 1 KiB."""

_EMPTY_LINE = re.compile(rb"\n\r?\n")
_OVERLAP = 2


class RequestAwaited(BaseException):
    """More of the request must come: its thread is given back, and the request begun anew later.

    No Exception, as asyncio.CancelledError is none: nothing failed, and nobody between the parser
    and the worker may take it for a failure and answer it.
    """


class Received:
    """The bytes of the request that is next, and maybe of some after it.

    The main loop adds to it while no thread reads from it; so nothing is locked.
    """

    def __init__(self, body_limit: int) -> None:
        self._data = bytearray()
        self._taken = 0
        self._looked = 0
        self._whole_at: int | None = None
        self._limit = HEAD_LIMIT + body_limit
        self._in_body = False
        self._end: OSError | None = None

    def __len__(self) -> int:
        return len(self._data)

    @property
    def taken(self) -> int:
        """How many bytes the parser has read since the request was begun."""
        return self._taken

    @property
    def whole_at(self) -> int | None:
        """The length of head and body together, where the head has told it."""
        return self._whole_at

    @property
    def is_small(self) -> bool:
        """Whether the head has told a length that is small."""
        return self._whole_at is not None and self._whole_at < COUNTED

    @property
    def in_body(self) -> bool:
        """Whether the head is read, and it is the body that is waited for."""
        return self._in_body

    def add(self, data: bytes) -> None:
        """What came now."""
        self._data += data

    def finish(self, why: OSError) -> None:
        """Nothing more will come; whoever reads to the end meets `why`."""
        self._end = why

    def begin(self) -> None:
        """Read the request from its first byte."""
        self._taken = 0

    def begin_body(self, head: int, length: int | None) -> None:
        """The head of `head` bytes announces `length` bytes of body; None for a chunked one."""
        self._in_body = True
        self._whole_at = None if length is None else head + length

    def is_promising(self) -> bool:
        """Whether to begin the request (again): it may be whole now, or will never be.

        A head ends with an empty line, and so does a chunked body.
        """
        if self._end is not None or self._is_too_long():
            return True
        if self._whole_at is not None:
            return len(self._data) >= self._whole_at
        found = _EMPTY_LINE.search(self._data, max(self._looked - _OVERLAP, 0))
        self._looked = len(self._data)
        return found is not None

    def recv(self, size: int) -> bytes:
        """The next bytes, at most `size`: as a socket has them, for gunicorn's parser.

        Raises RequestAwaited when they are still to come, LimitRequestHeaders for a head that is
        too long, and what `finish` was given.
        """
        start = self._taken
        if start < len(self._data):
            with memoryview(self._data) as view:
                piece = bytes(view[start : start + size])
            self._taken += len(piece)
            return piece
        if self._end is not None:
            raise self._end
        if self._is_too_long():
            if self._in_body:
                raise OSError("the body's chunks take too much room")
            raise LimitRequestHeaders(f"the head is longer than {HEAD_LIMIT} bytes")
        raise RequestAwaited

    def next_request(self, unread: int) -> None:
        """Forget the request that was answered, whether or not its body was looked at.

        Of one in chunks all was read, but for the last `unread` of the bytes taken: they stay.
        """
        del self._data[: self._taken - unread if self._whole_at is None else self._whole_at]
        self._taken = self._looked = 0
        self._whole_at = None
        self._in_body = False

    def _is_too_long(self) -> bool:
        if not self._in_body:
            return len(self._data) > HEAD_LIMIT and _EMPTY_LINE.search(self._data) is None
        return self._whole_at is None and len(self._data) > self._limit
