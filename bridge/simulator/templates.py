"""Property lists as text: what devices send, and what MicroMDM makes of a JSON command.

Literal templates, so that the simulator shares no codec with the program that it tests. Keys and
their order follow Apple's device-management schema (mdm/checkin, mdm/commands).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol
from xml.sax.saxutils import escape

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" \
"http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
"""
_FOOT = """</dict>
</plist>
"""
TOPIC = "com.apple.mgmt.External.3a7c95f2-c214-4b53-a585-a553c2623e04"


class Identity(Protocol):
    """What a device says about itself."""

    udid: str
    serial_number: str
    product_name: str
    model: str
    os_version: str
    build: str
    name: str
    enrollment_id: str


def document(*parts: str) -> bytes:
    """An XML plist of one dictionary with these key-value lines."""
    return (_HEAD + "".join(parts) + _FOOT).encode()


def string(key: str, value: str) -> str:
    """A text member; nothing if the text is empty, as devices leave out what they do not tell."""
    return f"\t<key>{key}</key>\n\t<string>{escape(value)}</string>\n" if value else ""


def integer(key: str, value: int) -> str:
    """A number member."""
    return f"\t<key>{key}</key>\n\t<integer>{value}</integer>\n"


def boolean(key: str, value: bool) -> str:
    """A truth member."""
    return f"\t<key>{key}</key>\n\t<{'true' if value else 'false'}/>\n"


def data(key: str, value: bytes) -> str:
    """A bytes member."""
    return f"\t<key>{key}</key>\n\t<data>\n\t{base64.b64encode(value).decode()}\n\t</data>\n"


def strings(key: str, values: Iterable[str]) -> str:
    """A list of texts."""
    items = "".join(f"\t\t<string>{escape(value)}</string>\n" for value in values)
    return f"\t<key>{key}</key>\n\t<array>\n{items}\t</array>\n"


def dictionary(key: str, *parts: str) -> str:
    """A dictionary member."""
    return f"\t<key>{escape(key)}</key>\n\t<dict>\n{''.join(parts)}\t</dict>\n"


def dictionaries(key: str, items: Iterable[str]) -> str:
    """A list of dictionaries, each given as its lines."""
    inside = "".join(f"\t<dict>\n{lines}\t</dict>\n" for lines in items)
    return f"\t<key>{key}</key>\n\t<array>\n{inside}\t</array>\n"


def _who(device: Identity) -> str:
    """A user-enrolled device tells its enrolment id, and neither UDID nor serial number."""
    if device.enrollment_id:
        return string("EnrollmentID", device.enrollment_id)
    return string("UDID", device.udid)


def user(user_id: str) -> str:
    """The user channel's keys; the UDID is still the device's."""
    if not user_id:
        return ""
    return (
        string("UserID", user_id)
        + string("UserLongName", "Example User")
        + string("UserShortName", "user")
    )


def authenticate(device: Identity, *, with_serial: bool) -> bytes:
    """The first message of an enrolment. Source: Apple schema, mdm/checkin/authenticate.yaml."""
    return document(
        string("BuildVersion", device.build),
        data("Challenge", b"apple"),
        string("DeviceName", device.name),
        string("MessageType", "Authenticate"),
        string("Model", device.model),
        string("OSVersion", device.os_version),
        string("ProductName", device.product_name),
        string("SerialNumber", device.serial_number if with_serial else ""),
        string("Topic", TOPIC),
        _who(device),
    )


def token_update(
    device: Identity, token: bytes, magic: str, user_id: str = "", *, awaits: bool = False
) -> bytes:
    """The message after which a device can be pushed. It never carries the serial number."""
    return document(
        boolean("AwaitingConfiguration", awaits),
        string("MessageType", "TokenUpdate"),
        string("PushMagic", magic),
        data("Token", token),
        string("Topic", TOPIC),
        data("UnlockToken", b"unlock-" + token) if not user_id else "",
        _who(device),
        user(user_id),
    )


def check_out(device: Identity) -> bytes:
    """The device leaves the management."""
    return document(string("MessageType", "CheckOut"), string("Topic", TOPIC), _who(device))


def set_bootstrap_token(device: Identity, token: bytes) -> bytes:
    """A Mac escrows its bootstrap token: a secret that nobody else should keep."""
    return document(
        boolean("AwaitingConfiguration", False),
        data("BootstrapToken", token),
        string("MessageType", "SetBootstrapToken"),
        string("Topic", TOPIC),
        _who(device),
    )


def declarative_status(device: Identity, report: bytes) -> bytes:
    """A status report of declarative management, which is JSON. Source: Apple schema,
    mdm/checkin/declarativemanagement.yaml."""
    return document(
        data("Data", report),
        string("Endpoint", "status"),
        string("MessageType", "DeclarativeManagement"),
        _who(device),
    )


def idle(device: Identity, user_id: str = "") -> bytes:
    """The device asks for commands."""
    return document(string("Status", "Idle"), _who(device), user(user_id))


def answer(device: Identity, command_uuid: str, status: str, *parts: str) -> bytes:
    """The device answers a command; `parts` are the members that the command asks for."""
    return document(
        string("CommandUUID", command_uuid), *parts, string("Status", status), _who(device)
    )


def error_chain(domain: str, code: int, text: str) -> str:
    """Why a command failed. Source: Apple, archived MDM Protocol Reference."""
    return dictionaries(
        "ErrorChain",
        [
            integer("ErrorCode", code)
            + string("ErrorDomain", domain)
            + string("LocalizedDescription", text)
            + string("USEnglishDescription", text)
        ],
    )


def managed_application_list(
    apps: Mapping[str, tuple[str, int]], versions: Mapping[str, int] = MappingProxyType({})
) -> str:
    """The list of managed apps: bundle id to (Status, ManagementFlags), and to Apple's number of
    its version."""
    return dictionary(
        "ManagedApplicationList",
        *(
            dictionary(
                bundle_id,
                boolean("HasConfiguration", False),
                boolean("HasFeedback", False),
                boolean("IsValidated", True),
                integer("ManagementFlags", flags),
                string("Status", status),
                *(
                    [integer("ExternalVersionIdentifier", versions[bundle_id])]
                    if bundle_id in versions
                    else []
                ),
            )
            for bundle_id, (status, flags) in apps.items()
        ),
    )


def managed_media_list(books: Mapping[str, str]) -> str:
    """The list of managed books: adam id to State."""
    return dictionaries(
        "Books",
        [
            integer("iTunesStoreID", int(adam_id)) + string("State", state)
            for adam_id, state in books.items()
        ],
    )


def installed_application_list(
    apps: Mapping[str, tuple[str, bool, str]], outdated: Mapping[str, bool] = MappingProxyType({})
) -> str:
    """All apps on the device: bundle id to (name, still installing, version), and to whether the
    device knows of a newer version."""
    return dictionaries(
        "InstalledApplicationList",
        [
            string("Identifier", bundle_id)
            + string("Name", name)
            + string("ShortVersion", version)
            + string("Version", version)
            + integer("BundleSize", 1048576)
            + boolean("Installing", installing)
            + (boolean("HasUpdateAvailable", outdated[bundle_id]) if bundle_id in outdated else "")
            for bundle_id, (name, installing, version) in apps.items()
        ],
    )


def command(command_uuid: str, request_type: str, *parts: str) -> bytes:
    """A command as MicroMDM writes it from the JSON form."""
    return document(
        dictionary("Command", string("RequestType", request_type), *parts),
        string("CommandUUID", command_uuid),
    )
