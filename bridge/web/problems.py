"""Errors as `{"error": "one sentence"}`, whatever went wrong; never HTML, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, jsonify
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)

from bridge.domain.wording import as_sentence
from bridge.errors import QueryError, ShapeError, StoreError, UnknownName, WishError
from bridge.web.connections.refusals import Seldom

log = logging.getLogger(__name__)

_SENTENCES = {
    400: "The request cannot be read.",
    404: "There is nothing under this path.",
    405: "This path does not take this method.",
    500: "The bridge failed; its log says why.",
}
"""For what Flask itself raises; everything else brings its own sentence."""


_UNUSABLE = "vpp_bridge_unusable"

RETRY_AFTER = 5
"""Seconds after which a request that met an unusable database may be made again."""


class NotAuthorized(Unauthorized):
    """401 with a challenge, whose realm is quoted as RFC 9110 (11.5) wants it."""

    def __init__(self, sentence: str, challenge: str) -> None:
        self._challenge = challenge
        super().__init__(sentence)

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """The headers of the answer."""
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self._challenge)]


def register(app: Flask) -> None:
    """Answer every error of `app` as JSON."""
    app.extensions[_UNUSABLE] = Seldom(log.error)
    app.register_error_handler(Exception, answer)


def to_http(error: Exception) -> HTTPException:
    """The HTTP error that `error` means for whoever asked. What a person must mend is logged."""
    match error:
        case HTTPException():
            return error
        case ShapeError() | QueryError():
            return BadRequest(as_sentence(str(error)))
        case WishError() | UnknownName():
            return UnprocessableEntity(as_sentence(str(error)))
        case StoreError():
            tell_unusable(error)
            sentence = "The database cannot be used at the moment."
            return ServiceUnavailable(sentence, retry_after=RETRY_AFTER)
        case _:
            log.error("a request failed", exc_info=error)
            return InternalServerError()


def tell_unusable(error: StoreError) -> None:
    """Log what keeps the database from being used, once a minute: every request meets it."""
    text = f"the database cannot be used: {error}; {error.mend}"
    current_app.extensions[_UNUSABLE].say(text, text)


@dataclass(frozen=True, slots=True)
class Told:
    """What whoever asked is told of an error: the status, one sentence, and further headers."""

    code: int
    sentence: str
    headers: Mapping[str, str]


def told(error: Exception) -> Told:
    """What an error means for whoever asked."""
    problem = to_http(error)
    code = problem.code or 500
    sentence = problem.description
    if sentence is None or sentence == type(problem).description:
        sentence = _SENTENCES.get(code, problem.name + ".")
    headers = {n: v for n, v in problem.get_headers() if n.lower() != "content-type"}
    return Told(code, sentence, headers)


def answer(error: Exception) -> Response:
    """An error as JSON."""
    found = told(error)
    response = jsonify(error=found.sentence)
    response.status_code = found.code
    response.headers.update(found.headers)
    return response
