"""What a command needs of the configuration: the rest may be wrong, or not be there at all.

A person must be able to pause everything while a list of serial numbers is being edited, and to
look at what is stored from a shell without the service's variables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

Need = Literal["database", "policy", "web", "mdm", "apple", "alerts", "desired"]

KEYS_OF: Mapping[Need, frozenset[str]] = {
    "database": frozenset(
        {
            "database",
            "database_file",
            "pool_size",
            "conn_max_lifetime",
            "conn_max_idle_time",
            "socket_timeout",
        }
    ),
    "policy": frozenset({"policy"}),
    "web": frozenset({"listen", "listen_outside", "public_url", "trusted_proxies", "api"}),
    "mdm": frozenset({"servers", "allow_http"}),
    "apple": frozenset({"locations", "subscriptions", "apple", "public_url", "allow_http"}),
    "alerts": frozenset({"alerts", "allow_http"}),
    "desired": frozenset({"groups", "apps", "users", "users_file"}),
}
"""The keys at the top of the file that each need is about."""

EVERYTHING: frozenset[Need] = frozenset(KEYS_OF)
WANTED: frozenset[Need] = frozenset({"desired"})
SETTINGS: frozenset[Need] = EVERYTHING - WANTED
"""All but what is desired of the bridge, which is in the database from an `apply` on."""


def concerns(key: str, needs: Collection[Need]) -> bool:
    """Whether a mistake at this dotted key matters to those needs.

    What belongs to no need (an unknown key, the whole file) matters to who needs all settings.
    """
    top = key.partition(".")[0]
    if not any(top in keys for keys in KEYS_OF.values()):
        return top == "" or set(needs) >= SETTINGS
    return any(top in KEYS_OF[need] for need in needs)
