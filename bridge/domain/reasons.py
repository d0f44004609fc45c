"""Why an install is in its state: every reason, what it means, and who must act.

The names are part of the API. `sentence` may use {app}, {device}, {location} and {detail}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bridge.domain.model import InstallState

Actor = Literal["nobody", "the admin", "somebody at the device", "Apple"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what is so, who must act, what happens next, and the states that it explains."""

    sentence: str
    actor: Actor
    next: str
    states: tuple[InstallState, ...] = ("waiting",)


REASONS: Final[dict[str, Reason]] = {
    "NEW": Reason(
        "{app} is wanted on {device} and has not been looked at yet",
        "nobody",
        "the bridge decides within seconds",
    ),
    "NOT_ENROLLED": Reason(
        "{device} is not enrolled: no MDM server has shown it with this serial number",
        "the admin",
        "enrol the device; the bridge goes on as soon as its MDM server shows it",
    ),
    "DEVICE_SILENT": Reason(
        "{device} has not been heard of {detail}",
        "somebody at the device",
        "switch the device on and connect it; the bridge goes on when it is seen again",
    ),
    "LOCATION_STARTING": Reason(
        "the content token of {location} is being set up: {detail}",
        "nobody",
        "the bridge goes on when Apple's counts and assignments have been read",
    ),
    "LOCATION_BUSY": Reason(
        "Apple cannot be asked about {location} now: {detail}",
        "Apple",
        "the bridge tries again by itself",
    ),
    "LOCATION_TROUBLE": Reason(
        "the content token of {location} cannot be set up: {detail}",
        "the admin",
        "mend the cause; the bridge tries again by itself",
    ),
    "TOKEN_EXPIRED": Reason(
        "the content token of {location} has expired",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_REVOKED": Reason(
        "the content token of {location} was revoked",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_INVALID": Reason(
        "Apple does not accept the content token of {location}: {detail}",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_READ_ONLY": Reason(
        "the content token of {location} may only read",
        "the admin",
        "have it downloaded by a person with the content manager's rights",
    ),
    "FOREIGN_MDM": Reason(
        "another MDM manages {location}: {detail}",
        "the admin",
        "stop the other MDM's use of this location, or take it over with vpp-bridge claim",
    ),
    "SHARED_LIBRARY": Reason(
        "{location} has the same library as another location: {detail}",
        "the admin",
        "put the token of a location of its own in its file, or leave one of the two out",
    ),
    "TOKEN_OTHER_LIBRARY": Reason(
        "the token file of {location} holds a token of another location: {detail}",
        "the admin",
        "put a token of the same location as before in the file, or give it another name",
    ),
    "APPLE_MANAGED": Reason(
        "Apple's own device management holds {location} and lets nobody else write",
        "the admin",
        "use a location of its own for the bridge, and its content token",
    ),
    "SERVICE_REMOVED": Reason(
        "Apple has removed the service that the bridge uses for {location}: {detail}",
        "the admin",
        "install a newer version of the bridge",
    ),
    "LICENSE_GONE": Reason(
        "the licence for {app} is gone: {detail}",
        "the admin",
        "buy it again for this location, then run vpp-bridge retry",
        ("failed",),
    ),
    "APPLE_REFUSED": Reason(
        "Apple refused the licence for {app}: {detail}",
        "the admin",
        "mend the cause, then run vpp-bridge retry",
        ("failed",),
    ),
    "APPLE_BUSY": Reason(
        "Apple asked the bridge to wait: {detail}",
        "Apple",
        "the bridge asks again by itself",
    ),
    "APPLE_AWAY": Reason(
        "Apple has not taken the request for {app} on {device} yet: {detail}",
        "Apple",
        "the bridge sends it again by itself",
    ),
    "LICENSE_RETRY": Reason(
        "Apple did not give {device} the licence for {app}: {detail}",
        "nobody",
        "the bridge looks at Apple's assignments and asks again",
    ),
    "NOT_PURCHASED": Reason(
        "no licence for {app} is owned at {location}",
        "the admin",
        "buy it for this location; the bridge goes on when Apple counts it",
    ),
    "NOT_DEVICE_ASSIGNABLE": Reason(
        "{app} cannot be assigned to devices",
        "the admin",
        "take it out of the file; Apple offers it to users only",
        ("failed",),
    ),
    "NOT_REVOCABLE": Reason(
        "the licence for {app} cannot be taken back",
        "the admin",
        "leave it where it is",
        ("failed",),
    ),
    "SEAT_PENDING": Reason(
        "{app} on {device} is next in line for a seat",
        "nobody",
        "the bridge allots the free seats within seconds",
    ),
    "NO_SEAT": Reason(
        "no licence for {app} is free at {location}: {detail}",
        "the admin",
        "buy more or free some; the bridge goes on when Apple counts them",
    ),
    "ASSOCIATE_COLLECTING": Reason(
        "the licence for {app} on {device} goes out with the next request",
        "nobody",
        "the request is sent as soon as no more pairs are coming",
        ("associating",),
    ),
    "ASSOCIATE_REQUESTED": Reason(
        "Apple was asked for the licence for {app} on {device} and has not confirmed it yet",
        "Apple",
        "a notification or the event's status confirms it, whichever comes first",
        ("associating",),
    ),
    "ASSOCIATE_IN_DOUBT": Reason(
        "it is not known whether Apple got the request for {app} on {device}",
        "Apple",
        "the bridge reads Apple's assignments, and asks again only if it is still missing later",
        ("associating",),
    ),
    "LICENSED": Reason(
        "{device} holds a licence for {app}, and no more is wanted",
        "nobody",
        "nothing: this is the end",
        ("licensed",),
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
    "COMMAND_READY": Reason(
        "the install of {app} waits for its turn on {device}",
        "nobody",
        "it is sent when the device's lane is free",
        ("sending",),
    ),
    "COMMAND_SENT": Reason(
        "the install of {app} was handed to the MDM server and {device} has not answered yet",
        "nobody",
        "the device answers when it connects; the bridge follows up",
        ("sent",),
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
        ("sent",),
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
    "NOT_SEEN": Reason(
        "{device} accepted {app}, but no list has shown it since",
        "nobody",
        "the bridge goes on asking at growing intervals; a late success counts",
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
    "ATTEMPTS_USED_UP": Reason(
        "{device} failed to install {app} too often: {detail}",
        "the admin",
        "look at the device, then run vpp-bridge retry",
        ("failed",),
    ),
    "UNMANAGED_COPY": Reason(
        "{device} has a copy of {app} that is not managed",
        "the admin",
        "delete that copy on the device, or set take_over for {app}",
        ("conflict",),
    ),
    "USER_REJECTED": Reason(
        "somebody at {device} said no to {app}",
        "somebody at the device",
        "talk to them, then run vpp-bridge retry",
        ("needs_user",),
    ),
    "LOGIN_REQUIRED": Reason(
        "{device} asks for an Apple Account to be signed in for {app}",
        "somebody at the device",
        "sign in on the device, then run vpp-bridge retry",
        ("needs_user",),
    ),
    "APP_DELETED": Reason(
        "somebody deleted {app} from {device}",
        "somebody at the device",
        "download it again on the device, or run vpp-bridge retry",
        ("needs_user",),
    ),
    "LICENSE_TAKEN": Reason(
        "somebody else took the licence for {app} away from {device}",
        "nobody",
        "the bridge asks for it again later, twice at most",
    ),
    "TAKEN_AWAY": Reason(
        "somebody else takes the licence for {app} away from {device} again and again",
        "the admin",
        "find out which other tool or person manages {location}, then run vpp-bridge retry",
        ("needs_user",),
    ),
    "RELEASE_WAITS": Reason(
        "the licence for {app} on {device} is given back as soon as Apple has confirmed it",
        "Apple",
        "the bridge gives it back by itself",
        ("removing",),
    ),
    "RELEASING": Reason(
        "the licence for {app} on {device} is being given back",
        "Apple",
        "a notification or the event's status confirms it, whichever comes first",
        ("removing", "waiting"),
    ),
    "RELEASE_RETRY": Reason(
        "Apple did not take the licence for {app} on {device} back: {detail}",
        "nobody",
        "the bridge asks again",
        ("removing",),
    ),
    "RELEASE_REFUSED": Reason(
        "Apple does not take the licence for {app} on {device} back: {detail}",
        "the admin",
        "take it back in Apple's portal",
        ("failed",),
    ),
    "RELEASED": Reason(
        "the licence for {app} on {device} was given back",
        "nobody",
        "nothing: this is the end; an app that stays on the device stops working after 30 days",
        ("removed",),
    ),
    "LICENSE_NOT_OURS": Reason(
        "{app} is no longer wanted on {device}; its licence stays, since others assigned it",
        "nobody",
        "nothing: this is the end",
        ("removed",),
    ),
    "REMOVAL_WAITS": Reason(
        "{app} is removed from {device} when the device has answered its install",
        "nobody",
        "the bridge goes on by itself",
        ("removing",),
    ),
    "REMOVING": Reason(
        "{app} is being removed from {device}: {detail}",
        "nobody",
        "the device removes it when it connects",
        ("removing",),
    ),
    "REMOVE_FAILED": Reason(
        "{device} would not remove {app}: {detail}",
        "the admin",
        "remove it on the device",
        ("failed",),
    ),
    "REMOVED": Reason(
        "{app} was removed from {device}, and its licence given back if it was ours",
        "nobody",
        "nothing: this is the end",
        ("removed",),
    ),
    "KEPT": Reason(
        "{app} is no longer wanted on {device}; app and licence stay",
        "nobody",
        "nothing: this is the end",
        ("removed",),
    ),
}


def describe(reason: str, *, app: str, device: str, location: str, detail: str) -> tuple[str, str]:
    """The sentence and the next step for a reason, with the names filled in."""
    entry = REASONS[reason]
    detail = detail.rstrip(". ") or "no detail"
    names = {"app": app, "device": device, "location": location, "detail": detail}
    return entry.sentence.format(**names), entry.next.format(**names)


def as_markdown() -> str:
    """Every reason as a page for people: its states, what is so, who must act, what comes next."""
    lines = [
        "# Reasons",
        "",
        "Why an app is, or is not, on a device. `vpp-bridge why SERIAL ADAM_ID` and the API give",
        "one of these for every install. The names are part of the API.",
        "",
        "What is wanted and `failed`, `needs_user` or `conflict` stays so until the device shows",
        "that the cause is gone, the wish changes, or `vpp-bridge retry` gives it another round.",
        "",
        "| reason | state | what is so | who must act | what happens next |",
        "|---|---|---|---|---|",
    ]
    names = {"app": "the app", "device": "the device", "location": "the location"}
    for name, reason in sorted(REASONS.items()):
        sentence = reason.sentence.replace(": {detail}", "").format(**names, detail="…")
        step = reason.next.format(**names, detail="…")
        states = ", ".join(reason.states)
        lines.append(f"| `{name}` | {states} | {sentence} | {reason.actor} | {step} |")
    return "\n".join(lines) + "\n"
