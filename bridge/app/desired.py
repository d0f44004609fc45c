"""What is desired of a bridge: the file's groups and apps, and one-off wishes beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bridge.app.opened import Opened
from bridge.config.document import read_document
from bridge.domain.audit import Action, Deed, some
from bridge.domain.desired import difference
from bridge.domain.desired.anyway import BY_OPTIONS, Anyway
from bridge.domain.desired.change import Change
from bridge.domain.desired.desired import Desired, OnUnwanted
from bridge.domain.devices.serials import mistyped
from bridge.domain.devices.targets import shown
from bridge.domain.plan import Plan, arriving
from bridge.domain.plan.arriving import Arriving
from bridge.domain.plan.blind import Blind, uses_rules
from bridge.domain.plan.for_good import Mistake, for_good_refusal, mistakes
from bridge.domain.users.email import EmailRule, host_name
from bridge.domain.wording import counted
from bridge.engine import audit
from bridge.engine.desired import apply, one_offs, plan
from bridge.engine.desired.apply import Limits
from bridge.engine.desired.plan.blind import is_told_of
from bridge.engine.desired.plan.blind import unseen as unseen_servers
from bridge.engine.desired.plan.seats import Look
from bridge.engine.insight import not_desired
from bridge.engine.users.wishes import Registering
from bridge.errors import WishError
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import devices
from bridge.store.repeating import repeated
from bridge.store.views import drift


class Wishes(Opened):
    """Changing what is desired, each in one transaction; all raise StoreError."""

    def arriving(
        self, desired: Desired, serials: Sequence[str], planned: Plan, look: Look
    ) -> Arriving:
        """What devices that are still to come would need beside a plan, and what it saw outside."""
        shown = {each.serial_number for some in look.devices.values() for each in some}
        with self.database.read() as db:
            known = (frozenset(serials) - drift.gone(db, serials)) | (shown & frozenset(serials))
            near = {
                serial: ", ".join(found[:3])
                for serial in serials
                if serial not in known and (found := drift.enrolled(db, mistyped(serial)))
            }
        return arriving.make(desired, serials, planned.seats, known, near)

    def plan(
        self,
        desired: Desired,
        *,
        limit: int | None = None,
        look: Look | None = None,
        retire_foreign: bool = False,
    ) -> Plan:
        """What `apply` would change and cost; nothing is stored.

        `look` was read outside; without it, what is stored tells which devices are known.
        """
        with self.database.read() as db:
            look = Look(unseen=self._unseen(db)) if look is None else look
            policy, now = self.config.policy, self.now()
            untold = [n for n in self.unlisted_servers if not is_told_of(db, n, policy, now)]
            unlisted = plan.Unlisted(untold, policy.apply.unseen_limit)
            limits = Limits(limit)
            return plan.make(
                db,
                desired,
                self.now(),
                limits=limits,
                look=look,
                unlisted=unlisted,
                registering=self._registering(retire_foreign),
            )

    def _registering(self, retire_foreign: bool) -> Registering:
        """How users are registered, by what the configuration says."""
        places = self.config.locations.values()
        addresses = {place.name: place.email for place in places if place.email is not None}
        rule = EmailRule(addresses, host_name(self.config.public_url))
        return Registering(rule, self.config.policy.users.on_unwanted, retire_foreign)

    def read_desired(self, groups: object, apps: object, users: object) -> Desired:
        """What the file would mean with these in it; without `users`, those of the last apply
        stay. Raises ConfigError."""
        with self.database.read() as db:
            standing = applied.load(db).users if users is None else ()
        return read_document(groups, apps, self.config.locations, users, standing=standing)

    def unseen(self) -> tuple[Blind, ...]:
        """The MDM servers whose list of devices was not read lately, though they have one."""
        with self.database.read() as db:
            return self._unseen(db)

    def blind(self, desired: Desired) -> tuple[Blind, ...]:
        """Those of them that keep an apply of `wanted` from showing what its rules mean."""
        return self.unseen() if uses_rules(desired) else ()

    def _unseen(self, db: Connection) -> tuple[Blind, ...]:
        return unseen_servers(db, self.listing_servers, self.config.policy, self.now())

    def mistakes(self, desired: Desired) -> tuple[Mistake, ...]:
        """The entries of apps that cannot be, by what Apple is known to say of these apps."""
        with self.database.read() as db:
            return mistakes(desired, plan.irrevocable(db, desired, Look()))

    @repeated
    def apply(
        self,
        desired: Desired,
        *,
        limit: int | None = None,
        allow_removals: int | None = None,
        allow_irrevocable: int | None = None,
        unseen: Collection[Blind] = (),
        anyway: Anyway = BY_OPTIONS,
        retire_foreign: bool = False,
    ) -> Change:
        """Store what is desired, in one transaction.

        `unseen` are the MDM servers whose devices could not be shown: what rules mean there and
        nobody knew of waits, NOT_PLANNED, for another apply.

        With a `limit` no more than that many installs go, and the rest is held back until an apply
        without one. Raises WishError when more is removed than `allow_removals`, which is
        `removals_allowed` unless it is given, and when more licences that Apple never takes back
        would be asked for than `allow_irrevocable`; `anyway` tells how to give them. With
        `retire_foreign` users are retired, too, that the bridge did not register.
        """
        with self.database.write() as db:
            number = plan.licences_for_good(db, desired, self.now())
            if why := for_good_refusal(number, allow_irrevocable, anyway.irrevocable):
                raise WishError(f"nothing was stored: {why}")
            servers = {each.server for each in unseen}
            limits = Limits(limit, allow_removals, anyway.removals)
            registering = self._registering(retire_foreign)
            before = applied.load(db)
            change = apply.apply(db, desired, self.now(), limits, servers, registering)
            self._wished(db)
            self._note_apply(db, before, desired, change, limit)
            return change

    def _note_apply(
        self, db: Connection, before: Desired, after: Desired, change: Change, limit: int | None
    ) -> None:
        text = "groups and apps are applied"
        about = {
            "adds": len(change.added),
            "removes": len(change.removed),
            "changes": len(change.otherwise) + len(change.let_go),
        }
        if limit is not None:
            text = f"{text}, at most {counted(limit, 'install')}"
            about["held_back"] = len(change.held_back)
        told = difference.of(before, after)
        self.record(
            db,
            Deed(
                "apply",
                text,
                about,
                before=told.before,
                after=told.after | change.counts(),
                adam_ids=told.adam_ids,
            ),
        )

    def _wished(self, db: Connection) -> None:
        """Locations that nobody wished for may have work to do now."""
        for name in self.config.locations:
            meta.hasten_job(db, f"config:{name}", self.now())
            meta.hasten_job(db, f"metadata:{name}", self.now())

    def why_not(self, serial_number: str, adam_id: str) -> str | None:
        """What keeps a device out of the groups that get an app; None for nothing in particular."""
        with self.database.read() as db:
            return not_desired.why_not(db, devices.target_of(db, serial_number), adam_id)

    def targets(self, named: Sequence[str]) -> tuple[str, ...]:
        """What these devices are called by installs, each once: serial numbers in capitals, and
        user enrolments by their enrolment ids."""
        with self.database.read() as db:
            return tuple(dict.fromkeys(devices.target_of(db, each) for each in named))

    @repeated
    def assign(
        self,
        serials: Sequence[str],
        adam_id: str,
        *,
        location: str | None = None,
        pricing_param: str | None = None,
    ) -> frozenset[str]:
        """Wish for an app on these devices, beside the file; the serials whose wish is new.

        Raises WishError when the location cannot be told.
        """
        with self.database.write() as db:
            new = one_offs.assign(
                self.context(db),
                [devices.target_of(db, each) for each in serials],
                adam_id,
                location=location,
                pricing_param=pricing_param,
                names=tuple(self.config.locations),
            )
            self._wished(db)
            after = {"wanted": True, "location": location, "pricing_param": pricing_param}
            text = "wished for beside the file"
            self._note_one_offs(db, "assign", text, sorted(new), adam_id, after)
            return new

    def assign_refusal(self, adam_id: str) -> str | None:
        """Why a wish for an app is most likely a mistake: no location owns it, as read lately."""
        names, every = tuple(self.config.locations), self.config.policy.sync
        with self.database.read() as db:
            return one_offs.refusal(db, adam_id, names, every, self.now())

    def not_shown(self, serials: Sequence[str]) -> list[str]:
        """Those of these serial numbers that no MDM server has shown."""
        with self.database.read() as db:
            targets = [devices.target_of(db, each) for each in serials]
            seen = devices.current(db, targets)
        return [target for target in targets if target not in seen]

    @repeated
    def exclude(self, serials: Sequence[str], adam_id: str) -> dict[str, OnUnwanted | None]:
        """Let devices be without an app, whatever the file wants; see `one_offs.exclude`."""
        with self.database.write() as db:
            targets = [devices.target_of(db, each) for each in serials]
            found = one_offs.exclude(db, targets, adam_id, self.now())
            text = "excluded beside the file"
            self._note_one_offs(db, "exclude", text, sorted(found), adam_id, {"wanted": False})
            return found

    def _note_one_offs(
        self,
        db: Connection,
        action: Action,
        done: str,
        serials: Sequence[str],
        adam_id: str,
        after: Mapping[str, str | bool | None],
    ) -> None:
        if serials:
            text = f"an app is {done} on {counted(len(serials), 'device')}"
            known = {name: value for name, value in after.items() if value is not None}
            told = {"devices": len(serials), "named": some(list(map(shown, serials)))} | known
            about = audit.pairs_of(serials, adam_id)
            self.record(db, Deed(action, text, about, after=told, serials=serials))

    @repeated
    def unassign(self, serials: Sequence[str], adam_id: str) -> frozenset[str]:
        """Withdraw one-off wishes for an app; the serials that had one. What the file wants
        stays."""
        with self.database.write() as db:
            named = [devices.target_of(db, each) for each in serials]
            gone = one_offs.unassign(self.context(db), named, adam_id)
            text = "no longer wished for beside the file"
            self._note_one_offs(db, "unassign", text, sorted(gone), adam_id, {})
            return gone
