"""Taking a location over from the MDM that holds it."""

from __future__ import annotations

from bridge.app.opened import Opened
from bridge.domain.views.licences import Claimed
from bridge.engine.calls import claim
from bridge.engine.licences.foreign_mdm import ForeignMdm
from bridge.errors import WishError
from bridge.store.licences import locations
from bridge.store.repeating import repeated


class Claiming(Opened):
    """What a person says about who manages a location; raises StoreError."""

    def intend_claim(self, location: str, other: ForeignMdm) -> int:
        """Have a location taken over from exactly this MDM; the id of the call that does it."""
        with self.database.write() as db:
            return claim.ask(db, location, other, self.actor, self.now())

    @repeated
    def claim(self, location: str, mdm_name: str) -> Claimed | None:
        """Have a location taken over from the MDM of this name, which Apple last named; None for
        a location that is not configured.

        The engine does it, and only if that MDM holds it still. Raises WishError where the name is
        another.
        """
        if location not in self.config.locations:
            return None
        with self.database.write() as db:
            known = locations.get(db, location)
            if known.foreign_mdm is None:
                return Claimed(location=location, held_by=None, asked=False, outbox=None)
            other = ForeignMdm(known.mdm_id, known.mdm_name or "", "", known.notification_url)
            if mdm_name.strip() != other.title:
                raise WishError(
                    f"nothing was changed: {location} is held by {other.title}; write that as "
                    "mdm_name"
                )
            row_id = claim.ask(db, location, other, self.actor, self.now())
            return Claimed(location=location, held_by=other.title, asked=True, outbox=row_id)
