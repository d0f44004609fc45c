"""gunicorn's reader of HTTP, over what the main loop has read.

The one place that knows how gunicorn keeps a request and its body. All that the bridge
takes from gunicorn, with the reasons, stands in tests/unit/web/test_gunicorn.py.
"""

from __future__ import annotations

from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader

from bridge.web.connections.received import Received


class WebRequest(Request):
    """A request that says of itself whether all of it has come."""

    @classmethod
    def read(cls, cfg: Any, received: Received, client: Any) -> WebRequest:
        """The request at the beginning of what was received.

        Raises RequestAwaited where more of its head must come, ParseException where it is wrong.
        """
        received.begin()
        return cls(cfg, SocketUnreader(received), client)  # type: ignore[arg-type]

    def __init__(self, cfg: Any, unreader: Any, peer_addr: Any, req_number: int = 1) -> None:
        super().__init__(cfg, unreader, peer_addr, req_number)
        self._received: Received = unreader.sock
        self._reader = self.body.reader  # type: ignore[union-attr]
        length = self._reader.length if isinstance(self._reader, LengthReader) else None
        self._received.begin_body(self._received.taken - self.read_too_far(), length)
        # gunicorn would ask for the body before anybody looked at the credentials.
        self.expects_continue = bool(self._expected_100_continue)  # type: ignore[has-type]
        self._expected_100_continue = False

    def read_too_far(self) -> int:
        """How many of the bytes that were taken it has not used."""
        return len(self.unreader.buf.getvalue())

    def should_close(self) -> bool:
        """Also when it is answered before all of it came: where the next one begins is unknown."""
        return super().should_close() or not self._is_whole()

    def _is_whole(self) -> bool:
        whole_at = self._received.whole_at
        if whole_at is None:
            return getattr(self._reader, "parser", None) is None  # of chunks, all were read
        return len(self._received) >= whole_at
