"""Observations from a device's declarative status: which apps declarations manage on it."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.devices import declared_apps
from bridge.store.devices.declared_apps import Told
from bridge.store.installs import naming
from bridge.wire.declarative_status import DeclaredApp, managed_apps


def handle(
    context: Context, device: Device, message: Mapping[str, object] | None, stamp: float
) -> str:
    """Keep what a check-in of DeclarativeManagement says of apps, which its server got at `stamp`;
    returns in a few words what came of it."""
    if message is None:
        return "not a declarative status, no effect"
    status = message.get("Status")
    if not isinstance(status, Mapping):
        meta.count(context.db, "mdm.unreadable", context.now)
        return f"a declarative status that cannot be read: {message.get('StatusError')}"
    told = [_told(each) for each in managed_apps(status)]
    if not told:
        return "a declarative status without apps, no effect"
    news = declared_apps.store(context.db, device.id, told, stamp=stamp, now=context.now)
    if news and device.serial_number is not None:
        naming.touch_listed(context.db, device.serial_number, news, context.now)
    return f"a declarative status of {len(told)} apps, {len(news)} of them with news"


def _told(app: DeclaredApp) -> Told:
    version = app.external_version
    return Told(
        bundle_id=app.bundle_id,
        removed=app.removed,
        state=app.state,
        update_state=app.update_state,
        reason=app.reason,
        declaration=app.declaration,
        external_version=None if version is None else str(version),
    )
