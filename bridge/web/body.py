"""Reading a request's body, up to a limit, whatever way its length is told."""

from __future__ import annotations

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

_CHUNK = 64 * 1024


def read_body(request: Request, limit: int) -> bytes:
    """The raw body, at most `limit` bytes, read as it is: Content-Type and -Encoding do not matter.

    Call it for senders with right credentials only. Raises RequestEntityTooLarge for a longer
    body, by its Content-Length or by what comes; BadRequest for one that ends too early.
    """
    try:
        announced = request.content_length
        body = b"" if announced is not None and announced > limit else _read(request, limit + 1)
        if len(body) > limit or (announced is not None and announced > limit):
            _discard(request, limit)
            raise RequestEntityTooLarge(f"The body is longer than {limit} bytes.")
    except (OSError, ParseException) as error:
        raise BadRequest("The body ended before it was complete.") from error
    return body


def _read(request: Request, at_most: int) -> bytes:
    return request.stream.read(at_most)


def _discard(request: Request, at_most: int) -> None:
    """Read on for a while, so that the sender gets to read the answer: a connection that is closed
    with unread bytes is reset."""
    while at_most > 0 and (chunk := _read(request, min(at_most, _CHUNK))):
        at_most -= len(chunk)
