"""The states of an outbox row, and every way from one to another.

```
  ready ──> claimed ──> done | failed
   │ ^ <──────┘ │ again       │
   │ │          v             │ repeated by hand
   │ └─────── held (paused) <─┼── also from `ready`
   └──> failed: withdrawn,    │   or its scope is no longer configured
     ^────────────────────────┘
```

A row is unique by its key while it is open (the index `outbox_open`). The words are public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.domain.vocabulary import OUTBOX_STATES, OutboxState
from bridge.store.rows import among

States = tuple[OutboxState, ...]

NOT_BEGUN: Final[States] = ("ready", "held")
OPEN: Final[States] = (*NOT_BEGUN, "claimed")
OVER: Final[States] = ("done", "failed")

TRANSITIONS: Final[Mapping[OutboxState, States]] = {
    "ready": OUTBOX_STATES,
    "held": OPEN,
    "claimed": OUTBOX_STATES,
    "done": OUTBOX_STATES,
    "failed": OUTBOX_STATES,
}
"""By state, those from which a row comes there. Who claimed a row says how it ends, so that its
end does not ask for its state."""

SQL_NOT_BEGUN: Final = among(NOT_BEGUN)
SQL_OPEN: Final = among(OPEN)
SQL_OVER: Final = among(OVER)
