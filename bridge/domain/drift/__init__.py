"""What disagrees: what is wanted, licensed at Apple, queued at an MDM server and on the device.

One comparison of four facts for each app on each device, and nothing else: what is on its way, or
waits for something that is known, is no drift. Whose turn that is says `installs`.
"""

from bridge.domain.drift.kinds import DRIFT_KINDS, DriftKind
from bridge.domain.drift.records import Around, Drift, HeldLicence
from bridge.domain.drift.rules import of_install, of_licence, queue_unknown, two_servers

__all__ = [
    "DRIFT_KINDS",
    "Around",
    "Drift",
    "DriftKind",
    "HeldLicence",
    "of_install",
    "of_licence",
    "queue_unknown",
    "two_servers",
]
