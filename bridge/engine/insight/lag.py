"""How far behind each MDM server's webhooks are, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.lag import Stream
from bridge.domain.times import rfc3339, to_the_second
from bridge.domain.views import HealthPart
from bridge.domain.views.installs import Evidence
from bridge.engine.context import Context
from bridge.store.service import streams

LONG = 10.0
"""Seconds from which on webhooks that are behind are worth somebody's attention."""

WAITS_FOR_WEBHOOKS = frozenset(
    {"sending", "sent", "acknowledged", "installing", "unconfirmed", "removing"}
)
"""States of installs that an answer of their device moves on; and two more reasons."""
_ASKS_FIRST = frozenset({"FACTS_FIRST", "LIST_FIRST"})


def part(context: Context, server: str) -> HealthPart:
    """The part `lag <server>`; its age is how many seconds the webhooks are behind."""
    stream = streams.load(context.db, server)
    behind = stream.behind(context.now)
    if not behind:
        return HealthPart(f"lag {server}", True, "degraded", "", 0.0)
    since = to_the_second(_since(stream) or context.now)
    detail = f"its webhooks are {behind:.0f} s behind, since {since}; {_cause(stream)}"
    return HealthPart(f"lag {server}", behind < LONG, "degraded", detail, behind)


def as_json(context: Context, server: str) -> Mapping[str, Any]:
    """The same for `status`: `behind_s` is 0.0 while webhooks come at once."""
    stream = streams.load(context.db, server)
    behind = stream.behind(context.now)
    since = _since(stream) if behind else None
    return {"webhooks_behind_s": round(behind, 3), "webhooks_behind_since": rfc3339(since)}


def sentence(context: Context, server: str, state: str, reason: str) -> str:
    """What to say of an install that waits for an answer which may be on its way; else nothing."""
    if state not in WAITS_FOR_WEBHOOKS and reason not in _ASKS_FIRST:
        return ""
    stream = streams.load(context.db, server)
    behind = stream.behind(context.now)
    if not behind:
        return ""
    heard_to = to_the_second(stream.position(context.now))
    return (
        f" The webhooks of MDM server {server} are {behind:.0f} s behind: what its devices "
        f"answered after {heard_to} is not known yet, and nothing is repeated before it is."
    )


def evidence(context: Context, server: str) -> list[Evidence]:
    """How far the webhooks have come, where they are behind."""
    stream = streams.load(context.db, server)
    behind = stream.behind(context.now)
    if not behind:
        return []
    value = f"{behind:.0f} s behind"
    at = rfc3339(stream.position(context.now))
    return [{"what": f"the webhooks of {server} have come to", "value": value, "at": at}]


def _since(stream: Stream) -> float | None:
    return stream.behind_since or stream.waiting_since


def _cause(stream: Stream) -> str:
    """Who is slow, and where to look."""
    if stream.behind_since is None:
        return "they wait here for being processed: see how busy the bridge's machine is"
    return (
        "it posts them one after the other, so see what else makes it send many, how long the "
        "bridge takes for one, and that its clock is right; meanwhile nothing is repeated, and all "
        "goes on by itself"
    )
