"""The sets of states of an install that matter to the store.

Which state follows which is drawn by no table: `decide()` looks at the facts anew each time, so
that any state may follow any. `installs.record` is the only place that writes one, but for a row
that is made (`waiting`).
"""

from __future__ import annotations

from typing import Final

from bridge.domain.model import InstallState
from bridge.store.rows import among

States = tuple[InstallState, ...]

FOR_A_PERSON: Final[States] = ("failed", "conflict", "needs_user")
"""Nothing happens until a person does something."""
NOTHING_SENT: Final[States] = ("waiting", "associating", "licensed")
SETTLED: Final[States] = ("installed", "removed")

SQL_FOR_A_PERSON: Final = among(FOR_A_PERSON)
SQL_NOTHING_SENT: Final = among(NOTHING_SENT)
SQL_SETTLED: Final = among(SETTLED)
