"""Which answers MicroMDM reads at all. Source: MicroMDM 1.13.1, mdm/mdm.go, tried with a real one.

It decodes the members that it looks for into types of Go: of another type they make the whole
answer an error. The device gets 500, no webhook is posted, and the command stays in the queue.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.simulator.plists import Value

_TEXTS = ("UDID", "EnrollmentID", "UserID", "Status", "CommandUUID", "RequestType")
_CHAIN_TEXTS = ("ErrorDomain", "LocalizedDescription", "USEnglishDescription")


def is_readable(values: Mapping[str, Value]) -> bool:
    """Whether the members that MicroMDM looks for are of its types, where they are there."""
    chain = values.get("ErrorChain", [])
    return (
        all(isinstance(values.get(name, ""), str) for name in _TEXTS)
        and isinstance(chain, list)
        and all(isinstance(entry, dict) and _is_readable_entry(entry) for entry in chain)
    )


def _is_readable_entry(entry: Mapping[str, Value]) -> bool:
    code = entry.get("ErrorCode", 0)
    texts_are = all(isinstance(entry.get(name, ""), str) for name in _CHAIN_TEXTS)
    return texts_are and isinstance(code, int) and not isinstance(code, bool)
