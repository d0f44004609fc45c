"""Setup Assistant on a simulated device: from its enrolment until it is released.

Source: Apple schema, mdm/checkin/tokenupdate.yaml (AwaitingConfiguration),
mdm/commands/device.configured.yaml and application.install.yaml; Apple, "Return to Service".
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.simulator.devices.apps import Apps

BUSY = "NotNow"


@dataclass
class SetupAssistant:
    """Where a device is with it. `awaits` is whether it waits for DeviceConfigured, and `preserves`
    whether it kept its apps over the enrolment; then it is busy until `busy_until` (epoch seconds)
    after its release, and answers NotNow to everything."""

    awaits: bool = False
    preserves: bool = False
    busy_until: float = 0.0

    def begin(self, apps: Apps, now: float, *, preserves: bool) -> None:
        """The device enrols, and waits. Apps that it `preserves` are lost unless sent anew."""
        self.awaits, self.preserves, self.busy_until = True, preserves, 0.0
        if preserves:
            apps.doubt(now)

    def release(self, apps: Apps, now: float) -> None:
        """DeviceConfigured came: the device goes on, without the apps that were not sent to it."""
        self.awaits = False
        if self.preserves:
            self.busy_until = apps.drop_unsent(now)

    def puts_off(self, request_type: str, platform: str, version: str, *, supervised: bool) -> bool:
        """Whether it answers NotNow to an install, as the unsupervised do here, and iOS and tvOS
        before 16."""
        if not self.awaits or request_type != "InstallApplication":
            return False
        is_old = platform in ("iOS", "tvOS") and int(version.split(".", maxsplit=1)[0]) < 16
        return is_old or not supervised
