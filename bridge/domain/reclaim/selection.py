"""What a person wants given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Licences that nobody wants (`unwanted`), those of devices that are not enrolled any more, and
    those of devices silent for so many seconds; of these devices and apps alone, where some are
    named. Devices or apps without a word about which licences mean those that nobody wants."""

    unwanted: bool = False
    unenrolled: bool = False
    silent: float | None = None
    targets: Sequence[str] = ()
    adam_ids: Sequence[str] = ()

    @property
    def is_of_devices(self) -> bool:
        """Whether it goes by what became of devices."""
        return self.unenrolled or self.silent is not None

    @property
    def is_of_unwanted(self) -> bool:
        """Whether it means what nobody wants."""
        return self.unwanted or not self.is_of_devices

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing of what to give back."""
        return not (self.unwanted or self.is_of_devices or self.targets or self.adam_ids)
