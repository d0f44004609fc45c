"""Which commands there are.

A new command is one line in `COMMANDS`, which also says what it needs of the configuration, and a
module with a click command in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bridge.config import Need
    from bridge.domain.audit import Action

Needs = tuple["Need", ...]
OnNoDatabase = Literal["makes", "needs", "scratch"]


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is (module:attribute), its line in the list of commands, and what it needs of
    the configuration: mistakes in the rest do not stop it. What it only `looks` at it tells."""

    place: str
    summary: str
    needs: Needs
    looks: Needs = ()


NOTHING: Needs = ()
COPY: Needs = ("database",)
"""To copy the database, nobody needs to know what it is for."""
STORED: Needs = ("database", "policy")
"""What is stored can be looked at, and changed, without any key, token or list."""
APPLE: Needs = (*STORED, "apple")
MDM: Needs = (*STORED, "mdm")
OUTSIDE: Needs = (*STORED, "apple", "mdm")
SETTINGS: Needs = (*OUTSIDE, "web", "alerts")
EVERYTHING: Needs = (*SETTINGS, "desired")

COMMANDS: Mapping[str, Command] = {
    "init": Command(
        "bridge.cli.service.init:init", "Ask for what is needed, test it, write the files.", NOTHING
    ),
    "serve": Command(
        "bridge.cli.service.serve:serve",
        "Run the bridge: hooks, API and engine.",
        SETTINGS,
        ("desired",),
    ),
    "doctor": Command(
        "bridge.cli.insight.doctor:doctor",
        "Test everything, and say what to mend.",
        SETTINGS,
        ("desired",),
    ),
    "bundle": Command(
        "bridge.cli.insight.bundle:bundle",
        "Write a support file, without keys and names.",
        SETTINGS,
        ("desired",),
    ),
    "plan": Command(
        "bridge.cli.desired.plan:plan", "Show what an apply would change and cost.", EVERYTHING
    ),
    "apply": Command(
        "bridge.cli.desired.apply:apply",
        "Store what the file wants, after showing the change.",
        EVERYTHING,
    ),
    "assign": Command(
        "bridge.cli.desired.assign:assign", "Wish for an app on devices, beside the file.", STORED
    ),
    "unassign": Command("bridge.cli.desired.assign:unassign", "Withdraw one-off wishes.", STORED),
    "reclaim": Command(
        "bridge.cli.desired.reclaim:reclaim", "Give back licences that are of no use.", STORED
    ),
    "replace": Command(
        "bridge.cli.desired.replace:replace", "Have a device take another's place.", STORED
    ),
    "import": Command(
        "bridge.cli.desired.importing:importing",
        "Print groups and apps for the file, from what another tool has.",
        APPLE,
    ),
    "status": Command(
        "bridge.cli.insight.status:status", "Show installs by state, licences and queues.", STORED
    ),
    "why": Command("bridge.cli.insight.why:why", "Explain one app on one device.", STORED),
    "retry": Command(
        "bridge.cli.acts.retry:retry", "Give installs that stopped another round.", STORED
    ),
    "update": Command(
        "bridge.cli.acts.update:update", "Send the newest version of an app ahead.", STORED
    ),
    "pause": Command(
        "bridge.cli.acts.pause:pause",
        "Send nothing for an app, a location, a device, or all.",
        STORED,
    ),
    "resume": Command("bridge.cli.acts.pause:resume", "End a pause.", STORED),
    "claim": Command(
        "bridge.cli.acts.claim:claim", "Take a location over from the MDM that holds it.", APPLE
    ),
    "sync": Command(
        "bridge.cli.acts.sync:sync", "Read everything anew from Apple and the MDM servers.", OUTSIDE
    ),
    "installs": Command(
        "bridge.cli.lists.installs:installs", "List all apps on all devices, and why.", STORED
    ),
    "reasons": Command(
        "bridge.cli.insight.reasons:reasons", "Tell what a reason means, and what to do.", NOTHING
    ),
    "devices": Command(
        "bridge.cli.lists.devices:devices", "List the devices that MDM servers showed.", STORED
    ),
    "assets": Command(
        "bridge.cli.lists.assets:assets",
        "List what the locations own, with Apple's counts.",
        STORED,
    ),
    "assignments": Command(
        "bridge.cli.lists.assignments:assignments",
        "List who holds which licence, by whom, wanted or not.",
        STORED,
    ),
    "drift": Command(
        "bridge.cli.lists.drift:drift",
        "List what disagrees, and the command that mends it.",
        STORED,
    ),
    "users": Command(
        "bridge.cli.lists.users:users",
        "List registered users, and the links by which they accept.",
        STORED,
    ),
    "subscriptions": Command(
        "bridge.cli.lists.subscriptions:subscriptions",
        "List subscriptions with Apple's counts, and who has them.",
        STORED,
    ),
    "alerts": Command(
        "bridge.cli.lists.alerts:alerts",
        "List what is wrong and who was told; test the receivers.",
        STORED,
    ),
    "outbox": Command(
        "bridge.cli.lists.outbox:outbox", "List calls to Apple and MDM servers; repeat one.", STORED
    ),
    "events": Command(
        "bridge.cli.lists.events:events", "List what came in; handle a message again.", STORED
    ),
    "audit": Command(
        "bridge.cli.lists.audit:audit", "List who changed what, and what was refused.", STORED
    ),
    "backup": Command(
        "bridge.cli.service.backup:backup", "Copy the database while the bridge runs.", COPY
    ),
    "restore": Command(
        "bridge.cli.service.backup:restore", "Put a backup in the database's place.", STORED
    ),
    "completion": Command(
        "bridge.cli.completion:completion", "Have your shell complete commands.", NOTHING
    ),
    "demo": Command(
        "bridge.cli.service.demo:demo", "Show everything working, all of it simulated.", NOTHING
    ),
    "simulate": Command(
        "bridge.cli.service.simulate:simulate", "Run a simulated Apple and MDM server.", NOTHING
    ),
}

EXAMPLES: Mapping[str, str] = {
    "init": "init --public-url https://bridge.example.org",
    "serve": "--config /etc/vpp-bridge/config.yaml serve",
    "doctor": "doctor",
    "bundle": "bundle support.json",
    "plan": "plan",
    "apply": "apply --limit 20",
    "assign": "assign C02XL0GYJGH5 --app Pages",
    "unassign": "unassign C02XL0GYJGH5 --app Pages",
    "reclaim": "reclaim --unwanted --dry-run",
    "replace": "replace C02XL0GYJGH5 C02YK1GZJGH6",
    "import": "import apple hq",
    "status": "status --group kiosks",
    "why": "why C02XL0GYJGH5 Pages",
    "retry": "retry --app Pages",
    "update": "update Pages --group kiosks",
    "pause": "pause --app Pages",
    "resume": "resume --app Pages",
    "claim": "claim hq",
    "sync": "sync assets",
    "installs": "installs --needs-someone --by reason",
    "reasons": "reasons NO_SEAT",
    "devices": "devices --not-enrolled --csv",
    "assets": "assets --location hq",
    "assignments": "assignments --unwanted --app Pages",
    "drift": "drift --foreign --csv",
    "users": "users --state registered --csv",
    "subscriptions": "subscriptions --csv",
    "alerts": "alerts --state firing",
    "outbox": "outbox --state failed",
    "events": "events --status set_aside",
    "audit": "audit --since 7d --csv",
    "backup": "backup /var/backups/bridge.db",
    "restore": "restore /var/backups/bridge.db",
    "completion": "completion bash",
    "demo": "demo --devices 50 --faults",
    "simulate": "simulate --apple-only",
}
"""How each command is called, after `vpp-bridge`: its help has it."""

AUDITED: Mapping[str, tuple[Action, ...]] = {
    "apply": ("apply",),
    "assign": ("assign", "exclude"),
    "unassign": ("unassign",),
    "reclaim": ("reclaim",),
    "replace": ("replace",),
    "retry": ("retry",),
    "update": ("update",),
    "pause": ("pause",),
    "resume": ("resume",),
    "claim": ("claim",),
    "sync": ("sync",),
    "users invite": ("invite",),
    "outbox retry": ("retry_call",),
    "events replay": ("replay",),
    "restore": ("restore",),
    "serve": ("settings",),
}
"""By each command that changes what is stored, what the audit log calls that."""

ONLY_LOOKS = frozenset(
    (
        *("init", "doctor", "bundle", "plan", "status", "why", "installs", "reasons"),
        *("devices", "assets"),
        *("assignments", "drift", "users", "subscriptions", "outbox", "events", "audit"),
        *("alerts", "backup", "completion", "demo", "import", "simulate"),
    )
)
"""The others: they change nothing in the database of a bridge, but for what they read outside."""

ON_NO_DATABASE: Mapping[str, OnNoDatabase] = {
    "plan": "scratch",
    "import": "scratch",
    **dict.fromkeys(("apply", "assign", "claim", "sync"), "makes"),
}
"""What a command does where there is no database yet, if it does not need one: it makes it, or
does its work on one that is thrown away."""

TELLING: Needs = (*STORED, "alerts")
"""What `alerts test` needs: it tells somebody."""

SYNC: Mapping[str, Needs] = {
    **dict.fromkeys(("assets", "assignments", "users", "subscriptions"), APPLE),
    "devices": MDM,
}
"""What `sync` of one thing alone needs."""

HIDDEN: Mapping[str, Command] = {
    "serve-web": Command("bridge.cli.service.serve:serve_web", "", SETTINGS),
    "serve-engine": Command("bridge.cli.service.serve:serve_engine", "", SETTINGS),
}
"""The commands that `serve` starts itself with."""
