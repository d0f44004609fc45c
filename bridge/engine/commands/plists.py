"""The plist of an InstallApplication, built when it is sent.

Only here do the secret values of a configuration meet a command.
"""

from __future__ import annotations

from bridge.domain.installs.settings import WIPE, InstallSettings
from bridge.store.database import Connection
from bridge.store.desired import configurations
from bridge.wire import mdm_command


def write(db: Connection, command_uuid: str, adam_id: str, settings: str) -> bytes:
    """The plist with these settings (InstallSettings, as stored)."""
    carried = InstallSettings.from_text(settings)
    name = carried.configuration
    values = None if name is None else configurations.get(db, name if name != WIPE else None)
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
