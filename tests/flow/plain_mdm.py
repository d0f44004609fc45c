"""The flows' other MDM server: without a queue view, without a list of devices.

`tools/test --mdm=plain tests/flow` runs every flow on it; tests/flow/plain a few of them always.
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from bridge.clients.mdm import adapters
from bridge.clients.mdm.micromdm import MicroMdm
from bridge.clients.mdm.port import Abilities
from tests.flow.scene import Scene


class PlainMdm(MicroMdm):
    """MicroMDM's paths, and no more abilities than `MdmSettings.plain` of the simulator has."""

    abilities: ClassVar = Abilities(
        queue_view=False,
        device_list=False,
        stores_before_reply=True,
        pushes_on_enqueue=True,
        repeats_are_refused=True,
        words=MicroMdm.abilities.words,
    )

    def try_key(self) -> None:
        """It has no path that may be read with its key."""


def use(patch: pytest.MonkeyPatch) -> None:
    """From here on every scene has such a server, and it is the only kind that is known."""
    patch.setattr(Scene, "plain", True)
    patch.setitem(adapters.ADAPTERS, "micromdm", PlainMdm)
