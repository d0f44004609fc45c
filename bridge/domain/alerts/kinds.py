"""Every kind of alert. A new one is one more entry here, and a `Fault` of its name wherever the
part of the bridge that it is about is shown, unless its reasons say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.domain.alerts.alert import Alert

_KINDS: Final = (
    Alert(
        "token",
        fires="a content token has expired or does within 30 days, Apple does not accept it, it is "
        "one of another location than before, or another MDM manages its location",
        clears="Apple accepts a token of the same location that lasts, and nobody else manages it",
        mend="download a new content token and put it in the token file; take a location over from "
        "another MDM by vpp-bridge claim",
    ),
    Alert(
        "seats",
        fires="an app is wanted on more devices than there are licences for it",
        clears="Apple counts enough licences, or fewer are wanted",
        mend="buy more, or free some: vpp-bridge assignments --unwanted lists who holds one for "
        "nothing",
        reasons=("NO_SEAT",),
    ),
    Alert(
        "wave",
        fires="several devices in a row failed alike, so that the bridge paused the app",
        clears="a device on which it is tried again has the app, or somebody resumes it",
        mend="mend the cause that the sentence names, then run vpp-bridge resume --app ADAM_ID",
    ),
    Alert(
        "silence",
        fires="for policy.alerts.silence_after Apple or an MDM server does not answer, or refuses "
        "what it is asked; or an MDM server's webhooks are refused or do not come",
        clears="it answers, or its webhooks come again",
        mend="run vpp-bridge doctor: it tries each of them, and says what to mend",
        after=lambda policy: policy.silence_after,
    ),
    Alert(
        "reclaim",
        fires="so many licences of a location would go back from devices that are gone that a "
        "person has to say so (RECLAIM_HELD)",
        clears="a person gives them back, or the devices are heard of again",
        mend="look at vpp-bridge reclaim --unenrolled --dry-run; if it is true, give them back "
        "with --allow-removals N; if not, look for what keeps the devices from their MDM server",
    ),
    Alert(
        "doubt",
        fires="for longer than policy.alerts.doubt_after it is not known whether Apple or a device "
        "got what it was asked for",
        clears="Apple or the device tells, or it is given up",
        mend="see that Apple, the MDM server and the device can be reached: the bridge asks again "
        "by itself; vpp-bridge installs --reason COMMAND_IN_DOUBT and vpp-bridge why say more",
    ),
    Alert(
        "setup",
        fires="a device waits in Setup Assistant with all its required apps, and somebody else "
        "than the bridge is to let it out; or a pause keeps devices there; or they do not answer "
        "their release for five minutes after policy.setup.deadline",
        clears="the device has left Setup Assistant",
        mend="send DeviceConfigured, or set release_setup for its server; resume what is paused; "
        "or see that the devices are on and online",
    ),
    Alert(
        "updates",
        fires="so many devices of a ring refused the newest version of an app (stop_at) that it "
        "goes no further",
        clears="somebody lets it go on, there is a newer version, or no device is to be updated",
        mend="look at the devices that vpp-bridge installs --reason UPDATE_FAILED lists; then run "
        "vpp-bridge update ADAM_ID to send it all the same, or wait for a newer version",
    ),
)

ALERTS: Final[Mapping[str, Alert]] = {each.name: each for each in _KINDS}
"""By name, in the order in which they are described."""
