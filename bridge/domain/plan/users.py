"""What an apply changes of registered users, and what a plan says of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.domain.users.email import SOURCES, EmailSource
from bridge.domain.views import desired as views
from bridge.domain.wording import counted, named

UserKey = tuple[str, str]
"""A location and a clientUserId."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """A user who is to be retired, with the licences that go back by it: those that the bridge
    asked for, and those of others. What cannot be taken back is in neither."""

    location: str
    client_user_id: str
    licences: int
    licences_of_others: int

    @property
    def removals(self) -> int:
        """As how many removals it counts: each licence, and a user without any as one."""
        return max(self.licences + self.licences_of_others, 1)


@dataclass(frozen=True, slots=True)
class UsersPlan:
    """What an apply changes of users.

    `created` and `updated` are those of whom Apple is asked that, `known` those that it has already
    as wanted. `emails` are the addresses of those that stand in for one of their own, by whose
    these are. `without_email` are left out. `kept` are registered and no longer wanted, `foreign`
    registered by somebody else. `nowhere` are users of the file for whom nothing is wanted,
    `unread` locations whose users were never read.
    """

    created: tuple[UserKey, ...] = ()
    updated: tuple[UserKey, ...] = ()
    known: tuple[UserKey, ...] = ()
    emails: Mapping[UserKey, EmailSource] = field(default_factory=dict)
    without_email: tuple[UserKey, ...] = ()
    retired: tuple[Retirement, ...] = ()
    kept: tuple[UserKey, ...] = ()
    foreign: int = 0
    nowhere: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    is_change: bool = False

    @property
    def removals(self) -> int:
        """As how many removals the retirements count."""
        return sum(each.removals for each in self.retired)

    def lines(self) -> list[str]:
        """What an admin should know of users, a sentence each."""
        lines = [*_asked("registered", self.created), *_asked("updated", self.updated)]
        lines += self._email_lines()
        if self.without_email:
            lines.append(
                f"{_users(self.without_email)} left out for want of an e-mail address: write one"
                " for each under users:, or email: under the location, or give public_url a host"
                " name."
            )
        lines += [_retirement(each) for each in self.retired]
        if self.kept:
            lines.append(
                f"{_users(self.kept)} no longer in the file and stay registered; "
                "policy.users.on_unwanted: retire would retire them."
            )
        if self.unread:
            where = " and ".join(self.unread)
            lines.append(
                f"Apple's users at {where} have not been read yet: whoever is registered there "
                "already is not registered again."
            )
        if self.nowhere:
            who = f"{counted(len(self.nowhere), 'user')} of the file ({named(self.nowhere)})"
            verb = "is" if len(self.nowhere) == 1 else "are"
            lines.append(
                f"{who} {verb} registered nowhere: no app is for users there, and no location is "
                "written."
            )
        return lines

    def _email_lines(self) -> list[str]:
        counts = Counter((key[0], source) for key, source in self.emails.items())
        lines = []
        for (location, source), number in sorted(counts.items()):
            some = [k for k, s in self.emails.items() if (k[0], s) == (location, source)]
            verb = "has" if number == 1 else "have"
            lines.append(
                f"{counted(number, 'user')} at {location} {verb} no e-mail address in the file and"
                f" {verb} {SOURCES[source]}: {named([name for _, name in some])}."
            )
        return lines

    def as_json(self) -> views.PlannedUsers:
        """Ready for JSON."""
        return {
            "created": [_key(key) for key in self.created],
            "updated": [_key(key) for key in self.updated],
            "emails": [{**_key(key), "email_from": s} for key, s in sorted(self.emails.items())],
            "without_email": [_key(key) for key in self.without_email],
            "retired": [
                {
                    "location": each.location,
                    "client_user_id": each.client_user_id,
                    "licences": each.licences,
                    "licences_of_others": each.licences_of_others,
                }
                for each in self.retired
            ],
            "kept": [_key(key) for key in self.kept],
            "foreign": self.foreign,
            "registered_nowhere": list(self.nowhere),
        }


def _key(key: UserKey) -> views.PlannedUser:
    return {"location": key[0], "client_user_id": key[1]}


def _asked(done: str, keys: Sequence[UserKey]) -> list[str]:
    counts = Counter(location for location, _ in keys)
    return [
        f"{counted(number, 'user is', 'users are')} to be {done} at {location}."
        for location, number in sorted(counts.items())
    ]


def _users(keys: Sequence[UserKey]) -> str:
    shown = named([name for _, name in keys])
    return f"{counted(len(keys), 'user')} ({shown}) {'is' if len(keys) == 1 else 'are'}"


def _retirement(each: Retirement) -> str:
    licences = counted(each.licences, "licence")
    others = counted(each.licences_of_others, "licence")
    return (
        f"{each.client_user_id} is to be retired at {each.location}: {licences} of the bridge's and"
        f" {others} that others assigned go back."
    )
