"""Types of members that objects have in common."""

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

from bridge.domain.reasons import REASONS


class Format(NamedTuple):
    """What a text is, by the name that JSON Schema has for it."""

    name: str


Time: TypeAlias = Annotated[str, Format("date-time")]
"""A moment as RFC 3339 in UTC."""

if TYPE_CHECKING:
    Reason: TypeAlias = str
else:
    Reason = Literal[tuple(REASONS)]
