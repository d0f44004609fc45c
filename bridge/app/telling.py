"""Sending the receivers of alerts a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

from bridge.app.opened import Opened
from bridge.engine.client_pool import ClientPool, Transports
from bridge.errors import CallError
from bridge.store import meta


class Tried(TypedDict):
    """What came of a test of one receiver."""

    receiver: str
    ok: bool
    answer: str


class Telling(Opened):
    """What is sent to receivers of alerts because a person asks for it."""

    def test_receivers(
        self, names: Sequence[str], transports: Transports | None = None
    ) -> list[Tried]:
        """Send each of these receivers a message that says it is a test."""
        return list(self._tests(names, transports))

    def _tests(self, names: Sequence[str], transports: Transports | None) -> Iterator[Tried]:
        with self.database.read() as db:
            bridge = meta.recall(db, "instance_id") or ""
        clients = ClientPool(self.config, self.clock, transports or Transports())
        for name in names:
            try:
                answer = clients.test(name, bridge, self.now())
            except CallError as error:
                yield Tried(receiver=name, ok=False, answer=str(error))
            else:
                yield Tried(receiver=name, ok=True, answer=answer)
