"""Who is to hold the licences of a plan: devices, or the users whose devices they are."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.desired.change import Cohort
from bridge.domain.devices.targets import is_enrolment, of_user, user_of
from bridge.domain.facts import AssetFacts
from bridge.domain.licences.licensee import needs_user


class Licensees:
    """By the users of the file; `users` are theirs by device, as installs name it."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def of(self, cohort: Cohort, counts: AssetFacts | None) -> Mapping[str, str | None]:
        """By target, who is to hold the licence: a target, or the user; None where nobody knows
        the user. Only those are named that are not their own holders, as most are."""
        license_to, targets = cohort.options.license_to, cohort.serials
        assignable = counts is None or counts.device_assignable
        if license_to == "device":
            return {}
        return {
            target: self._user(target)
            for target in targets
            if needs_user(target, license_to, device_assignable=assignable)
        }

    def unable(self, cohort: Cohort, counts: AssetFacts | None) -> dict[str, str]:
        """By target, the reason why there can be no licence for it, whatever Apple has."""
        found = {t: "NO_USER" for t, holder in self.of(cohort, counts).items() if holder is None}
        if cohort.options.license_to == "device":
            is_book = counts is not None and counts.product_type == "Book"
            some = cohort.serials if is_book else filter(is_enrolment, cohort.serials)
            found |= dict.fromkeys(some, "USER_LICENSE_NEEDED")
        return found

    def _user(self, target: str) -> str | None:
        user = user_of(target) or self._users.get(target)
        return None if user is None else of_user(user)
