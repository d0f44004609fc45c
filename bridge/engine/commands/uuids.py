"""CommandUUIDs: unique, and in the order in which they are made."""

from __future__ import annotations

import os
import uuid
from typing import Final

_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62
_RANDOM: Final = (1 << 76) - 1 & ~(3 << 62)


def new(now: float) -> str:
    """Another CommandUUID, made `now` (seconds since the epoch).

    It begins with the time, so that those that are made together stand together in every index that
    has them: in a large fleet a hundred random ones would change a page of it each. Source: RFC
    9562, section 5.7 (UUIDv7).
    """
    milliseconds = max(int(now * 1000), 0) & (1 << 48) - 1
    drawn = int.from_bytes(os.urandom(10), "big") & _RANDOM
    return str(uuid.UUID(int=milliseconds << 80 | _VERSION | drawn | _VARIANT))
