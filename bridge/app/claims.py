"""Taking a location over from the MDM that holds it."""

from __future__ import annotations

from bridge.app.opened import Opened
from bridge.engine.calls import claim
from bridge.engine.licences.foreign_mdm import ForeignMdm


class Claiming(Opened):
    """What a person says about who manages a location; raises StoreError."""

    def intend_claim(self, location: str, other: ForeignMdm) -> int:
        """Have a location taken over from exactly this MDM; the id of the call that does it."""
        with self.database.write() as db:
            return claim.ask(db, location, other, self.actor, self.now())
