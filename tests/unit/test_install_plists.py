"""From a wish and a device to the exact keys of the command, read with the standard library."""

import plistlib
from typing import Any

import pytest

from bridge.domain.installs.configuration import digest
from bridge.domain.installs.options import Options
from bridge.domain.installs.settings import InstallSettings, obstacle, to_send, wished
from bridge.domain.model import Device
from bridge.engine.commands import plists
from bridge.store.database import Database
from bridge.store.desired import configurations
from tests.unit.domain_kit import device
from tests.unit.store_kit import NOW, prune

VALUES = {"server": "https://example.org?a&b", "port": 8443, "ratio": 0.5, "on": True, "deep": [{}]}
NAME = digest(VALUES)

IPAD = device(product_name="iPad14,1", os_version="18.1")
MAC = device(product_name="Mac14,2", os_version="15.1")
TV = device(product_name="AppleTV14,1", os_version="18.1")
USERS_IPHONE = device(product_name="iPhone15,2", os_version="18.1", enrollment_id="E-1", udid=None)
USERS_MAC = device(product_name="Mac14,2", os_version="15.1", enrollment_id="E-2", udid=None)

REMOVABLE = {"Removable": False}
TAKEN_OVER = {"ChangeManagementState": "Managed"}
AS_MANAGED = {"InstallAsManaged": True}

TABLE: list[tuple[Device, dict[str, Any], dict[str, Any]]] = [
    (IPAD, {}, {"ManagementFlags": 1}),
    (IPAD, {"prevent_backup": True}, {"ManagementFlags": 5}),
    (IPAD, {"prevent_backup": True, "remove_with_profile": False}, {"ManagementFlags": 4}),
    (IPAD, {"remove_with_profile": False}, {}),
    (IPAD, {"managed": False}, {"ManagementFlags": 1}),
    (IPAD, {"take_over": True}, {"ManagementFlags": 1, **TAKEN_OVER}),
    (IPAD, {"configuration": NAME}, {"ManagementFlags": 1, "Configuration": VALUES}),
    (IPAD, {"attributes": REMOVABLE}, {"ManagementFlags": 1, "Attributes": REMOVABLE}),
    (TV, {"attributes": REMOVABLE}, {"ManagementFlags": 1, "Attributes": REMOVABLE}),
    (TV, {"take_over": True, "configuration": NAME},
     {"ManagementFlags": 1, "Configuration": VALUES, **TAKEN_OVER}),
    (MAC, {}, {"ManagementFlags": 1, **AS_MANAGED}),
    (MAC, {"remove_with_profile": False}, AS_MANAGED),
    (MAC, {"prevent_backup": True}, {"ManagementFlags": 5, **AS_MANAGED}),
    (MAC, {"managed": False, "prevent_backup": True}, {}),
    (MAC, {"take_over": True}, {"ManagementFlags": 1, **AS_MANAGED, **TAKEN_OVER}),
    (MAC, {"configuration": NAME}, {"ManagementFlags": 1, **AS_MANAGED, "Configuration": VALUES}),
    (USERS_IPHONE, {"take_over": True, "configuration": NAME},
     {"ManagementFlags": 1, "Configuration": VALUES}),
    (USERS_MAC, {"take_over": True, "prevent_backup": True}, {}),
]  # fmt: skip


def written(database: Database, settings: InstallSettings) -> dict[str, Any]:
    """The keys that settings add to the bare command."""
    with database.write() as db:
        configurations.keep(db, VALUES)
        plist = plists.write(db, "UUID-1", "361309726", settings.as_text())
    message = plistlib.loads(plist, fmt=plistlib.FMT_XML)
    assert message["CommandUUID"] == "UUID-1"
    command: dict[str, Any] = message["Command"]
    assert command.pop("RequestType") == "InstallApplication"
    assert command.pop("iTunesStoreID") == 361309726
    assert command.pop("Options") == {"PurchaseMethod": 1}
    return command


@pytest.mark.parametrize(
    ("target", "options", "keys"),
    [pytest.param(*row, id=f"{row[0].product_name}-{row[1]}"[:60]) for row in TABLE],
)
def test_each_platform_gets_what_apple_lets_it_have(
    database: Database, target: Device, options: dict[str, Any], keys: dict[str, Any]
) -> None:
    assert written(database, wished(Options(**options), target)) == keys


def test_an_app_for_ios_is_named_as_such_on_a_mac_alone(database: Database) -> None:
    on_mac = wished(Options(), MAC, is_ios_app=True)
    assert written(database, on_mac) == {"ManagementFlags": 1, **AS_MANAGED, "iOSApp": True}
    assert not on_mac.differs_for_the_app(wished(Options(), MAC))
    assert written(database, wished(Options(), IPAD, is_ios_app=True)) == {"ManagementFlags": 1}


def test_what_an_app_has_and_should_not_is_taken_away(database: Database) -> None:
    has = wished(Options(configuration=NAME, attributes=REMOVABLE), IPAD)
    gone = to_send(wished(Options(), IPAD), has)
    assert written(database, gone) == {"ManagementFlags": 1, "Configuration": {}, "Attributes": {}}
    assert not gone.differs_for_the_app(wished(Options(), IPAD))
    assert gone.differs_for_the_app(has)


def test_only_what_lasts_is_a_difference_for_an_app_that_is_there() -> None:
    plain = wished(Options(), IPAD)
    assert not plain.differs_for_the_app(wished(Options(take_over=True), IPAD))
    for changed in (
        Options(prevent_backup=True),
        Options(configuration=NAME),
        Options(attributes=REMOVABLE),
    ):
        assert plain.differs_for_the_app(wished(changed, IPAD))


@pytest.mark.parametrize("settings", [wished(Options(configuration=NAME), MAC), InstallSettings()])
def test_settings_are_read_back_as_they_were_written(settings: InstallSettings) -> None:
    assert InstallSettings.from_text(settings.as_text()) == settings


NOT_ON_MACS = "attributes.Removable does not exist on macOS"


@pytest.mark.parametrize(
    ("target", "options", "told"),
    [
        (IPAD, {"attributes": {"Hideable": False, "VPNUUID": "x"}}, None),
        (MAC, {"configuration": NAME, "take_over": True}, None),
        (MAC, {"attributes": REMOVABLE}, NOT_ON_MACS),
        (TV, {"attributes": {"Hideable": False}}, "attributes.Hideable does not exist on tvOS"),
        (
            device(os_version="17.10"),
            {"attributes": {"Hideable": False}},
            "attributes.Hideable needs iOS 18.1, and this is iOS 17.10",
        ),
        (device(os_version="18"), {"attributes": {"Hideable": False}}, "needs iOS 18.1"),
        (device(os_version="26.0.1"), {"attributes": {"Hideable": False}}, None),
        (device(os_version=None), {"attributes": {"Hideable": False}}, None),
        (device(product_name="iMac14,1", os_version="10.15.7"), {}, "managed needs macOS 11"),
        (device(product_name="iMac14,1", os_version="10.15.7"), {"managed": False}, None),
    ],
)
def test_what_apple_does_not_allow_is_said_by_its_key(
    target: Device, options: dict[str, Any], told: str | None
) -> None:
    found = obstacle(Options(**options), target)
    assert found is None if told is None else told in str(found)


def test_the_name_of_a_configuration_is_that_of_its_values() -> None:
    assert digest({}) is None
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest({"a": each}) for each in (1, 1.0, True, "1", [1])}) == 5


def test_values_are_forgotten_when_nothing_names_them(database: Database) -> None:
    with database.write() as db:
        configurations.keep(db, VALUES)
        prune(db, NOW)
        assert db.execute("SELECT count(*) FROM configurations").fetchone()[0] == 0
