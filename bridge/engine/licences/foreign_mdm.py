"""Which other MDM holds a location, read off Apple's client configuration.

Apple enforces nothing: an mdmInfo with an id that is not ours, or without any mdmInfo a
notification URL that is not ours, is all there is to see of somebody else (Apple, "Getting
Started with the Management API").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from bridge.clients.apple.replies import ClientConfig, MdmInfo

EARLIER_COPY = "an earlier copy of this bridge"
"""Who holds a location under an id that this bridge had before it was restored from a backup."""


@dataclass(frozen=True, slots=True)
class ForeignMdm:
    """Another MDM. `mdm_id` is None when only its notification URL is to be seen."""

    mdm_id: str | None
    name: str
    metadata: str
    notification_url: str | None

    @property
    def title(self) -> str:
        """What people call it, on one line; never empty."""
        known = (self.name, self.mdm_id, self.metadata, self.notification_url)
        return next((text for each in known if (text := _plain(each))), "unknown")

    @property
    def shown(self) -> str:
        """By what it shows."""
        if self.mdm_id is None:
            return f"its notifications go to {self.notification_url}"
        return f"Apple names {self.title}"

    def shown_to(self, former: Collection[str]) -> str:
        """The same to a bridge that had these ids before it was restored."""
        return EARLIER_COPY if self.mdm_id in former else self.shown

    def is_same(self, other: ForeignMdm) -> bool:
        """Whether it is the same MDM, whatever it changed about itself."""
        if self.mdm_id is None:
            return other.mdm_id is None and self.notification_url == other.notification_url
        return self.mdm_id == other.mdm_id


def of_config(
    config: ClientConfig, ours: str, our_urls: Collection[str | None]
) -> ForeignMdm | None:
    """The other MDM that holds the location; `ours` is our own mdmInfo id."""
    info, url = config.envelope.mdm_info, config.notification_url
    if info is not None:
        return None if info.id == ours else of_info(info, url)
    if not url or url in our_urls:
        return None
    return ForeignMdm(None, "", "", url)


def as_known(config: ClientConfig, ours: str, *, is_ours: bool) -> ClientConfig:
    """`config`, with us as the MDM where its id cannot be read and the location `is_ours`: that
    shows no other. On a location that is not, whoever cannot be read is somebody else."""
    info = config.envelope.mdm_info
    if info is None or info.id or not is_ours:
        return config
    return replace(config, envelope=replace(config.envelope, mdm_info=replace(info, id=ours)))


def of_info(info: MdmInfo, notification_url: str | None = None) -> ForeignMdm:
    """The MDM that an mdmInfo names."""
    return ForeignMdm(info.id, info.name, info.metadata, notification_url)


def _plain(text: str | None) -> str:
    return "".join(c if c.isprintable() else " " for c in text or "").strip()
