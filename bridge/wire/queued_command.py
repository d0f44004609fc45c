"""Commands in an MDM server's queue, whoever put them there: what they would do to which app.

Of another tool's command nothing else is read, since it may carry its secrets. Source: Apple,
device-management schema, mdm/commands/application.install.yaml, application.remove.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import PlistError
from bridge.wire import plist

_OF_APPS = ("InstallApplication", "RemoveApplication")


@dataclass(frozen=True, slots=True)
class AppCommand:
    """A command that installs or removes an app, by its number in the App Store or bundle id."""

    request_type: str
    adam_id: str | None = None
    bundle_id: str | None = None


def app_command(payload: bytes) -> AppCommand | None:
    """What a queued command would do to an app; None for one that is about none, or unreadable."""
    try:
        value = plist.loads(payload)
    except PlistError:
        return None
    command = value.get("Command") if isinstance(value, dict) else None
    request_type = command.get("RequestType") if isinstance(command, dict) else None
    if not isinstance(command, dict) or request_type not in _OF_APPS:
        return None
    adam_id, bundle_id = command.get("iTunesStoreID"), command.get("Identifier")
    is_number = isinstance(adam_id, int) and not isinstance(adam_id, bool) and adam_id > 0
    return AppCommand(
        str(request_type),
        str(adam_id) if is_number else None,
        bundle_id if isinstance(bundle_id, str) else None,
    )
