"""Requests of a running `doctor`, which are neither counted nor told: it is told the answer."""

from __future__ import annotations

from flask import Request

from bridge.domain.webhooks import PROBE_HEADER
from bridge.web.ports import Counting

_KNOWN = "bridge.probe"


def is_probe(bridge: Counting, request: Request) -> bool:
    """Whether the request has the secret of a running `doctor`; looked up once for each request."""
    offered = request.headers.get(PROBE_HEADER)
    if offered is None:
        return False
    if _KNOWN not in request.environ:
        request.environ[_KNOWN] = bridge.is_probe(offered)
    return bool(request.environ[_KNOWN])
