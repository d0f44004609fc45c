"""Every kind of outside call, and who makes it."""

from __future__ import annotations

from bridge.config import Config
from bridge.engine.calls import Call, Clients
from bridge.engine.calls.assignments import ReadDevice, ReadRequest
from bridge.engine.calls.changes import ReadChanges
from bridge.engine.calls.claim import Claim
from bridge.engine.calls.devices import ReadDevices
from bridge.engine.calls.licences import EventStatus, Manage
from bridge.engine.calls.locations import (
    ReadAssets,
    ReadAssignments,
    ReadClientConfig,
    ReadLimits,
)
from bridge.engine.calls.mdm import LookAtQueue, Push, SendCommand
from bridge.engine.calls.metadata import ReadMetadata
from bridge.engine.calls.registering import Register
from bridge.store.database import Database


def make_calls(database: Database, clients: Clients, config: Config) -> dict[str, Call]:
    """Every kind of outbox row and who makes its call."""
    urls = {name: config.notification_url(name) for name in config.locations}
    return {
        "associate": Manage(database, clients),
        "disassociate": Manage(database, clients),
        "event_status": EventStatus(database, clients),
        "read_request": ReadRequest(database, clients),
        "read_device": ReadDevice(database, clients),
        "read_client_config": ReadClientConfig(database, clients, urls),
        "register": Register(database, clients, urls),
        "claim": Claim(database, clients, urls),
        "read_limits": ReadLimits(database, clients),
        "read_assets": ReadAssets(database, clients),
        "read_assignments": ReadAssignments(database, clients),
        "read_changes": ReadChanges(database, clients),
        "read_metadata": ReadMetadata(database, clients),
        "command": SendCommand(database, clients),
        "queue": LookAtQueue(database, clients),
        "push": Push(database, clients),
        "read_devices": ReadDevices(database, clients),
    }
