"""The objects that only the API answers with, and how an answer is written.

All others are those of domain/views. Whoever reads them must bear members that are not named there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import msgspec

from bridge.domain.views.desired import Pause
from bridge.domain.views.traffic import AskedRead
from bridge.domain.views.users import Invited
from bridge.web.v1.schema import Object


class Error(TypedDict):
    """What went wrong."""

    error: Annotated[str, "One sentence."]


class Retried(TypedDict):
    """What came of a retry."""

    retried: Annotated[int, "1, or 0 where an install had not stopped."]


class AskedReads(TypedDict):
    """What a sync asked for."""

    reads: Sequence[AskedRead]


class Invitations(TypedDict):
    """What came of inviting a user."""

    invitations: Annotated[Sequence[Invited], "One for each location that has the user."]


class Paused(TypedDict):
    """What came of a pause."""

    paused: Annotated[bool, "False: it was paused already."]
    pauses: Annotated[Sequence[Pause], "All that is paused now."]


class Resumed(TypedDict):
    """What came of a resume."""

    resumed: Annotated[bool, "False: it was not paused."]
    pauses: Annotated[Sequence[Pause], "All that is still paused."]


class Description(TypedDict):
    """The API as OpenAPI 3.1."""

    openapi: str
    paths: dict[str, Any]


PAGE = "Page"


def page_of(name: str, item: Object) -> Object:
    """What a list answers: `item` under `name`, and the cursor of the next page."""
    cursor = Annotated[str | None, "Ask for the next page with it; null at the end."]
    members = {name: list[item], "next_cursor": cursor}  # type: ignore[valid-type]
    make: Any = TypedDict
    page: Object = make(item.__name__ + PAGE, members)
    return page


def as_json(body: object) -> bytes:
    """An answer's body, with a line's end, for whoever looks at it in a terminal."""
    return msgspec.json.encode(body) + b"\n"
