"""The states of an MDM command, the sets of them that matter, and every way from one to another.

```
            ┌────────────────────── sent again, the same CommandUUID ───────────────────┐
            v                                                                           │
  ready ──> posting ──> posted ──> queued ──(NotNow)──> not_now ──┐                     │
    │ <──────┘│           │          │                     │ └────┘ NotNow again        │
    │         └───────────┴──────────┴─────────────────────┴──> in_doubt ───────────────┘
    │                  an answer, from any of them, also late: acknowledged | error
    └──> dropped: nobody waits for it any more, from any state before an answer
```

A server that does not take an answer goes on offering the command: it is `queued` again, from any
state before an answer. `posting` to `not_now` occupy the device's queue; `in_doubt` frees it. An
answer of which only the status could be read gives way to one that can be read. The words are
public (domain/model.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from bridge.domain.model import ANSWERED_STATES, IN_DEVICE_QUEUE, CommandState
from bridge.store.rows import among

States = tuple[CommandState, ...]

NOT_STORED_YET: Final[States] = ("posting", "posted")
"""The server took it, or is being asked to, and nothing shows that it stored it."""
LEAVING: Final[States] = ("ready", "posting")
"""It is to be posted, and no server is known to have it."""
ON_SERVER: Final[States] = ("posted", "queued")
"""The server took it, and offers it to its device."""
TAKEN: Final[States] = (*ON_SERVER, "not_now")
"""The server took it, and the device did not answer it for good."""
NOT_IN_VIEW: Final[States] = ("ready", "not_now")
"""No view of the server's queue shows it."""
NOT_UNDER_WAY: Final[States] = ("ready", "in_doubt")
"""No server is known to have it."""
POSTED: Final[States] = (*IN_DEVICE_QUEUE, "in_doubt")
"""It was posted, or may have been, and was not answered for good."""
OPEN: Final[States] = ("ready", *POSTED)
"""It is not over."""
OVER: Final[States] = (*ANSWERED_STATES, "dropped")

TRANSITIONS: Final[Mapping[CommandState, States]] = {
    "ready": ("posting", "in_doubt"),
    "posting": ("ready",),
    "posted": ("posting",),
    "queued": OPEN,
    "not_now": POSTED,
    "in_doubt": ("ready", *IN_DEVICE_QUEUE),
    "acknowledged": (*OPEN, *OVER),
    "error": (*OPEN, *OVER),
    "dropped": OPEN,
}
"""By state, those from which a command comes there."""

Cause = Literal["settled_otherwise", "nobody_waits"]
"""Why a command is cancelled: what it was for is settled by other means; or its server is not
configured any more, or another device carries the serial number."""

CANCELLED_FROM: Final[Mapping[Cause, States]] = {
    "settled_otherwise": NOT_UNDER_WAY,
    "nobody_waits": OPEN,
}
"""By cause, the states in which a command is cancelled: what a server may have is waited for, as
long as anybody does."""

SQL_IN_QUEUE: Final = among(IN_DEVICE_QUEUE)
SQL_NOT_STORED_YET: Final = among(NOT_STORED_YET)
SQL_LEAVING: Final = among(LEAVING)
SQL_ON_SERVER: Final = among(ON_SERVER)
SQL_TAKEN: Final = among(TAKEN)
SQL_NOT_IN_VIEW: Final = among(NOT_IN_VIEW)
SQL_POSTED: Final = among(POSTED)
SQL_OPEN: Final = among(OPEN)
SQL_OVER: Final = among(OVER)
SQL_ANSWERED: Final = among(ANSWERED_STATES)
