"""Whose library a content token opens, looked at before anything is done with it.

A token is renewed by putting another file in place of the old one. Should that be a token of
another location, nothing may be read into what is known of this one, and nothing written there:
every reply's uId is compared with the library that the location stands for, and a token that has
not shown its library yet writes nothing before it did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import Envelope
from bridge.domain.policy import Policy
from bridge.engine.context import Context
from bridge.engine.licences import suspension
from bridge.errors import NotSent, OutcomeUnknown
from bridge.store.database import Database
from bridge.store.licences import locations
from bridge.wire.content_token import ContentToken


class Guards:
    """Makes the guards of one database's locations; `names` are in the file's order."""

    def __init__(
        self, database: Database, policy: Policy, names: Sequence[str], now: Callable[[], float]
    ) -> None:
        self.database = database
        self.policy = policy
        self.names = names
        self.now = now

    def of(self, location: str, token: ContentToken) -> TokenGuard:
        """The guard of one content token."""
        return TokenGuard(self, location, token)

    def rate(self, location: str) -> float | None:
        """How many requests a second Apple last said that a location may make."""
        with self.database.read() as db:
            return locations.get(db, location).max_requests_per_second


class TokenGuard:
    """Lets one content token do what its library allows; thread-safe."""

    def __init__(self, guards: Guards, location: str, token: ContentToken) -> None:
        self._guards = guards
        self._location = location
        self._token = token
        with guards.database.read() as db:
            known = locations.get(db, location)
        # The library that this very token opens, once it has shown it.
        self._library_uid = known.library_uid if known.token_digest == token.digest else None

    def before_write(self, client: AppleClient) -> None:
        """Have the token show its library, unless it has done so before."""
        if self._library_uid is not None:
            return
        try:
            client.client_config()
        except OutcomeUnknown as error:
            raise NotSent(
                f"Nothing was sent, because it is not known whose token this is: {error}",
                service=error.service,
                call=error.call,
                status=error.status,
                retry_after=error.retry_after,
            ) from error

    def problem(self, envelope: Envelope) -> str | None:
        """Whether the reply is one of another library; the first one seen becomes the location's.

        A reply that names none cannot be compared; Apple documents uId for all of them.
        """
        seen = envelope.library_uid
        if seen is None or seen == self._library_uid:
            return None
        with self._guards.database.write() as db:
            kept = locations.bind_library(db, self._location, seen)
            if kept == seen:
                self._take(Context(db, self._guards.policy, self._guards.now()))
        if kept != seen:
            return (
                f"the content token of {self._location} is one of the library {seen}, and not of"
                f" {kept} as before"
            )
        self._library_uid = seen
        return None

    def _take(self, context: Context) -> None:
        """The token is the location's: what is known of its predecessor's end counts no more."""
        known = locations.get(context.db, self._location)
        if known.token_digest != self._token.digest:
            locations.update(
                context.db,
                self._location,
                token_digest=self._token.digest,
                token_file_expires_at=self._token.expires_at,
                token_apple_expires_at=None,
                token_warned_days=None,
            )
        suspension.share(context, self._guards.names)
