"""Whether the running engine knows the file as it is now."""

from __future__ import annotations

from bridge.config import Config, settings
from bridge.store.database import Database, EngineLock
from bridge.store.service import running


def needed(
    database: Database, lock: EngineLock, config: Config, *, with_keys: bool = True
) -> list[str]:
    """The parts of the file's `config` that the running engine was not started with.

    Empty while no engine runs: the next start reads the file. `with_keys` says that the keys in
    `config` were read. Raises StoreError.
    """
    if not lock.held():
        return []
    with database.read() as db:
        kept = running.settings(db)
    if kept is None:
        return []
    return settings.differing(settings.Digests(**kept), config, with_keys=with_keys)
