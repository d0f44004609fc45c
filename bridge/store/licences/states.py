"""The states of our requests to Apple and of the pairs in them, and every way from one to another.

```
  pair     collected ──> open ──> confirmed ──> taken (others took the licence away)
               │ <───────┘ │ └──> failed | missing
               └───────────┴────> withdrawn

  request  ready ──> sending ──> open ──> done
              │ <───────┘│         │ <─┐   ^ its last pair is settled, from any of them
              │          └─────────┴──> in_doubt
              └──> refused, also from `sending` and `open`
```

A pair is unique while it is collected or open (the index `request_pairs_open`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.store.rows import among

UNDER_WAY: Final = ("collected", "open")
"""A pair: Apple has been asked, or will be."""
ASKED: Final = ("sending", "open", "in_doubt")
"""A request: Apple has it, or may have it."""
UNNAMED: Final = ("sending", "in_doubt")
"""A request: Apple may have given it an eventId that is not known."""
OPEN: Final = ("ready", *ASKED)
"""A request: it is not over."""

PAIR_TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "collected": ("open",),
    "open": ("collected",),
    "confirmed": ("open",),
    "failed": ("open",),
    "missing": ("open",),
    "withdrawn": UNDER_WAY,
    "taken": ("confirmed",),
}
"""By state, those from which a pair comes there."""

REQUEST_TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "ready": ("sending",),
    "sending": ("ready",),
    "open": ASKED,
    "in_doubt": ASKED,
    "refused": OPEN,
    "done": (*OPEN, "refused"),
}
"""By state, those from which a request comes there."""

SQL_UNDER_WAY: Final = among(UNDER_WAY)
SQL_ASKED: Final = among(ASKED)
SQL_UNNAMED: Final = among(UNNAMED)
SQL_OPEN: Final = among(OPEN)
