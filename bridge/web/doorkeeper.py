"""Who may come in: people with a browser, and programs with the API, by the same keys.

The user is `bridge`, the password a key. What a key may do is asked of its `Caller`, so that there
is one place that knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge

from bridge.config import Config
from bridge.web import credentials
from bridge.web.ports import Counting
from bridge.web.problems import NotAuthorized

USER = "bridge"

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: by which `key`, and whether that may change anything."""

    key: str = field(repr=False)
    may_change: bool


def let_in(bridge: Counting, request: Request) -> Caller:
    """Let nobody in without a key, nor a browser that another site sends.

    Raises NotAuthorized, Forbidden, and RequestEntityTooLarge for a body of which it is told that
    it is too long.
    """
    config = bridge.config
    changes = request.method not in _SAFE_METHODS
    caller = _caller(config, request)
    if caller is None:
        bridge.count_refused("api.401")
        raise NotAuthorized("The API's user or key is missing or wrong.", credentials.BASIC)
    if changes and not caller.may_change:
        raise Forbidden("The read key may only be used with GET.")
    request.environ[credentials.KNOWN] = True
    request.environ[credentials.MAY_CHANGE] = caller.may_change
    if changes and _is_foreign(request.headers, config.public_url):
        raise Forbidden("The request was sent by another site.")
    if (request.content_length or 0) > config.policy.limits.api_body:
        raise RequestEntityTooLarge(
            f"The body is longer than {config.policy.limits.api_body} bytes."
        )
    return caller


def _caller(config: Config, request: Request) -> Caller | None:
    """By which key it is asked; by none while no api.key is configured."""
    offered = credentials.basic(request.headers.get("Authorization"))
    if offered is None or config.api.key is None:
        return None
    user, password = offered
    # All are looked at, so that the time taken does not tell which of them was wrong.
    is_user = credentials.matches(user, [USER])
    callers = [Caller(config.api.key, may_change=True)]
    if config.api.read_key is not None:
        callers.append(Caller(config.api.read_key, may_change=False))
    found = [each for each in callers if credentials.matches(password, [each.key])]
    return found[0] if found and is_user else None


def _is_foreign(headers: Headers, public_url: str | None) -> bool:
    """Whether a browser says that another site sends this request; other clients say nothing.

    Schemes are not compared: in front of us TLS has ended.
    """
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("Origin")
    return origin is not None and _authority(origin) not in {
        headers.get("Host", ""),
        _authority(public_url or ""),
    } - {""}


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
