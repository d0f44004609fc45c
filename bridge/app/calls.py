"""Every kind of outside call, ready to be made."""

from __future__ import annotations

from bridge.config import Config
from bridge.engine.calls import Call, Clients, registry
from bridge.store.database import Database


def make_calls(database: Database, clients: Clients, config: Config) -> dict[str, Call]:
    """By kind of outbox row, who makes its call."""
    urls = {name: config.notification_url(name) for name in config.locations}
    return {kind: made(database, clients, urls) for kind, made in registry.classes().items()}
