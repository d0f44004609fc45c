"""Who changed what: what the audit log has of everything that somebody asked for.

Nothing of it may hold a secret: names, ids, counts and states alone, never the value of a setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bridge.domain.roles import Role

Action = Literal[
    "apply",
    "assign",
    "exclude",
    "unassign",
    "reclaim",
    "replace",
    "retry",
    "update",
    "pause",
    "resume",
    "replay",
    "retry_call",
    "sync",
    "invite",
    "claim",
    "restore",
    "settings",
    "refused",
]
"""What was done; `settings` is that the bridge started with others, `refused` that it was not."""

ACTIONS: tuple[Action, ...] = get_args(Action)

ActorKind = Literal["key", "user", "bridge"]
ACTOR_KINDS: tuple[ActorKind, ...] = get_args(ActorKind)

NAMES_KEPT = 50
"""Names that one entry lists at most of one kind; the count beside them is of all."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a key of the API by its name, a local user at the command line, or the
    bridge by itself; `via` is the call or the command.

    `role` is the key's; `sudo_user` is who became this user by sudo.
    """

    kind: ActorKind
    name: str
    via: str = ""
    role: Role | None = None
    sudo_user: str | None = None

    @property
    def shown(self) -> str:
        """Who it is, for the log."""
        if self.kind == "bridge":
            return self.name
        if self.kind == "key":
            return f"key:{self.name}"
        return f"cli:{self.name}" + (f"({self.sudo_user})" if self.sudo_user else "")


BY_ITSELF = Actor("bridge", "bridge")
"""The bridge, which nobody asked."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done.

    `text` says it in a few words, as a line of the log and an entry of the audit log; `about` is
    what it is about, by the log's keys. `serials` and `adam_ids` are further devices (as targets)
    and apps by which the entry is to be found. `before` and `after` are what was so and what is,
    JSON-able, each in a few members.
    """

    action: Action
    text: str
    about: Mapping[str, str | int] = field(default_factory=dict)
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    serials: Sequence[str] = ()
    adam_ids: Sequence[str] = ()
    level: Literal["info", "warning"] = "info"


def shown(state: Mapping[str, Any] | None) -> str | None:
    """What was so or is, on one line for people."""
    if state is None:
        return None
    return "; ".join(f"{name.replace('_', ' ')}: {_text(value)}" for name, value in state.items())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['count']} ({_text(value['names'])})"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def some(names: Sequence[str]) -> list[str]:
    """Names as an entry lists them: the first, where there are many."""
    return sorted(names)[:NAMES_KEPT]
