"""What a reply of Apple's means: done, refused, or unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bridge.clients.reply import Reply
from bridge.clients.shape import (
    Fields,
    integer_or_none,
    json_object,
    lenient,
    object_or_empty,
)
from bridge.errors import AppleRefused, OutcomeUnknown, ShapeError, UnreadableReply

_T = TypeVar("_T")

_TOO_MANY_REQUESTS = 429
_LONGEST_TEXT = 200


def judge(reply: Reply, read: Callable[[Fields], _T], secrets: Sequence[str]) -> _T:
    """The reply's value as `read` sees it, or AppleRefused or OutcomeUnknown.

    The body is looked at before the status: Apple sends errorNumbers with 200 as well, and a
    synchronous error means no asynchronous processing at all (Apple, "Handling Error Responses").
    An errorNumber of 0 is none. A success that cannot be read is UnreadableReply.
    `secrets` are blotted out of Apple's error text, should it repeat one.
    """
    try:
        fields = json_object(reply.content)
    except ShapeError:
        fields = None
    if fields is not None and (number := _error_number(fields)) is not None:
        raise AppleRefused(
            f"Apple refused {reply.call} with error {number}{_error_text(fields, secrets)}.",
            call=reply.call,
            number=number,
            info=_error_info(fields),
            status=reply.status,
            retry_after=reply.retry_after,
        )
    if 400 <= reply.status < 500:
        raise _refused_without_number(reply)
    if not 200 <= reply.status < 300:
        raise _unknown(reply, "no errorNumber")
    if fields is None:
        raise _unknown(reply, "not a JSON object", UnreadableReply)
    try:
        return read(fields)
    except ShapeError as error:
        shape = str(error)
    raise _unknown(reply, shape, UnreadableReply)


def error_number(content: bytes) -> int | None:
    """The errorNumber of a reply, if it has one that can be read."""
    if b"errorNumber" not in content:
        return None
    try:
        return _error_number(json_object(content))
    except ShapeError:
        return None


def _error_number(fields: Fields) -> int | None:
    return lenient(integer_or_none, fields, "errorNumber") or None


def _error_info(fields: Fields) -> Fields:
    return lenient(object_or_empty, fields, "errorInfo") or {}


def _error_text(fields: Fields, secrets: Sequence[str]) -> str:
    message = fields.get("errorMessage")
    if not isinstance(message, str):
        return ""
    for secret in filter(None, secrets):
        message = message.replace(secret, "(secret)")
    plain = "".join(letter if letter.isprintable() else " " for letter in message)
    return f": {plain[:_LONGEST_TEXT].strip(' .')}" if plain.strip(" .") else ""


def _refused_without_number(reply: Reply) -> AppleRefused:
    if reply.status == _TOO_MANY_REQUESTS:
        message = f"Apple answered {reply.call} with 429: too many requests for this location."
    else:
        message = (
            f"{reply.call} was answered with {reply.status} and no errorNumber;"
            " check apple.url, and any proxy or firewall between."
        )
    return AppleRefused(
        message,
        call=reply.call,
        number=None,
        status=reply.status,
        retry_after=reply.retry_after,
    )


def _unknown(
    reply: Reply, what: str, kind: type[OutcomeUnknown] = OutcomeUnknown
) -> OutcomeUnknown:
    return kind(
        f"Apple's answer to {reply.call} (status {reply.status}) cannot be used: {what}.",
        service="apple",
        call=reply.call,
        status=reply.status,
        retry_after=reply.retry_after,
    )
