"""The commands of the comparison programs, as the bridge writes them."""

from __future__ import annotations

import uuid

from bridge.simulator import templates


def install(number: int) -> str:
    """An InstallApplication as the bridge posts it."""
    return templates.command(
        str(uuid.uuid4()),
        "InstallApplication",
        templates.boolean("InstallAsManaged", True),
        templates.integer("ManagementFlags", 1),
        templates.dictionary("Options", templates.integer("PurchaseMethod", 1)),
        templates.integer("iTunesStoreID", 300000000 + number % 25),
    ).decode()
