"""The plist of an InstallApplication: what many have in common is written once."""

from __future__ import annotations

import pytest

from bridge.domain.installs.settings import InstallSettings
from bridge.engine.commands import plists
from bridge.store.database import Connection
from bridge.wire import mdm_command

A, B = "0F1C9E5A-1111-4000-8000-000000000001", "0f1c9e5a-2222-4000-8000-000000000002"


def written(db: Connection, command_uuid: str, settings: InstallSettings) -> bytes:
    return plists.write(db, command_uuid, "361309726", settings.as_text())


@pytest.mark.parametrize(
    "attributes",
    [None, {}, {"VPNUUID": plists._COMMAND_UUID}, {"Removable": False, "VPNUUID": A}],
    ids=["none", "empty", "what stands for the CommandUUID", "another UUID"],
)
def test_commands_for_one_app_differ_in_their_uuid_alone(
    db: Connection, attributes: dict[str, object] | None
) -> None:
    settings = InstallSettings(management_flags=1, attributes=attributes)
    for command_uuid in (A, B, A):
        assert written(db, command_uuid, settings) == mdm_command.install_application(
            command_uuid, "361309726", management_flags=1, attributes=attributes
        )


def test_other_settings_and_other_apps_have_other_plists(db: Connection) -> None:
    of_a_mac = InstallSettings(install_as_managed=True, ios_app=True)
    assert b"iOSApp" in written(db, A, of_a_mac)
    assert b"iOSApp" not in written(db, A, InstallSettings(management_flags=1))
    assert b"<integer>361309727<" in plists.write(db, A, "361309727", of_a_mac.as_text())


def test_what_takes_a_configuration_away_is_no_command_without_one(db: Connection) -> None:
    assert b"<key>Configuration</key>" in written(db, A, InstallSettings(configuration=""))
    assert b"<key>Configuration</key>" not in written(db, A, InstallSettings())
