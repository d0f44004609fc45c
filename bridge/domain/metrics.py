"""What the bridge tells a monitoring system: the name, the meaning and the labels of each metric.

No label ever holds a serial number, a user or a secret, and each has few values: names out of the
file, Adam IDs of apps, states, reasons and kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A counter's samples have `_total` behind the name."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def sample(self) -> str:
        """The name of its samples; those of a histogram have more behind it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram's value: how many were as long as each bound at most, and the sum of seconds.
    The last bound is infinite."""

    buckets: Sequence[tuple[float, int]]
    total: float


Value = float | Distribution


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its values, by those of its labels."""

    metric: Metric
    values: Mapping[tuple[str, ...], Value] = field(default_factory=dict)


_CALL = ("server", "location", "kind")

METRICS: Final = (
    Metric(
        "bridge_installs",
        "gauge",
        "Wanted installs, one for each app on each device.",
        ("app", "location", "state", "reason"),
    ),
    Metric(
        "bridge_app_info", "gauge", "The names of apps, each with the value 1.", ("app", "name")
    ),
    Metric(
        "bridge_licenses",
        "gauge",
        "Licences by Apple's counts: kind is total, available, held, or held_by_us.",
        ("app", "location", "kind"),
    ),
    Metric(
        "bridge_drift",
        "gauge",
        "What disagrees between the file, Apple, the MDM servers and the devices, by kind; without "
        "others' licences.",
        ("kind",),
    ),
    Metric(
        "bridge_outbox_rows",
        "gauge",
        "Calls to Apple and MDM servers that are not settled.",
        (*_CALL, "state"),
    ),
    Metric(
        "bridge_outbox_oldest_seconds",
        "gauge",
        "For how long the oldest of those calls has been open; 0 without any.",
        ("server", "location"),
    ),
    Metric(
        "bridge_events",
        "counter",
        "Messages that came in, by what came of them: done, ignored, or set_aside.",
        ("server", "location", "result"),
    ),
    Metric(
        "bridge_hooks_refused",
        "counter",
        "Webhooks (kind mdm) and Apple's notifications (kind apple) that were refused, by status.",
        ("kind", "result"),
    ),
    Metric(
        "bridge_calls",
        "counter",
        "Calls that were made: done, failed, or to be made again.",
        (*_CALL, "result"),
    ),
    Metric("bridge_call_seconds", "histogram", "How long calls took that ended.", _CALL),
    Metric(
        "bridge_confirmation_seconds",
        "histogram",
        "From asking Apple for a licence to its confirmation; kind is who told it first:"
        " notification, status, or read.",
        ("location", "kind"),
    ),
    Metric(
        "bridge_token_expires_seconds",
        "gauge",
        "Until a location's content token ends; negative once it has.",
        ("location",),
    ),
    Metric(
        "bridge_last_webhook_seconds",
        "gauge",
        "Since the last webhook of an MDM server; absent before the first.",
        ("server",),
    ),
    Metric(
        "bridge_last_notification_seconds",
        "gauge",
        "Since Apple's last notification for a location; absent before the first.",
        ("location",),
    ),
    Metric(
        "bridge_lag_seconds",
        "gauge",
        "How far the webhooks of an MDM server are behind; 0 while they come at once.",
        ("server",),
    ),
    Metric(
        "bridge_setup_devices",
        "gauge",
        "Devices in Setup Assistant: state is waiting (for apps), ready (to be let out), or held"
        " (by a pause).",
        ("server", "state"),
    ),
    Metric(
        "bridge_outdated",
        "gauge",
        "Devices that do not have the newest version of an app whose `update` the file wishes.",
        ("app",),
    ),
    Metric("bridge_engine_up", "gauge", "1 while the engine lives, else 0."),
    Metric(
        "bridge_snapshot_age_seconds",
        "gauge",
        "How old what is counted here is; it is counted anew after 15 seconds.",
    ),
)
"""All of them, in the order in which they are shown."""

NAMED: Final = {metric.name: metric for metric in METRICS}


CALL_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
"""Upper bounds of the buckets of `bridge_call_seconds`; the database's triggers count by them."""

CONFIRMATION_BOUNDS: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0, 86400.0)
"""Those of `bridge_confirmation_seconds`."""


def distribution(
    counts: Mapping[float, tuple[int, float]], bounds: Sequence[float]
) -> Distribution:
    """A histogram with all `bounds`, of buckets that each hold what is above the bound before it:
    (count, sum of seconds) by bound. What is above the last bound has a larger one."""
    buckets = [
        (bound, sum(count for le, (count, _) in counts.items() if le <= bound)) for bound in bounds
    ]
    buckets.append((float("inf"), sum(count for count, _ in counts.values())))
    return Distribution(buckets, sum(seconds for _, seconds in counts.values()))


def as_markdown() -> str:
    """The page of all metrics."""
    lines = [
        "# Metrics",
        "",
        "`GET /metrics` in the format of Prometheus. It needs no credentials, unless the file has",
        "`api.open_metrics: false`: then the user `bridge` with `api.key` or `api.read_key`.",
        "Counters and histograms count from the first start of the bridge on, in its database, and",
        "no retention takes anything of them. Everything is at most 15 seconds old",
        "(`bridge_snapshot_age_seconds`). No label holds a serial number or a user.",
        "",
        "[A dashboard for Grafana](grafana-dashboard.json) and [rules for",
        "alerts](prometheus-rules.yaml) stand beside this page. The samples of a histogram are",
        "`NAME_bucket`, `NAME_sum` and `NAME_count`.",
        "",
        "| metric | kind | labels | what it is |",
        "|---|---|---|---|",
    ]
    for each in METRICS:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        lines.append(f"| `{each.sample}` | {each.kind} | {labels} | {each.help} |")
    return "\n".join(lines) + "\n"
