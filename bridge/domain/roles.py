"""What a key of the API may do: four roles, each of which may do what those before it may.

`read` may look, and plan; `operate` may also step in: retry, pause, resume, replay, sync, invite;
`apply` may also change what is desired of the bridge; `claim` may also take a location over.
"""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["read", "operate", "apply", "claim"]

ROLES: tuple[Role, ...] = get_args(Role)
"""From the smallest to the largest."""

MAY: dict[Role, str] = {
    "read": "all that only reads, and `POST /v1/plan`",
    "operate": "the same, and retry, pause, resume, replay, sync and invite",
    "apply": "the same, and change what is desired: apply, one-off wishes and the like",
    "claim": "the same, and take a location over from another MDM",
}
"""What each may do, for people."""


def allows(role: Role, needed: Role) -> bool:
    """Whether who has `role` may do what `needed` is needed for."""
    return ROLES.index(role) >= ROLES.index(needed)
