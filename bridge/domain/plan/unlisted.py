"""What a plan cannot know: which devices are enrolled at a server that does not list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.wording import counted


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """How many devices are known of a server that cannot list them: `enrolled` by their serial
    numbers, `nameless` that did not tell theirs yet, `filed` that its `devices_file` names and that
    were not heard of."""

    server: str
    enrolled: int
    nameless: int = 0
    filed: int = 0

    @property
    def known(self) -> str:
        """What is known, in words."""
        parts = [f"{self.enrolled} known by what they sent"]
        if self.nameless:
            parts.append(f"{self.nameless} without a serial number yet")
        if self.filed:
            parts.append(f"{self.filed} of its devices_file not heard of yet")
        return ", ".join(parts)


MENDS = (
    "name them in its devices_file, let its database be read by enrollments_dsn, "
    "or wait until they check in"
)
"""How devices become known that a server does not list."""


def unlisted_line(servers: Sequence[KnownDevices], limit: int) -> list[str]:
    """What a plan says of such servers, in one line; nothing where there is none."""
    if not servers:
        return []
    whose = "; ".join(f"{each.server} ({each.known})" for each in servers)
    served = f"the first {counted(limit, 'device')}" if limit else "none"
    verb = "is" if limit == 1 else "are"
    return [
        f"Other devices may be enrolled that cannot be known, since no list is to be had from "
        f"{whose}: of those that show up later {served} {verb} served, the rest waits for another "
        "apply."
    ]
