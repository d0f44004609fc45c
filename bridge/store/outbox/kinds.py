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

OF_REQUEST: Mapping[str, str] = {"ASSOCIATE": ASSOCIATE, "DISASSOCIATE": DISASSOCIATE}
"""By kind of request to Apple, the call that makes it."""
