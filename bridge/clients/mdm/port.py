"""What the bridge asks of an MDM server, of whatever kind it is.

An adapter is a class for one kind of server (`bridge.clients.mdm.adapters`). It says what such a
server can do; everybody else asks for that, and never for a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:  # what a server can do is asked without loading what calls it
    from bridge.clients.http import HttpClient


@dataclass(frozen=True, slots=True)
class Words:
    """What servers of one kind are called, and the places in them that people are sent to."""

    program: str = "the MDM server"
    webhook_flag: str = "webhook URL"
    signature_flag: str | None = None
    """Its option that takes the key for signing webhooks, where there is one."""
    lost_webhook: str = ""
    """What its log says of a webhook that nobody took."""
    also_releases: str = "another tool of the server"
    """What else may let a device out of Setup Assistant there."""
    remove_device: str = "remove enrolment {id}"
    """What a person does there to take a device's record away, by its enrolment id."""
    clear_queue: str = "clear the queue of enrolment {id}"
    """The same for what waits in a device's queue; `url` is the server's."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What servers of one kind can do, and how they behave."""

    queue_view: bool
    """It shows which commands wait for a device. Without, commands are followed up by what devices
    answer; it must hand them out in order, and keep each until it is answered."""
    device_list: bool
    """It lists its devices. Without, they are learnt when they check in."""
    stores_before_reply: bool
    """A command that it took is stored. Else it may still be lost, or is stored in a while."""
    pushes_on_enqueue: bool
    """It wakes the device itself once a command is queued."""
    repeats_are_refused: bool
    """It takes a CommandUUID once only, also if the command has left its queue since."""
    words: Words = Words()
    """How it is spoken of."""
    releases_setup: bool = False
    """Whether the bridge lets its devices out of Setup Assistant, as its configuration says."""


NO_ABILITIES = Abilities(
    queue_view=False,
    device_list=False,
    stores_before_reply=False,
    pushes_on_enqueue=False,
    repeats_are_refused=True,
)
"""Of a server that is not configured: nothing is taken for granted."""


@dataclass(frozen=True, slots=True)
class QueuedCommand:
    """A command waiting in a device's queue; the payload may be another tool's and secret."""

    command_uuid: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MdmDevice:
    """A device record. `udid` is empty for one that the server knows from Apple's DEP only, and for
    a user enrolment, which has an `enrollment_id` instead.

    `last_seen_at` is seconds since the epoch, None for never. `odd` says what of the record cannot
    be read: without a `udid` it may be any device's, and `enrolled` is None where it is not told.
    """

    udid: str
    serial_number: str
    enrolled: bool | None
    last_seen_at: float | None
    dep_profile_status: str
    odd: str = ""
    enrollment_id: str = ""


class MdmServer(Protocol):
    """One MDM server; thread-safe.

    Devices are addressed by their enrolment id (`bridge.domain.model.Device.enrolment_id`), byte
    for byte, and one in a request, also where a server takes many: each command has its own
    CommandUUID, and one that cannot be reached must not keep others waiting.

    Every method raises NotSent, OutcomeUnknown or MdmRefused. MdmRefused means that nothing was
    done; where that is not sure, it is OutcomeUnknown. A request that may change something is sent
    once.
    """

    abilities: ClassVar[Abilities]
    guarded: ClassVar[str]
    """A path that servers of this kind open with their key alone, and no other kind knows. A GET of
    it changes nothing."""

    def __init__(self, http: HttpClient, api_key: str) -> None:
        """Raises ConfigError for an API key that cannot be one."""

    def enqueue(self, enrolment_id: str, plist: bytes) -> None:
        """Hand over a command, a raw XML plist with its CommandUUID."""

    def push(self, enrolment_id: str, expiration: int | None = None) -> str:
        """Wake a device now; returns Apple's id of the push.

        Until `expiration` (seconds since the epoch) Apple keeps trying, where the server can say
        so; without it, it tries once.
        """

    def queue(self, enrolment_id: str) -> tuple[QueuedCommand, ...]:
        """What waits for a device; asked only of a server with `queue_view`. Empty also for an
        unknown device."""

    def devices(self, serial_numbers: Sequence[str] | None = None) -> tuple[MdmDevice, ...]:
        """The device records, all or those with one of these serial numbers; asked only of a
        server with `device_list`."""

    def enrolments(self) -> tuple[MdmDevice, ...] | None:
        """The enrolments that it tells of where it has no `device_list`; None where it tells none.
        Whoever is not among them may be enrolled all the same."""

    def try_key(self) -> None:
        """Have the server look at the key, by a call that changes nothing."""

    def push_certificate(self) -> bytes | None:
        """Apple's certificate for its pushes, DER, without the key; None where it does not tell.
        MdmRefused says that it has none."""

    def version(self) -> str:
        """The server's version, `unknown` where it does not tell."""
