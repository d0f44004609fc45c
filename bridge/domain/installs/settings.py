"""What an InstallApplication carries beside the app, by what is wished and what the device is.

Source of every rule: Apple, device-management schema, mdm/commands/application.install.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from bridge.domain.desired.versions import fulfils
from bridge.domain.devices.platforms import platform_of
from bridge.domain.installs.attributes import ATTRIBUTES
from bridge.domain.installs.options import Options
from bridge.domain.installs.text import as_text
from bridge.domain.model import Device

REMOVE_WITH_PROFILE: Final = 1
PREVENT_BACKUP: Final = 4
WIPE: Final = ""
"""As `configuration`: an empty dictionary is sent, which takes away what was sent before."""

_MANAGED_ON_MACS_SINCE = "11"


@dataclass(frozen=True, slots=True)
class InstallSettings:
    """The settings of one command, fixed when its CommandUUID is drawn.

    `configuration` is a digest (or WIPE), since its values are secrets. None for `configuration`
    and `attributes` leaves the key out; no attributes, `{}`, take away those sent before.
    """

    management_flags: int | None = None
    take_over: bool = False
    install_as_managed: bool = False
    ios_app: bool = False
    configuration: str | None = None
    attributes: Mapping[str, Any] | None = field(default=None, hash=False)
    for_user: bool = False
    """Whether it is sent so that an app which had its device's licence takes its user's."""

    @lru_cache(maxsize=1024)  # noqa: B019 - few different ones, and small
    def as_text(self) -> str:
        """The stored form; equal settings give equal text."""
        return as_text(self)

    @classmethod
    @lru_cache(maxsize=1024)
    def from_text(cls, text: str) -> InstallSettings:
        """Read what `as_text` wrote; a fleet has few different ones."""
        return cls(**json.loads(text))

    def differs_for_the_app(self, other: InstallSettings) -> bool:
        """Whether an app that has `other` must be told: what is only about getting it is left
        aside, and a key left out and one that takes away come to the same."""
        is_new_holder = self.for_user and not other.for_user
        return is_new_holder or self._lasting() != other._lasting()

    def _lasting(self) -> tuple[object, ...]:
        return (
            self.management_flags,
            self.install_as_managed,
            self.configuration or None,
            self.attributes or None,
        )


def wished(options: Options, device: Device, *, is_ios_app: bool = False) -> InstallSettings:
    """The settings that the wish means on this device, for an app that Apple has for iOS or not.

    On a Mac, flags and taking over need InstallAsManaged; a user-enrolled device takes no copy
    over, and a user-enrolled Mac has neither flags nor managed apps.
    """
    return _wished(options, device.is_mac, device.enrollment_id is not None, is_ios_app)


@lru_cache(maxsize=1024)
def _wished(
    options: Options, is_mac: bool, user_enrolled: bool, is_ios_app: bool
) -> InstallSettings:
    """The same by all that it depends on, of which a fleet has few different ones."""
    managed_mac = is_mac and options.managed and not user_enrolled
    as_managed = managed_mac or not is_mac
    flags = (REMOVE_WITH_PROFILE if options.remove_with_profile else 0) + (
        PREVENT_BACKUP if options.prevent_backup else 0
    )
    return InstallSettings(
        management_flags=(flags or None) if as_managed else None,
        take_over=options.take_over and as_managed and not user_enrolled,
        install_as_managed=managed_mac,
        ios_app=is_mac and is_ios_app,
        configuration=options.configuration,
        attributes=dict(options.attributes) or None,
    )


def to_send(wish: InstallSettings, has: InstallSettings) -> InstallSettings:
    """`wish`, for an app that has other settings: what it has and should not is taken away.

    A key that is left out leaves the app as it is (the schema calls both the *initial* ones).
    """
    if wish.configuration is None and has.configuration:
        wish = replace(wish, configuration=WIPE)
    if wish.attributes is None and has.attributes:
        wish = replace(wish, attributes={})
    return wish


def obstacle(options: Options, device: Device) -> str | None:
    """Why Apple's schema forbids this wish on this device, by the key's name; None if it may go.

    A platform or version that nobody said is given the benefit of the doubt.
    """
    version, platform = device.os_version or "", platform_of(device.product_name)
    if device.is_mac and options.managed and fulfils(version, f"<{_MANAGED_ON_MACS_SINCE}"):
        return f"managed needs macOS 11, and this is {version}; write managed: false"
    if platform is None:
        return None
    for name in options.attributes:
        since = ATTRIBUTES[name].since.get(platform)
        if since is None:
            return f"attributes.{name} does not exist on {platform}"
        if fulfils(version, f"<{since}"):
            return f"attributes.{name} needs {platform} {since}, and this is {platform} {version}"
    return None
