"""The registered users of one location as Apple keeps them: no HTTP, no time of its own.

Source: Apple, "Managing Users", "Get Users". What is not documented and simulated here: an address
is needed to register a user (9717), an update or retirement of nobody fails in its event (9609),
a Managed Apple Account is tied a while after the user was registered, retiring a user is told by no
notification about the licences that go with it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.simulator.apple.errors import Refusal, message
from bridge.simulator.apple.library import USER, Library, Page, Target
from bridge.simulator.apple.notifications import ELEMENTS, Notifier
from bridge.simulator.kernel import Kernel

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ACTIVE = ("Registered", "Associated")

Query = Mapping[str, str]


@dataclass
class User:
    """One entry of a user; of one clientUserId at most one is not retired."""

    client_user_id: str
    email: str
    managed_apple_id: str | None = None
    status: str = "Registered"
    invite_code: str = ""
    id_hash: str | None = None
    write: int = 0

    @property
    def is_active(self) -> bool:
        """Whether licences can be given to it."""
        return self.status in _ACTIVE

    def as_json(self, *, whole: bool) -> dict[str, object]:
        """As in a list; or `whole`, as in notifications, which have the invite code all along."""
        row: dict[str, object] = {
            "clientUserId": self.client_user_id,
            "email": self.email,
            "status": self.status,
        }
        if self.id_hash is not None and self.is_active:
            row["idHash"] = self.id_hash
        if whole or self.status == "Registered":
            row["inviteCode"] = self.invite_code
        return row


@dataclass
class UserEvent:
    """An asynchronous operation on users: CREATE, UPDATE or RETIRE."""

    event_id: str
    kind: str
    asked: list[dict[str, str]]
    status: str = "PENDING"
    done: list[User] = field(default_factory=list)
    failures: dict[int, list[dict[str, str]]] = field(default_factory=dict)

    def as_status(self) -> dict[str, object]:
        """A StatusResponse; failures name the users that were not done."""
        body: dict[str, object] = {
            "eventStatus": self.status,
            "eventType": self.kind,
            "numRequested": len(self.asked),
            "numCompleted": len(self.done),
        }
        if self.failures:
            body["failures"] = [
                {
                    "errorNumber": number,
                    "errorMessage": message(number),
                    "errorInfo": {"clientUserIds": [each["clientUserId"] for each in some]},
                }
                for number, some in self.failures.items()
            ]
        return body

    def notifications(self) -> Iterator[dict[str, object]]:
        """The bodies of the USER_MANAGEMENT notifications that tell its outcome."""
        frame = {"type": self.kind, "eventId": self.event_id}
        for start in range(0, len(self.done), ELEMENTS):
            some = [user.as_json(whole=True) for user in self.done[start : start + ELEMENTS]]
            yield {**frame, "result": "SUCCESS", "users": some}
        for number, asked in self.failures.items():
            error = {"errorNumber": number, "errorMessage": message(number)}
            for start in range(0, len(asked), ELEMENTS):
                some = [
                    {key: each[key] for key in ("clientUserId", "email") if key in each}
                    for each in asked[start : start + ELEMENTS]
                ]
                yield {**frame, "result": "FAILURE", "users": some, "error": error}


class Users:
    """The users of a location. `tie_delay` is in how many seconds Apple ties a Managed Apple
    Account, `unknown_accounts` those that it cannot tie."""

    def __init__(self, kernel: Kernel, library: Library, notifier: Notifier) -> None:
        self.tie_delay = 1.0
        self.unknown_accounts: set[str] = set()
        self._kernel = kernel
        self._library = library
        self._notifier = notifier
        self._entries: dict[str, list[User]] = {}

    def __contains__(self, client_user_id: str) -> bool:
        return self.active(client_user_id) is not None

    def active(self, client_user_id: str) -> User | None:
        """The entry of a user to which licences can be given, if there is one."""
        found = self._entries.get(client_user_id, [])
        return next((user for user in found if user.is_active), None)

    def entries(self, client_user_id: str) -> list[User]:
        """All entries of a user, the retired ones first."""
        return list(self._entries.get(client_user_id, ()))

    def add(self, client_user_id: str, email: str = "somebody@example.org") -> User:
        """Somebody else registers a user, at once and without a word."""
        return self._new({"clientUserId": client_user_id, "email": email})

    def accept(self, client_user_id: str) -> None:
        """The person opens the invitation and signs in; a user who is tied stays so."""
        user = self.active(client_user_id)
        if user is None or user.status == "Associated":
            return
        user.status = "Associated"
        user.id_hash = base64.b64encode(self._kernel.random.randbytes(20)).decode()
        self._write(user)
        self._notifier.notify("USER_ASSOCIATED", {"associatedUsers": [user.as_json(whole=True)]})

    def accept_by(self, invite_code: str) -> bool:
        """The person who has this code accepts; whether it is the code of somebody who may."""
        for entries in self._entries.values():
            for user in entries:
                if user.invite_code == invite_code and user.status == "Registered":
                    self.accept(user.client_user_id)
                    return True
        return False

    def listed(self, query: Query, page_size: int) -> dict[str, object]:
        """GET /users."""
        since = 0
        if "sinceVersionId" in query:
            write = self._library.write_of(query["sinceVersionId"])
            if write is None:
                raise Refusal(9721)
            since = write
        rows: list[Mapping[str, object]] = [
            user.as_json(whole=False)
            for entries in self._entries.values()
            for user in entries
            if user.write > since and _is_asked(user, query)
        ]
        page = self._page(rows, query, page_size)
        return {"users": page.rows} | page.frame

    def _page(self, rows: list[Mapping[str, object]], query: Query, page_size: int) -> Page:
        index = query.get("pageIndex", "0")
        page = self._library.page(rows, int(index), page_size) if index.isdigit() else None
        if page is None:
            raise Refusal(9650)
        return page

    def asked(self, body: Mapping[str, object], most: int, kind: str) -> UserEvent:
        """A request of the client, as an event that waits; raises Refusal."""
        given = body.get("users")
        if not isinstance(given, list) or not given:
            raise Refusal(9720)
        if len(given) > most:
            raise Refusal(9714)
        users = [_requested(each) for each in given]
        names = [each["clientUserId"] for each in users]
        if len(set(names)) < len(names):
            raise Refusal(9715)
        bad = [each["clientUserId"] for each in users if not _has_addresses(each, kind)]
        if bad:
            raise Refusal(9717, {"clientUserIds": bad})
        return UserEvent(self._kernel.uuid(), kind, users)

    def carry_out(self, event: UserEvent, number: int = 0) -> None:
        """Do what the event asks, or fail it with this errorNumber; its outcome is told."""
        act: Callable[[Mapping[str, str]], User | int] = {
            "CREATE": self._create,
            "UPDATE": self._update,
            "RETIRE": self._retire,
        }[event.kind]
        for each in event.asked:
            done = number or act(each)
            if isinstance(done, User):
                event.done.append(done)
            else:
                event.failures.setdefault(done, []).append(each)
        event.status = "FAILED" if event.failures else "COMPLETE"
        for content in event.notifications():
            self._notifier.notify("USER_MANAGEMENT", content)

    def retire(self, client_user_id: str) -> None:
        """Somebody else retires a user; the notification has an eventId that no client knows."""
        self.carry_out(UserEvent(self._kernel.uuid(), "RETIRE", [{"clientUserId": client_user_id}]))

    def _create(self, asked: Mapping[str, str]) -> User | int:
        if self.active(asked["clientUserId"]) is not None:
            return 9716
        return self._why_not_tied(asked) or self._new(asked)

    def _new(self, asked: Mapping[str, str]) -> User:
        code = self._kernel.uuid().replace("-", "")
        user = User(asked["clientUserId"], asked["email"], invite_code=code)
        self._entries.setdefault(user.client_user_id, []).append(user)
        self._tie(user, asked)
        self._write(user)
        return user

    def _update(self, asked: Mapping[str, str]) -> User | int:
        user = self.active(asked["clientUserId"])
        if user is None:
            return 9609
        if number := self._why_not_tied(asked):
            return number
        user.email = asked.get("email", user.email)
        self._tie(user, asked)
        self._write(user)
        return user

    def _retire(self, asked: Mapping[str, str]) -> User | int:
        user = self.active(asked["clientUserId"])
        if user is None:
            return 9609
        user.status = "Retired"
        for pair in self._library.pairs_of(Target(USER, user.client_user_id)):
            if self._library.assets[pair.adam_id, pair.pricing_param].revocable:
                self._library.release(pair)
        self._write(user)
        return user

    def _why_not_tied(self, asked: Mapping[str, str]) -> int:
        account = asked.get("managedAppleId")
        if account in self.unknown_accounts:
            return 9635
        others = (user for some in self._entries.values() for user in some if user.is_active)
        taken = any(
            account is not None
            and user.managed_apple_id == account
            and user.client_user_id != asked["clientUserId"]
            for user in others
        )
        return 9641 if taken else 0

    def _tie(self, user: User, asked: Mapping[str, str]) -> None:
        account = asked.get("managedAppleId")
        if account is not None and account != user.managed_apple_id:
            user.managed_apple_id = account
            self._kernel.after(self.tie_delay, lambda: self.accept(user.client_user_id))

    def _write(self, user: User) -> None:
        self._library.touch()
        user.write = self._library.write_of(self._library.version_id) or 0


def _is_asked(user: User, query: Query) -> bool:
    if query.get("activeOnly") == "true" and not user.is_active:
        return False
    if query.get("retiredOnly") == "true" and user.is_active:
        return False
    return query.get("clientUserId", user.client_user_id) == user.client_user_id


def _requested(item: object) -> dict[str, str]:
    values = item if isinstance(item, dict) else {}
    known = {key: values.get(key) for key in ("clientUserId", "email", "managedAppleId")}
    found = {key: value for key, value in known.items() if value is not None}
    if not found.get("clientUserId") or not all(isinstance(each, str) for each in found.values()):
        raise Refusal(9602)
    return found


def _has_addresses(asked: Mapping[str, str], kind: str) -> bool:
    if kind == "CREATE" and "email" not in asked:
        return False
    addresses: Sequence[str] = [asked[k] for k in ("email", "managedAppleId") if k in asked]
    return all(_ADDRESS.fullmatch(each) for each in addresses)
