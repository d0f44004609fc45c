"""All calls of the API, in the order in which they are described."""

from __future__ import annotations

from bridge.web.ports import Bridge
from bridge.web.v1 import openapi, results
from bridge.web.v1.changes import CHANGES
from bridge.web.v1.declared import Answer, Asked, Call, Reply
from bridge.web.v1.lists import LISTS
from bridge.web.v1.pausing import PAUSING
from bridge.web.v1.wanting import WANTING


def _describe(_bridge: Bridge, _asked: Asked) -> Reply:
    return Reply(200, openapi.document(CALLS))


CALLS: tuple[Call, ...] = (
    *LISTS,
    *CHANGES,
    *WANTING,
    *PAUSING,
    Call(
        "GET",
        "/v1/openapi.json",
        "get_openapi",
        "Describes all of this, as OpenAPI 3.1.",
        _describe,
        (Answer(200, "The description.", results.DESCRIPTION),),
    ),
)
