"""Every timeout, interval, limit and retention, with its default.

The field names are the configuration's keys: `policy.event_status.first_after` is
`Policy().event_status.first_after`. All times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from bridge.domain.users.wish import OnUnwantedUser

Seconds = Annotated[float, "seconds"]
"""A duration in seconds; written `30s`, `10m`, `6h`, `14d` in the configuration."""

Bytes = Annotated[int, "bytes"]
"""A size in bytes; written `1 MiB`, `32 MiB` or as a number in the configuration."""

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ApplyPolicy:
    """What rules may do that no apply has shown: how many devices are served that show up after the
    last apply at servers that cannot list them."""

    unseen_limit: int = 50


@dataclass(frozen=True, slots=True)
class EventStatusPolicy:
    """How the result of an asynchronous request is asked for, beside waiting for a notification.

    Source: Apple, "Subscribing to notifications": after 5 minutes without one ask, at most every
    30 seconds; PENDING after 10 minutes means retry. Asking earlier is allowed and quicker.
    """

    first_after: Seconds = 30.0
    min_interval: Seconds = 30.0
    in_doubt_after: Seconds = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class AssociatePolicy:
    """How licences are asked for."""

    collect_for: Seconds = 2.0
    collect_at_most: Seconds = 2 * MINUTE
    in_doubt_wait: Seconds = 10 * MINUTE
    before_enrolment: bool = False
    seat_retry: Seconds = HOUR
    retry: tuple[Seconds, ...] = (10.0, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR)
    taken_retry: tuple[Seconds, ...] = (HOUR, DAY)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How calls to Apple and to MDM servers are made, and made again when they fail.

    `unreadable_retry` holds the waits after answers that cannot be read; the last one repeats.
    """

    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 30.0
    retry: tuple[Seconds, ...] = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE)
    unreadable_retry: tuple[Seconds, ...] = (10.0, 30.0, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """How commands are handed to an MDM server and followed up."""

    in_doubt_after: Seconds = MINUTE
    after_connect_delay: Seconds = 0.1
    window: int = 200
    repush_after: Seconds = HOUR
    push_expiration: Seconds = DAY


@dataclass(frozen=True, slots=True)
class InstallPolicy:
    """How installs are sent and sent again."""

    max_open_per_device: int = 1
    max_per_minute: int | None = None
    license_retry: tuple[Seconds, ...] = (20.0, 40.0, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)
    not_now_repush: Seconds = 30 * MINUTE
    not_now_at_most: Seconds = 7 * DAY


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When one app's failures stop it everywhere, and when a device is tried again."""

    devices: int = 5
    within: Seconds = HOUR
    probe_after: Seconds = HOUR
    probe_at_most: Seconds = DAY


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """How many devices are tried, one after the other, to learn the bundle id of an app."""

    devices: int = 3
    answer_within: Seconds = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """When a device is asked whether an app is there.

    `unreadable_retry` holds one wait for each answer in a row that could not be read; after those
    it is asked once a day.
    """

    first_after: Seconds = 15.0
    at_most: Seconds = 7 * DAY
    unconfirmed_after: Seconds = DAY
    installed_every: Seconds = 7 * DAY
    conflict_every: Seconds = DAY
    unreadable_retry: tuple[Seconds, ...] = (
        10.0,
        30.0,
        2 * MINUTE,
        10 * MINUTE,
        HOUR,
        6 * HOUR,
    )


@dataclass(frozen=True, slots=True)
class DevicePolicy:
    """When a device counts as silent, how rarely it is then pushed, and what devices are asked."""

    silent_after: Seconds = 14 * DAY
    silent_push_every: Seconds = 7 * DAY
    ask_serial_every: Seconds = 10 * MINUTE
    ask_facts_per_minute: int = 100
    ask_facts_every: Seconds | None = 7 * DAY


@dataclass(frozen=True, slots=True)
class SetupPolicy:
    """How long a device may wait for its apps in Setup Assistant, from the first TokenUpdate of its
    enrolment on."""

    deadline: Seconds = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """How often what nobody announced is read in full."""

    service_config_every: Seconds = 5 * MINUTE
    client_config_every: Seconds = HOUR
    notification_token_every: Seconds = 30 * DAY
    assets_every: Seconds = HOUR
    assignments_every: Seconds = DAY
    changes_every: Seconds = 10 * MINUTE
    users_every: Seconds = DAY
    subscriptions_every: Seconds = HOUR
    devices_every: Seconds = HOUR
    metadata_every: Seconds = 7 * DAY


@dataclass(frozen=True, slots=True)
class PromptsPolicy:
    """When people at devices may be bothered; `quiet_hours` is `22:00-07:00` or unset.

    `again` holds one wait for each time that somebody who said no, or did not answer within
    `unanswered_after`, is asked again.
    """

    quiet_hours: str | None = None
    again: tuple[Seconds, ...] = (DAY, 3 * DAY)
    unanswered_after: Seconds = HOUR


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """What `update` of an app leaves out: when new versions are sent, and how they spread.

    `window` is `22:00-05:00` or unset, `days` those on which one begins (none: every day);
    `stop_at` is `5%` of a ring's devices, or a number of devices. Of apps that are to be updated
    Apple's metadata is read every `look_every`.
    """

    window: str | None = None
    days: tuple[str, ...] = ()
    ring_wait: Seconds = DAY
    max_per_hour: int | None = None
    jitter: Seconds = 10 * MINUTE
    stop_at: str = "5%"
    look_every: Seconds = DAY


@dataclass(frozen=True, slots=True)
class LimitsPolicy:
    """Sizes above which a request is answered 413."""

    mdm_body: Bytes = 8 * MIB
    apple_body: Bytes = MIB
    api_body: Bytes = MIB


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long evidence is kept. Apple's messages are known to be duplicates for longer than that,
    for `duplicates`; webhooks, of which a fleet has most and which MDM servers hardly ever send
    again, for `mdm_duplicates`."""

    events: Seconds = 30 * DAY
    duplicates: Seconds = 400 * DAY
    mdm_duplicates: Seconds = 7 * DAY
    outbox: Seconds = 30 * DAY
    removed: Seconds = 90 * DAY
    counts: Seconds = 60 * DAY
    audit: Seconds = 400 * DAY


@dataclass(frozen=True, slots=True)
class UsersPolicy:
    """What becomes of registered users whom the file no longer names, and how long after an
    invitation on a device the person is not invited there again."""

    on_unwanted: OnUnwantedUser = "keep"
    invite_again: Seconds = DAY


@dataclass(frozen=True, slots=True)
class AlertsPolicy:
    """When people are told of what is wrong: how often again while it lasts, and how long Apple or
    an MDM server must be away, or a doubt last, before anybody is told."""

    repeat_every: Seconds = DAY
    silence_after: Seconds = 5 * MINUTE
    doubt_after: Seconds = DAY


@dataclass(frozen=True, slots=True)
class ReclaimPolicy:
    """After how long a device that left, or that nothing is heard of, loses its licences by itself;
    None: never. Both count only while its MDM server was heard of."""

    unenrolled_after: Seconds | None = None
    silent_after: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that can be tuned, in groups."""

    apply: ApplyPolicy = field(default_factory=ApplyPolicy)
    call: CallPolicy = field(default_factory=CallPolicy)
    event_status: EventStatusPolicy = field(default_factory=EventStatusPolicy)
    associate: AssociatePolicy = field(default_factory=AssociatePolicy)
    command: CommandPolicy = field(default_factory=CommandPolicy)
    install: InstallPolicy = field(default_factory=InstallPolicy)
    wave: BreakerPolicy = field(default_factory=BreakerPolicy)
    scout: ProbePolicy = field(default_factory=ProbePolicy)
    verify: VerifyPolicy = field(default_factory=VerifyPolicy)
    device: DevicePolicy = field(default_factory=DevicePolicy)
    setup: SetupPolicy = field(default_factory=SetupPolicy)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    users: UsersPolicy = field(default_factory=UsersPolicy)
    reclaim: ReclaimPolicy = field(default_factory=ReclaimPolicy)
    prompts: PromptsPolicy = field(default_factory=PromptsPolicy)
    alerts: AlertsPolicy = field(default_factory=AlertsPolicy)
    update: UpdatePolicy = field(default_factory=UpdatePolicy)
    limits: LimitsPolicy = field(default_factory=LimitsPolicy)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    time_zone: str = "UTC"
