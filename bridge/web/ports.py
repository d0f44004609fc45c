"""What the web side needs of the bridge: one small protocol for each group of routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.config import Config
from bridge.domain.pauses import Scope
from bridge.domain.views import HealthPart, Page


class Counting(Protocol):
    """Refused requests are counted, never stored."""

    @property
    def config(self) -> Config:
        """The configuration that this process was started with."""

    def count_refused(self, kind: str) -> None:
        """Count one refused request; `kind` is `mdm.401`, `mdm.404`, `apple.401`, `apple.404`
        or `api.401`. Never raises, and costs little: anybody can cause it."""


class Hooks(Counting, Protocol):
    """What the two hooks do with a message whose sender is known."""

    def receive_webhook(
        self, server: str, body: bytes, content_type: str | None, forwarded_by: str | None
    ) -> None:
        """Store and commit one webhook. A duplicate is no error; a new one is passed on later.

        `content_type` and `forwarded_by` are its headers Content-Type and X-Forwarded-By.
        Raises ShapeError when `body` is not a JSON object in UTF-8, StoreError when it could not
        be stored.
        """

    def receive_notification(self, location: str, body: bytes) -> None:
        """Store and commit one notification of Apple's; raises what `receive_webhook` does."""

    def notification_token_ok(self, location: str, token: str) -> bool:
        """Whether `token` is one that Apple was given for `location`; in constant time.

        Raises StoreError when the tokens cannot be read.
        """

    def webhook_refused(self, server: str, status: int) -> None:
        """A webhook with right credentials was answered `status` (4xx or 5xx), and MicroMDM never
        sends it again: the engine shall look at what was missed. Never raises."""

    def end(self) -> None:
        """The process is about to end: finish what is under way, within half a second."""


class Health(Protocol):
    """How the bridge does."""

    def health(self) -> Sequence[HealthPart]:
        """Every part; may raise StoreError instead of naming the database as one."""

    def alive(self) -> bool:
        """Whether the engine lives beside this web side."""


class Lists(Counting, Protocol):
    """What the API shows. Filters that are None do not filter.

    Every list raises QueryError for a cursor that it did not give out, StoreError when the
    database cannot be read.
    """

    def list_installs(
        self,
        *,
        serial: str | None,
        adam_id: str | None,
        state: str | None,
        reason: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """Installs, ordered by serial number and adam id."""

    def list_devices(self, *, serial: str | None, limit: int, cursor: str | None) -> Page:
        """Devices that an MDM server showed."""

    def list_events(
        self,
        *,
        source: str | None,
        topic: str | None,
        status: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """Inbound messages as stored, without their bodies."""

    def get_install(self, serial: str, adam_id: str) -> Mapping[str, Any] | None:
        """One install with its explanation and trail, ready for JSON; None if there is none."""


class Pausing(Counting, Protocol):
    """Keeping calls from leaving. All of it raises StoreError when the database is of no use."""

    def pause(self, scope: Scope, name: str) -> bool:
        """Let nothing leave any more that this is about; False where it is paused already."""

    def resume(self, scope: Scope, name: str) -> bool:
        """End a pause; False where there was none."""

    def paused(self) -> Sequence[Mapping[str, Any]]:
        """All that is paused, ready for JSON."""


class Bridge(Hooks, Health, Lists, Pausing, Protocol):
    """Everything that the web side needs."""
