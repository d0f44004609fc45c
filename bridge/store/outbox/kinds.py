"""The kinds of calls that are intended by what their classes stand on; others say their own.

A call's class takes its `kind` from here, so that each is written once.
"""

from __future__ import annotations

from collections.abc import Mapping

ASSOCIATE = "associate"
DISASSOCIATE = "disassociate"
READ_DEVICE = "read_device"
COMMAND = "command"
QUEUE = "queue"
RELEASE = "device_configured"
CREATE_USERS = "create_users"
UPDATE_USERS = "update_users"
RETIRE_USERS = "retire_users"
READ_SOME_USERS = "read_some_users"

OF_REQUEST: Mapping[str, str] = {
    "ASSOCIATE": ASSOCIATE,
    "DISASSOCIATE": DISASSOCIATE,
    "CREATE": CREATE_USERS,
    "UPDATE": UPDATE_USERS,
    "RETIRE": RETIRE_USERS,
}
"""By kind of request to Apple, the call that makes it."""
