"""Who may come in: people with a browser, and programs with the API, by the same keys.

The user is `bridge`, the password a key. Each call and each button declares the role that it needs;
what a key may do is asked of its `Caller`, so that there is one place that knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask, Request, current_app
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge

from bridge.config import Config
from bridge.domain.audit import Actor
from bridge.domain.roles import ROLES, Role, allows
from bridge.web import credentials
from bridge.web.ports import Counting
from bridge.web.problems import NotAuthorized

USER = "bridge"

SEES_SECRETS: Role = "operate"
"""Who is shown invitations: whoever may send them."""

_ROLES = "vpp_bridge_roles"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: by which key, by its `name`, and what its `role` lets them do.

    `only_get` says that it is the read key, with which nothing can be posted at all.
    """

    name: str
    role: Role
    key: str = field(repr=False)
    only_get: bool = False

    def may(self, needed: Role) -> bool:
        """Whether they may do what this role is needed for."""
        return allows(self.role, needed)

    def via(self, call: str) -> Actor:
        """Who it is that does something by `call`."""
        return Actor("key", self.name, call, self.role)


def declare(app: Flask, endpoint: str, role: Role) -> None:
    """What is behind this endpoint of Flask's needs a key with this role, where it changes
    something; one of which nobody says it needs the largest."""
    app.extensions.setdefault(_ROLES, {})[endpoint] = role


def may_post(caller: Caller, path: str) -> bool:
    """Whether who asks may press a button that posts to `path`."""
    endpoint, _ = current_app.url_map.bind("").match(path, method="POST")
    return not caller.only_get and caller.may(_needed(endpoint))


def _needed(endpoint: str | None) -> Role:
    """For a change; of a path that is unknown nothing is changed."""
    unsaid = ROLES[0] if endpoint is None else ROLES[-1]
    found: Role = current_app.extensions.get(_ROLES, {}).get(endpoint, unsaid)
    return found


def let_in(bridge: Counting, request: Request) -> Caller:
    """Let nobody in without a key, nor with one whose role is too small for what is asked, nor a
    browser that another site sends.

    Raises NotAuthorized, Forbidden, and RequestEntityTooLarge for a body of which it is told that
    it is too long.
    """
    config = bridge.config
    changes = request.method not in _SAFE_METHODS
    caller = _caller(config, request)
    if caller is None:
        bridge.count_refused("api.401")
        raise NotAuthorized("The API's user or key is missing or wrong.", credentials.BASIC)
    request.environ[credentials.KNOWN] = True
    needed = _needed(request.endpoint)
    if changes and (caller.only_get or not caller.may(needed)):
        bridge.count_denied(caller.via(called(request)), needed)
        raise Forbidden(_too_small(caller, needed))
    if changes and _is_foreign(request.headers, config.public_url):
        raise Forbidden("The request was sent by another site.")
    if (request.content_length or 0) > config.policy.limits.api_body:
        raise RequestEntityTooLarge(
            f"The body is longer than {config.policy.limits.api_body} bytes."
        )
    return caller


def called(request: Request) -> str:
    """The call that a request is, as it is declared. Of one that is not only that: what it names
    may be anything, and those that are alike are told together."""
    rule = request.url_rule
    if rule is None:
        return "an unknown call"
    return f"{request.method} {rule.rule.replace('<', '{').replace('>', '}')}"


def _too_small(caller: Caller, needed: Role) -> str:
    if caller.only_get:
        return f"The read key may only be used with GET; this needs a key with the role {needed}."
    return f"This needs a key with the role {needed}; the key {caller.name} has {caller.role}."


def _caller(config: Config, request: Request) -> Caller | None:
    """By which key it is asked; by none while no key is configured that may do anything."""
    offered = credentials.basic(request.headers.get("Authorization"))
    if offered is None:
        return None
    user, password = offered
    # All are looked at, so that the time taken does not tell which of them was wrong.
    is_user = credentials.matches(user, [USER])
    found = [each for each in _callers(config) if credentials.matches(password, [each.key])]
    return found[0] if found and is_user else None


def _callers(config: Config) -> list[Caller]:
    """Every key that opens the API."""
    api = config.api
    if not api.is_open:
        return []
    callers = [] if api.key is None else [Caller("api.key", "claim", api.key)]
    if api.read_key is not None:
        callers.append(Caller("api.read_key", "read", api.read_key, only_get=True))
    named = api.keys.items()
    return callers + [Caller(name, each.role, each.text) for name, each in named if each.text]


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
