"""docs/drift.md: the kinds of what disagrees."""

from __future__ import annotations

from bridge.domain.drift.kinds import MEANINGS


def as_markdown() -> str:
    """docs/drift.md: every kind, what it means, where it comes from, and what mends it."""
    lines = [
        "# Drift",
        "",
        "`vpp-bridge drift` compares four facts for each app on each device: whether it is wanted,",
        "licensed at Apple, in a queue at an MDM server, and on the device. What is on its way, or",
        "waits for something that is known (no seat, not enrolled), is no drift; `installs` tells",
        "of it. The exit code is 1 where something of ours disagrees. What people and other tools",
        "assigned is listed with `--foreign` alone, and does not count.",
        "",
        "A bridge that has not read Apple's assignments, or a server's devices, says so and exits",
        "with 1. It judges nothing by what it does not know.",
        "",
        "| kind | means | comes from | mend |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{kind}` | {m.means} | {m.comes_from} | {m.mend} |" for kind, m in MEANINGS.items()
    ]
    lines += [
        "",
        "Of each are told `wanted`, `licensed`, `queued`, `on_device`, since when (`since`), the",
        "evidence (`cause`) and the command that mends it (`mend`). Commands for apps that are not",
        "the bridge's are seen where it looks at a device's queue anyway, as MicroMDM allows.",
    ]
    return "\n".join(lines) + "\n"
