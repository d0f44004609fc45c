"""The plist of an InstallApplication, built when it is sent.

Only here do the secret values of a configuration meet a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from bridge.domain.installs.settings import WIPE, InstallSettings
from bridge.store.database import Connection
from bridge.store.desired import configurations
from bridge.wire import mdm_command

_COMMAND_UUID = "THE-COMMANDS-OWN-UUID"
"""Stands for it in what commands have in common; it is the last text of a command."""


def write(db: Connection, command_uuid: str, adam_id: str, settings: str) -> bytes:
    """The plist with these settings (InstallSettings, as stored).

    Without a configuration, the commands for one app differ in their CommandUUID alone: a fleet has
    few others, and to write each anew costs a tenth of posting it. Values of a configuration are
    kept by nobody.
    """
    name = InstallSettings.from_text(settings).configuration
    if name is None:
        before, after = _in_common(adam_id, settings)
        return before + command_uuid.encode("ascii") + after
    values = configurations.get(db, name if name != WIPE else None)
    return _written(command_uuid, adam_id, settings, values)


@lru_cache(maxsize=1024)
def _in_common(adam_id: str, settings: str) -> tuple[bytes, bytes]:
    before, _, after = _written(_COMMAND_UUID, adam_id, settings).rpartition(_COMMAND_UUID.encode())
    return before, after


def _written(
    command_uuid: str, adam_id: str, settings: str, values: Mapping[str, object] | None = None
) -> bytes:
    carried = InstallSettings.from_text(settings)
    return mdm_command.install_application(
        command_uuid,
        adam_id,
        management_flags=carried.management_flags,
        change_management_state="Managed" if carried.take_over else None,
        configuration=values,
        attributes=carried.attributes,
        install_as_managed=carried.install_as_managed,
        ios_app=carried.ios_app,
    )
