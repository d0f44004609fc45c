"""What the device says, and what was sent to it."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

DEVICE_REASONS: Final[dict[str, Reason]] = {
    "NEW": Reason(
        "{app} is wanted on {device} and has not been looked at yet",
        "nobody",
        "the bridge decides within seconds",
    ),
    "PAUSED": Reason(
        "{app} on {device} is held up by a pause: {detail}",
        "the admin",
        "the bridge goes on as soon as it is resumed; after a wave of failures it tries one "
        "device again by itself",
    ),
    "NOT_ENROLLED": Reason(
        "{device} is not enrolled: {detail}",
        "the admin",
        "enrol the device, or let it finish; the bridge goes on as soon as its MDM server shows it",
    ),
    "DEVICE_SILENT": Reason(
        "{device} has not been heard of {detail}",
        "somebody at the device",
        "switch the device on and connect it; the bridge goes on when it is seen again; one that "
        "does connect may be refused by its MDM server, which then sends no webhook: its clock is "
        "outside its certificate's validity (the server's log says \"signing time\"), or its "
        'identity was renewed without a new enrolment ("device cert hash mismatch")',
    ),
    "FACTS_FIRST": Reason(
        "{device} is asked what it is before {app} is sent to it",
        "nobody",
        "the install goes out when the device has answered",
        ("licensed",),
    ),
    "LIST_FIRST": Reason(
        "{device} is asked for its apps before {app} is sent to it",
        "nobody",
        "the install goes out if the device's list does not have it",
        ("licensed",),
    ),
    "NOT_TOLD": Reason(
        "{device} comes for commands, but leaves the question open that goes before {app}",
        "somebody at the device",
        "unlock the device, or enrol it anew; the bridge goes on when it answers",
        ("needs_user",),
    ),
    "LIST_REFUSED": Reason(
        "{device} answers that it will not list its apps, so nothing shows whether it has {app}: "
        "{detail}",
        "the admin",
        "look on the device for the cause, or enrol it anew; it is asked again at growing "
        "intervals, and {app} goes on when it lists its apps",
        ("licensed",),
    ),
    "ANSWER_UNREADABLE": Reason(
        "{device} answers, but its answer cannot be read, so {app} waits: {detail}",
        "the admin",
        "the device is asked again, at last once a day; restart or update it, and if the answer "
        "stays so, report it with the output of vpp-bridge why; where the MDM server keeps the "
        "command, clear its queue for the device (DELETE /v1/commands/UDID, which drops what other "
        "tools have there, too), then vpp-bridge retry; a device that is enrolled anew, or "
        "vpp-bridge retry, is asked at once",
        ("waiting", "licensed", "unconfirmed", "removing"),
    ),
    "BUNDLE_ID_SCOUT": Reason(
        "{app} goes to one device first, since nobody knows its bundle id and {device} may have it "
        "already: {detail}",
        "nobody",
        "when that device has told the bundle id, the list of {device} shows whether the app is "
        "there; if it does not tell, the next device is tried, and in the end all get the app",
        ("licensed",),
    ),
    "LICENSE_NOT_VISIBLE": Reason(
        "{device} could not see its licence for {app} yet: {detail}",
        "nobody",
        "the bridge reads the assignment again and sends the install again",
        ("licensed",),
    ),
    "RETRY_LATER": Reason(
        "{device} could not install {app}: {detail}",
        "nobody",
        "the bridge sends the install again",
        ("licensed",),
    ),
    "NETWORK_TROUBLE": Reason(
        "{device} could not reach the App Store for {app}: {detail}",
        "nobody",
        "the bridge sends the install again for as long as it takes; if it lasts, look at the "
        "network that the device is in",
        ("licensed",),
    ),
    "SETUP_BURST": Reason(
        "{app} goes to {device} in Setup Assistant, with all others that it gets there",
        "nobody",
        "the device installs it before it is released; what does not come by policy.setup.deadline "
        "goes on afterwards",
        ("sending", "sent"),
    ),
    "SETUP_WAITS": Reason(
        "{app} waits until {device} has left Setup Assistant: {detail}",
        "nobody",
        "it is sent in the ordinary way once the device has left Setup Assistant, or has been in "
        "it for policy.setup.deadline; setup: required or best_effort for {app} in the file sends "
        "it there",
        ("licensed",),
    ),
    "COMMAND_READY": Reason(
        "the install of {app} waits for its turn on {device}",
        "nobody",
        "it is sent when the device's queue has room",
        ("sending",),
    ),
    "COMMAND_SENT": Reason(
        "the install of {app} was handed to the MDM server and {device} has not answered yet",
        "nobody",
        "the device answers when it connects; the bridge follows up",
        ("sent",),
    ),
    "NOT_ANSWERED": Reason(
        "{device} came for commands and left the install of {app} unanswered",
        "nobody",
        "the MDM server offers it again; other apps go on, and the device is asked for its apps; "
        "the MDM server's log names answers that it could not read",
        ("sent", "unconfirmed"),
    ),
    "NOT_NOW": Reason(
        "{device} answered NotNow to the install of {app}",
        "nobody",
        "the MDM server offers it again when the device connects; the bridge pushes now and then",
        ("sent",),
    ),
    "NOT_NOW_FOR_LONG": Reason(
        "{device} has answered NotNow to {app} for too long",
        "somebody at the device",
        "unlock the device, or finish what it is busy with",
        ("needs_user",),
    ),
    "COMMAND_IN_DOUBT": Reason(
        "nothing was heard of the install of {app} on {device}: it may be lost, or done",
        "nobody",
        "the device is asked for its apps; only if {app} is missing it is sent again",
        ("sent", "unconfirmed"),
    ),
    "ACKNOWLEDGED": Reason(
        "{device} accepted {app}; its list of apps does not show it yet",
        "nobody",
        "the device is asked for its apps again",
        ("acknowledged",),
    ),
    "INSTALLING": Reason(
        "{device} is installing {app}: {detail}",
        "nobody",
        "the device is asked for its apps again",
        ("installing",),
    ),
    "PROMPTING": Reason(
        "{device} asks its user about {app}: {detail}",
        "somebody at the device",
        "accept the question on the device",
        ("installing",),
    ),
    "INSTALLED": Reason(
        "{app} is installed on {device}: the device lists it as Managed",
        "nobody",
        "the bridge looks again in every list, at least once a week",
        ("installed",),
    ),
    "WAS_INSTALLED": Reason(
        "{app} was installed on {device} when the copy was made that the bridge was restored from",
        "nobody",
        "the device is asked for its apps, as soon as that is not paused",
        ("unconfirmed",),
    ),
    "INSTALLED_UNMANAGED": Reason(
        "{app} is installed on {device}, where it is not managed: its list of apps has it",
        "nobody",
        "the bridge looks again at least once a week",
        ("installed",),
    ),
    "SETTINGS_CHANGED": Reason(
        "{app} is on {device}; its new settings are sent to it",
        "nobody",
        "the device is sent the app's settings once, and asked for its apps after that",
        ("sending", "sent"),
    ),
    "SETTINGS_RETRY": Reason(
        "{app} is on {device}, which could not take its new settings: {detail}",
        "nobody",
        "the bridge sends them again",
        ("installed",),
    ),
    "SETTINGS_REFUSED": Reason(
        "{app} is on {device}, which did not take its new settings: {detail}",
        "the admin",
        "mend the cause, then run vpp-bridge retry",
        ("installed",),
    ),
    "SETTING_FORBIDDEN": Reason(
        "{app} cannot go to {device} as it is wished: {detail}",
        "the admin",
        "leave that key out for {app}, or exclude {device}, and apply it; a newer system may do",
        ("failed", "installed"),
    ),
    "NOT_ARRIVED": Reason(
        "{app} has not arrived on {device} yet: {detail}",
        "nobody",
        "the device is asked for its apps again; if {app} is still not there it is sent again",
        ("acknowledged",),
    ),
    "NEVER_ARRIVED": Reason(
        "{app} never arrived on {device}, which accepted it each time: {detail}",
        "the admin",
        "look at the device's storage and network, and at what its restrictions allow; then run "
        "vpp-bridge retry; should {app} arrive late, the bridge sees it",
        ("failed",),
    ),
    "NOT_SEEN": Reason(
        "{device} accepted {app}, but no list has shown it since",
        "nobody",
        "the bridge goes on asking at growing intervals; a late success counts",
        ("unconfirmed",),
    ),
    "APP_MISSING": Reason(
        "{device} had {app}, and its newest list of apps leaves it out",
        "nobody",
        "the device is asked once more; then the app is sent again",
        ("unconfirmed",),
    ),
    "BUNDLE_ID_UNKNOWN": Reason(
        "{device} accepted {app}, but its bundle id is not known, so no list can show it",
        "the admin",
        "set bundle_id for {app} in the file and apply it",
        ("unconfirmed",),
    ),
    "LICENSE_NEVER_VISIBLE": Reason(
        "{device} never saw its licence for {app}: {detail}",
        "the admin",
        "check that no other MDM uses this token, then run vpp-bridge retry",
        ("failed",),
    ),
    "DEVICE_REFUSED": Reason(
        "{device} cannot install {app}: {detail}",
        "the admin",
        "mend the cause, then run vpp-bridge retry",
        ("failed",),
    ),
    "COMMAND_MALFORMED": Reason(
        "{device} could not read the command to install {app}: {detail}",
        "the admin",
        "report this as a mistake of the bridge, with the output of vpp-bridge why",
        ("failed",),
    ),
    "ATTEMPTS_USED_UP": Reason(
        "{device} failed to install {app} too often: {detail}",
        "the admin",
        "look at the device, then run vpp-bridge retry",
        ("failed",),
    ),
    "UNMANAGED_COPY": Reason(
        "{device} has a copy of {app} that is not managed",
        "the admin",
        "delete that copy on the device: the bridge looks, and goes on; or set take_over for {app}",
        ("conflict",),
    ),
    "USER_REJECTED": Reason(
        "somebody at {device} said no to {app}: {detail}",
        "somebody at the device",
        "talk to them; they are asked again at most twice, then only by vpp-bridge retry",
        ("needs_user",),
    ),
    "LOGIN_REQUIRED": Reason(
        "{device} asks for an Apple Account to be signed in for {app}: {detail}",
        "somebody at the device",
        "sign in on the device; it is tried again at most twice, then only by vpp-bridge retry",
        ("needs_user",),
    ),
    "PROMPT_UNANSWERED": Reason(
        "{device} has asked its user about {app} for long, without an answer: {detail}",
        "somebody at the device",
        "accept on the device; they are asked again at most twice, then only by vpp-bridge retry",
        ("needs_user",),
    ),
    "APP_DELETED": Reason(
        "somebody deleted {app} from {device}: {detail}",
        "somebody at the device",
        "download it again on the device, or run vpp-bridge retry; on_deleted: reinstall of the "
        "app has the bridge put it back by itself",
        ("needs_user",),
    ),
}
