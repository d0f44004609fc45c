"""The one way in which a change becomes known: a line of the log and an entry of the audit log.

Whoever changes something for a person calls `record` in the transaction of the change, once.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.audit import Actor, Deed
from bridge.domain.devices import targets
from bridge.store.database import Connection
from bridge.store.service import acts, audit


def record(db: Connection, now: float, actor: Actor, deed: Deed) -> None:
    """Keep that `actor` did something; both logs tell it once the transaction is committed."""
    acts.note(db, now, deed.text, {"who": actor.shown, **deed.about}, deed.level)
    audit.add(db, now, actor, deed)


def pairs_of(serials: Sequence[str], adam_id: str) -> dict[str, str | int]:
    """What a deed about one app on some devices is about: the device, where it is one."""
    one = {"device_serial": targets.shown(serials[0])} if len(serials) == 1 else {}
    return {**one, "adam_id": adam_id}
