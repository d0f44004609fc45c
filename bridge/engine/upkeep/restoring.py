"""A database as it was at some time in the past becomes the present one, without harm.

Since it was copied, its bridge may have asked Apple for licences and sent commands of which it
knows nothing, and may be running still. So it becomes another bridge, which takes nothing for
granted that it had begun or was about to begin, and which sends nothing until a person resumes.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.audit import Actor, Deed
from bridge.domain.pauses import RESTORED, Pause
from bridge.engine import audit
from bridge.engine.calls import Call, registry
from bridge.engine.context import Context
from bridge.engine.decide import pausing
from bridge.engine.upkeep import file_check
from bridge.store import meta
from bridge.store.commands import commands
from bridge.store.devices import devices
from bridge.store.licences import requests
from bridge.store.outbox import outbox


def make_present(context: Context, calls: Mapping[str, Call], actor: Actor) -> None:
    """Pause all, be another bridge, and doubt all that is open; it is not running yet. `actor`
    restores.

    What the MDM servers hold is looked up when the engine starts, as after every start.
    """
    db, now = context.db, context.now
    before = {"instance_id": meta.instance_id(db)}
    meta.new_instance_id(db)
    for row in outbox.unsettled(db):
        call = calls.get(row.kind)
        if call is None:
            registry.refuse(context, row)
            continue
        if row.state != "claimed":
            call.begin(context, row)
        call.lost(context, row)
    for request in requests.unsettled(db):
        # It may have been asked again since: what is missing is waited for from now on.
        requests.update(db, request.id, submitted_at=now)
        requests.doubt(db, request.id, next_read_at=now, detail=RESTORED)
    commands.doubt_unposted(db, now)
    devices.forget_lists(db)
    file_check.forget(db)
    meta.hasten_all(db, now)
    pausing.begin(context, Pause("all", "", since=now, paused_by="person", why=RESTORED))
    after = {"instance_id": meta.instance_id(db), "paused": "everything"}
    text = f"the database was {RESTORED}; everything is paused"
    deed = Deed("restore", text, before=before, after=after, level="warning")
    audit.record(db, now, actor, deed)
