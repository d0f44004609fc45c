"""What is counted since the beginning, and what each counter means."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

COUNTERS: Final[dict[str, str]] = {
    "alerts.retried": "times that a receiver of alerts refused one or could not be reached",
    "alerts.told": "alerts that a receiver took",
    "api.401": "requests to the API without the right key",
    "api.403": "requests to the API with a key whose role is too small",
    "apple.401": "notifications with a wrong token",
    "apple.404": "notifications for a location that is not configured",
    "apple.config_changed": "times that somebody else changed a location's registration at Apple",
    "apple.count_odd": "counts in notifications that could not be read",
    "apple.duplicate": "notifications that came again; they change nothing",
    "apple.odd_*": "rows of Apple's lists that could not be read",
    "apple.other_library": "notifications of another library than the location's",
    "apple.other_type": "notifications of a kind that the bridge does not know",
    "apple.others_refused": "requests of others, about licences or users, that Apple refused",
    "apple.retried": "calls to Apple that were made again",
    "apple.set_aside": "notifications that could not be handled: vpp-bridge events has them",
    "apple.url_refused": "times that Apple would not take the notification URL",
    "clock.stepped": "times that the machine's clock was set",
    "command.in_doubt": "commands of which nothing was heard for long",
    "command.malformed": "commands that a device could not read",
    "command.passed_over": "commands that a device left unanswered while it took others",
    "command.posted_again": "commands that were posted again, since they were lost",
    "command.queue_lost": "commands that an MDM server lost from its queue",
    "device.moved": "devices that went from one MDM server to another",
    "forward.*.dropped": "webhooks that were not passed on: too many waited",
    "forward.*.failed": "webhooks that a listener did not take",
    "forward.*.looped": "webhooks that came back from a listener",
    "forward.*.sent": "webhooks that were passed on",
    "install.undecided": "installs that could not be decided: the log says why",
    "location.claimed": "locations that were taken over from another MDM",
    "location.stopped": "times that nothing could be written to a location any more",
    "mdm.duplicate": "webhooks that came again; they change nothing",
    "mdm.odd_devices": "lists of devices with an entry that could not be read",
    "mdm.push_failed": "pushes that an MDM server could not send",
    "mdm.pushed": "pushes that were asked for",
    "mdm.retried": "calls to MDM servers that were made again",
    "mdm.set_aside": "webhooks that could not be handled: vpp-bridge events has them",
    "mdm.unknown_status": "answers with a status that the bridge does not know",
    "mdm.unknown_topic": "webhooks of a topic that the bridge does not know",
    "mdm.unreadable": "webhooks, or answers in them, that could not be read",
    "mdm.[45]??": "webhooks that were refused with this HTTP status",
    "metadata.failed": "looks at Apple's catalogue that failed",
    "metadata.not_found": "apps that Apple's catalogue did not know",
    "outbox.broken": "calls that failed by a mistake of the bridge: the log has it",
    "paused.person": "pauses by a person",
    "paused.wave": "pauses by the bridge, since several devices failed alike",
    "setup.begun": "devices that came into Setup Assistant, and wait there to be let out",
    "setup.ended": "devices that left Setup Assistant",
    "setup.ready": "devices whose required apps were all there in Setup Assistant",
    "setup.released": "times that a device was let out of Setup Assistant (DeviceConfigured)",
    "scout.in_vain": "devices that an app went to first, and that did not tell its bundle id",
    "token.warned_*_days": "warnings that a content token expires within so many days",
    "update.failed": "newest versions that a device did not take",
    "update.sent": "newest versions that were sent to a device",
    "update.stopped": "newest versions that go no further, since too many devices failed",
    "wave.ended": "pauses of an app that ended, since a device took it",
    "wave.probe_failed": "devices that were tried in such a pause, and failed",
    "wave.probed": "devices that were tried in such a pause",
    "*.in_doubt": "calls of this kind of which nobody knows whether they arrived",
    "*.missing": "licences that Apple did not show after such a request in doubt",
}
"""By name, or by a pattern of names as of a shell."""


def explained(name: str) -> str:
    """What a counter counts."""
    if name in COUNTERS:
        return COUNTERS[name]
    return next((text for pattern, text in COUNTERS.items() if fnmatchcase(name, pattern)), "")
