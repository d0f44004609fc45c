"""Reading a request's body, up to a limit, whatever way its length is told."""

from __future__ import annotations

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout
from werkzeug.wrappers import Request


def read_body(request: Request, limit: int) -> bytes:
    """The raw body, at most `limit` bytes, read as it is: Content-Type and -Encoding do not matter.

    Call it for senders with right credentials only: under gunicorn it makes the request be begun
    anew when all of its body is there. Raises RequestEntityTooLarge for a longer body, by its
    Content-Length or by what comes; BadRequest for one that ends too early, RequestTimeout for one
    that is too slow.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise _too_long(limit)
    try:
        body = request.stream.read(limit + 1)
    except TimeoutError as error:
        raise RequestTimeout("The body did not arrive in time.") from error
    except (OSError, ParseException) as error:
        raise BadRequest("The body ended before it was complete.") from error
    if len(body) > limit:
        raise _too_long(limit)
    return body


def _too_long(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The body is longer than {limit} bytes.")
