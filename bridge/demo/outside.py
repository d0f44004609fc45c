"""What a demonstration puts around the bridge: Apple, an MDM server, and devices that enrol."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from bridge.errors import BridgeError
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault, demo_faults
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.simulator.mdm.real_nano import Program, RealNano
from bridge.simulator.serve import Running, run
from bridge.simulator.world import World, build_world

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "micromdm": ("micromdm", "scepclient"),
    "nanomdm": ("nanomdm",),
    "nanohub": ("nanohub",),
}
"""What a demonstration with a real MDM server of each kind runs."""

_NAMES = {"micromdm": "MicroMDM", "nanomdm": "NanoMDM", "nanohub": "NanoHUB"}
ENROL_WITHIN = 6.0
"""Seconds in which the second half of the devices enrols, one by one."""

_INSTALL_TIME = 2.5
_PROCESS_DELAY = 1.0
_NOTIFY_DELAY = 0.5
_POLL_EVERY = (0.4, 0.6)
_ENROL_AGAIN = 1.0


class Outside:
    """A simulated world on loopback ports. Half of its devices are enrolled from the start."""

    mdm_name = "MDM server, simulated,"
    mdm_kind = "micromdm"

    def __init__(self, devices: int, apps: int, seed: int, *, faults: bool) -> None:
        self.world: World = build_world(
            devices,
            apps,
            seed,
            clock=time.time,
            enrol=False,
            install_time=_INSTALL_TIME,
            faults=self._faults(seed) if faults else (),
            apple=AppleSettings(
                process_delay=_PROCESS_DELAY,
                notifications=NotificationSettings(delay=_NOTIFY_DELAY),
            ),
        )
        self.enrolled_at: dict[str, float] = {}
        self._at_first, self._later = self.world.devices[::2], self.world.devices[1::2]
        self._running: Running | None = None

    @property
    def later(self) -> int:
        """How many devices enrol when the bridge runs."""
        return len(self._later)

    @property
    def app_names(self) -> dict[str, str]:
        """The apps' names by adam id."""
        return {adam_id: name for adam_id, (_, name) in self.world.catalogue.items()}

    @property
    def mdm_api_key(self) -> str:
        """The key of the MDM server's API."""
        return self.world.mdm.settings.api_key

    @property
    def apple_url(self) -> str:
        """The simulated Apple's address."""
        return self._served.apple_url

    @property
    def mdm_url(self) -> str:
        """The MDM server's address."""
        return self._served.mdm_url

    @property
    def _served(self) -> Running:
        if self._running is None:
            raise BridgeError("the simulated services do not run")
        return self._running

    def start(self, directory: Path, webhook_url: str) -> None:
        """Open the ports, and enrol the first half of the devices; nobody hears of these."""
        with self.world.lock:
            for device in self._at_first:
                self.enrol(device)
            self.world.mdm.webhook.url = webhook_url
        self._running = run(self.world)

    def enrol_the_others(self) -> None:
        """Let the second half of the devices enrol within a few seconds."""
        with self.world.lock:
            for device in self._later:
                wait = self.world.kernel.random.uniform(0.0, ENROL_WITHIN)
                self.world.kernel.after(wait, partial(self.enrol, device))

    def enrol(self, device: Device) -> None:
        """Enrol one device; the world's lock is held."""
        self.enrolled_at[device.serial_number] = self.world.now
        device.enrol()

    def stop(self) -> None:
        """Close the ports."""
        if self._running is not None:
            self._running.stop()

    def _faults(self, seed: int) -> Iterable[Fault]:
        return demo_faults(seed)


class OutsideWithRealMdm(Outside):
    """The same with a real MDM server of this kind. It has no push certificate, so the devices come
    by themselves.

    Its devices talk to it while they hold the world's lock: it never waits for anybody who needs
    that, and a device's state is in the hands of one thread at a time.
    """

    def __init__(self, devices: int, apps: int, seed: int, *, faults: bool, kind: str) -> None:
        super().__init__(devices, apps, seed, faults=faults)
        self.mdm_kind = kind
        self.mdm_name = f"{_NAMES[kind]}, a real one,"
        self._mdm: RealMicroMdm | RealNano | None = None

    @property
    def mdm_url(self) -> str:
        """The MDM server's address."""
        if self._mdm is None:
            raise BridgeError(f"{self.mdm_kind} does not run")
        return self._mdm.url

    def start(self, directory: Path, webhook_url: str) -> None:
        """Start the MDM server and the rest."""
        directory.mkdir()
        if self.mdm_kind == "micromdm":
            self._mdm = RealMicroMdm(directory, webhook_url, self.mdm_api_key)
        else:
            program: Program = "nanohub" if self.mdm_kind == "nanohub" else "nanomdm"
            self._mdm = RealNano(directory, webhook_url, self.mdm_api_key, program)
        self._mdm.start()
        for device in self.world.devices:
            device.transport = self._mdm.transport
        super().start(directory, webhook_url)

    def enrol(self, device: Device) -> None:
        """Enrol one device, which connects every now and then ever after."""
        self.enrolled_at[device.serial_number] = self.world.now
        if self._reach(device.enrol):
            self._live(device)
        else:
            self.world.kernel.after(_ENROL_AGAIN, lambda: self.enrol(device))

    def _live(self, device: Device) -> None:
        self._reach(device.connect)
        wait = self.world.kernel.random.uniform(*_POLL_EVERY)
        self.world.kernel.after(wait, lambda: self._live(device))

    def _reach(self, talk: Callable[[], object]) -> bool:
        """Whether the server could be reached; as any device, ours try again if not."""
        try:
            talk()
        except (OSError, http.client.HTTPException):
            return False
        return True

    def stop(self) -> None:
        """Close the ports, then end the MDM server."""
        try:
            super().stop()
        finally:
            if self._mdm is not None:
                self._mdm.stop()

    def _faults(self, seed: int) -> Iterable[Fault]:
        return [f for f in demo_faults(seed) if f.where == "device" or f.where.startswith("apple.")]


def missing_for(kind: str) -> list[str]:
    """What a demonstration with a real MDM server of this kind needs and cannot find."""
    missing = [f"`{name}` on PATH" for name in PROGRAMS[kind] if shutil.which(name) is None]
    if importlib.util.find_spec("cryptography") is None:
        missing.append("the extra real (pip install 'micromdm-vpp-bridge[real]')")
    return missing
