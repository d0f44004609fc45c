"""What a declaration of an endpoint consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

import flask
from werkzeug.exceptions import BadRequest

from bridge.domain.audit import Action
from bridge.domain.roles import Role
from bridge.web.ports import Bridge
from bridge.web.v1.request import Member, Places, Request, members, read
from bridge.web.v1.schema import Object

Method = Literal["GET", "PUT", "POST", "DELETE"]

R = TypeVar("R", bound=Request)


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer; `holds` is its object, None for one without a body."""

    status: int
    says: str
    holds: Object | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answers now: one of its declared statuses, and the body."""

    status: int
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Endpoint(Generic[R]):
    """One call: `name` is its operationId and its script in tools/api, `role` what a key needs
    for it, and `action` what the audit log calls what it does, None where it changes nothing.

    `asks` is the class of its requests: members that its path names stand there, the others in the
    query of a GET and in the body of anything else. `refusals` are statuses beside those that every
    call of its kind may answer, and what they say. `secrets` are the members of an answer, or of a
    list's items, that are null for who may only look.
    """

    method: Method
    path: str
    name: str
    role: Role
    action: Action | None
    says: str
    asks: type[R]
    handle: Callable[[Bridge, R], Reply]
    answers: tuple[Answer, ...]
    refusals: Mapping[int, str] = field(default_factory=dict)
    more: str = ""
    secrets: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it is more than a GET: what it is asked with stands in a body."""
        return self.method != "GET"

    @cached_property
    def places(self) -> Places:
        """Where each member of its requests stands."""
        declared = {each.name: each for each in members(self.asks)}
        parts = (part for part in self.path.split("/") if part.startswith("{"))
        in_path = tuple(declared.pop(part.strip("{}")) for part in parts)
        rest = tuple(declared.values())
        return Places(in_path, *(((), rest) if self.changes else (rest, ())))

    @property
    def query(self) -> tuple[Member, ...]:
        """The parameters of its query."""
        return self.places.query

    @property
    def body(self) -> tuple[Member, ...]:
        """The members of its body."""
        return self.places.body

    def answer(
        self, bridge: Bridge, request: flask.Request, in_path: Mapping[str, str], limit: int
    ) -> Reply:
        """Read a request, its body up to `limit` bytes, and do what it asks for."""
        return self.handle(bridge, read(self.asks, self.places, request, in_path, limit))

    def without_secrets(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of an answer as it is for who may only read."""
        return {
            name: [self._hidden(item) for item in value] if isinstance(value, list) else value
            for name, value in self._hidden(body).items()
        }

    def _hidden(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return {name: None if name in self.secrets else value for name, value in told.items()}

    def errors(self) -> dict[int, str]:
        """Every error that it may answer, and what that means."""
        return dict(sorted((self.common_errors() | dict(self.refusals)).items()))

    def common_errors(self) -> dict[int, str]:
        """The errors that it has in common with all calls like it."""
        codes = {401, 503}
        if self.changes:
            codes |= {400, 403, 408, 413, 415}
        if any(each.form.error is BadRequest for each in self.query):
            codes |= {400}
        if self.changes or self.query or self.places.path:
            codes |= {422}
        return {code: ERRORS[code] for code in codes}


ERRORS = {
    400: "The body is not a JSON object, or the cursor is garbled.",
    401: "User or key is missing or wrong.",
    403: "The key's role is too small, or another site sent the request.",
    408: "The body did not arrive in time.",
    413: "The body is too long (policy.limits.api_body).",
    415: "The body is not sent as application/json.",
    422: "A value cannot be used, or a name is unknown; the sentence says which.",
    503: "The database cannot be used at the moment.",
}
"""What calls have in common."""
