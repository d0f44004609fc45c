"""What a declaration of a call consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.web.ports import Bridge
from bridge.web.v1 import values
from bridge.web.v1.thing import Thing
from bridge.web.v1.values import Kind

Method = Literal["GET", "PUT", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, a parameter of the query, or a member of the body."""

    name: str
    kind: Kind
    says: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON object that a call takes; a body that is not sent is an empty one.

    `exactly_one` says that one member must be there and no other.
    """

    members: tuple[Parameter, ...] = ()
    example: Mapping[str, Any] | None = None
    exactly_one: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer; `thing` is None for one without a body."""

    status: int
    says: str
    thing: Thing | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call answers now: one of its declared statuses, and the body."""

    status: int
    body: Mapping[str, Any] | None = None


Asked = Mapping[str, Any]
"""What a call is asked with: every parameter of path, query and body by its name, read by its
kind; None where an optional one was not given."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call: `name` is its operationId and its script in tools/api.

    `refusals` are statuses beside those that every call of its kind may answer, and what they say.
    """

    method: Method
    path: str
    name: str
    says: str
    handle: Callable[[Bridge, Asked], Reply]
    answers: tuple[Answer, ...]
    query: tuple[Parameter, ...] = ()
    body: Body = Body()
    refusals: Mapping[int, str] = field(default_factory=dict)
    more: str = ""

    @property
    def changes(self) -> bool:
        """Whether it may change anything: the read key does not do for it."""
        return self.method != "GET"

    @property
    def in_path(self) -> tuple[Parameter, ...]:
        """The parameters in its path."""
        parts = (part for part in self.path.split("/") if part.startswith("{"))
        return tuple(IN_PATH[part.strip("{}")] for part in parts)

    def errors(self) -> dict[int, str]:
        """Every error that it may answer, and what that means."""
        return dict(sorted((self.common_errors() | dict(self.refusals)).items()))

    def common_errors(self) -> dict[int, str]:
        """The errors that it has in common with all calls like it."""
        codes = {401, 503}
        if self.changes:
            codes |= {400, 403, 408, 413, 415}
        if any(parameter.kind is values.CURSOR for parameter in self.query):
            codes |= {400}
        if self.changes or self.query or self.in_path:
            codes |= {422}
        return {code: ERRORS[code] for code in codes}


ERRORS = {
    400: "The body is not a JSON object, or the cursor is garbled.",
    401: "User or key is missing or wrong.",
    403: "The read key may only be used with GET, or another site sent the request.",
    408: "The body did not arrive in time.",
    413: "The body is too long (policy.limits.api_body).",
    415: "The body is not sent as application/json.",
    422: "A value cannot be used, or a name is unknown; the sentence says which.",
    503: "The database cannot be used at the moment.",
}
"""What calls have in common."""

IN_PATH = {
    parameter.name: parameter
    for parameter in (
        Parameter("serial", values.SERIAL, "The device's serial number, in any case.", True),
        Parameter("adam_id", values.ADAM_ID, "The app's number in the App Store.", True),
        Parameter("id", values.ID, "The bridge's own id, as in the list.", True),
    )
}

PAGING = (
    Parameter("limit", values.LIMIT, "How many items at most."),
    Parameter("cursor", values.CURSOR, "`next_cursor` of the page before."),
)
