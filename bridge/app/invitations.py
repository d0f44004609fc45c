"""Inviting registered users on their devices."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.app.opened import Opened
from bridge.domain.audit import Deed, some
from bridge.domain.pauses import Way, by_command
from bridge.domain.views.users import Invited
from bridge.domain.wording import counted
from bridge.engine.users import invite
from bridge.store.repeating import repeated


class Inviting(Opened):
    """What a person may do about invitations; raises StoreError."""

    @repeated
    def invite(
        self, client_user_ids: Sequence[str], location: str | None = None, way: Way = by_command
    ) -> list[Invited]:
        """Have devices of these users show their invitations; what came of each user and location.

        `way` tells how to end a pause. Raises WishError for a user who is unknown.
        """
        with self.database.write() as db:
            done = invite.invite(self.context(db), client_user_ids, location, way)
            sent = [each["client_user_id"] for each in done if each["outcome"] == "sent"]
            if sent:
                text = f"{counted(len(sent), 'user')} will be invited"
                about = {"client_user_id": sent[0]} if len(sent) == 1 else {}
                after = {"invited": some(sent), "users": len(sent)}
                shown_on = [each["device"] for each in done if each["device"] is not None]
                self.record(db, Deed("invite", text, about, after=after, serials=shown_on))
            return done
