"""New versions, as people and programs see them."""

from __future__ import annotations

from typing import Annotated, TypedDict


class PlannedUpdate(TypedDict):
    """Devices that wait for the newest version of an app."""

    adam_id: Annotated[str, "The app's number in the App Store."]
    name: Annotated[str | None, "What the app is called, where that is known."]
    version: Annotated[str, "The newest version."]
    family: Annotated[str, "The family of devices, like ipad."]
    storefront: Annotated[str, "The country in whose store it was found."]
    ring: Annotated[str, "The ring: a group, or the rest."]
    devices: Annotated[int, "How many devices wait."]
    window: Annotated[str, "In which hours they may be sent it."]
    time_zone: Annotated[str, "By whose clock."]
    opens_at: Annotated[str | None, "From when on they may; null where that is not known yet."]
    opens_there: Annotated[str | None, "The same by the devices' clock, for people."]
    waits_for: Annotated[str | None, "What holds them up, if anything does."]


class AskedUpdates(TypedDict):
    """What came of asking for the newest version of an app."""

    asked: Annotated[int, "How many devices will be sent it."]
