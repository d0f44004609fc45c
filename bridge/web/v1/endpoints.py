"""All calls of the API, in the order in which they are described."""

from __future__ import annotations

from typing import Any

from bridge.web.ports import Bridge
from bridge.web.v1 import openapi
from bridge.web.v1.apply import APPLYING
from bridge.web.v1.change import CHANGING
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.pause import PAUSING
from bridge.web.v1.read import READING
from bridge.web.v1.reclaim import RECLAIMING
from bridge.web.v1.request import Request
from bridge.web.v1.responses import Description


def _describe(_bridge: Bridge, _asked: Request) -> Reply:
    return Reply(200, openapi.document(ENDPOINTS))


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    *READING,
    *CHANGING,
    *APPLYING,
    *PAUSING,
    *RECLAIMING,
    Endpoint(
        "GET",
        "/v1/openapi.json",
        "get_openapi",
        "read",
        None,
        "Describes all of this, as OpenAPI 3.1.",
        Request,
        _describe,
        (Answer(200, "The description.", Description),),
    ),
)
