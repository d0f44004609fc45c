"""Every error the bridge raises on purpose, in one tree.

    BridgeError
    ├── ConfigError            the configuration cannot be used (exit 2)
    ├── StoreError             the database cannot be used
    │   ├── NoDatabase         there is none yet, and the command only looks at it (exit 2)
    │   ├── StoreDamaged       its file is damaged, or no database at all
    │   ├── StoreGone          it was removed, or another file is in its place
    │   │   └── StoreLost      nobody has it in use, and there was one: no new one is made
    │   ├── StoreFull          its disk has no room, or fails
    │   ├── StoreAway          its server cannot be reached, or ended the connection
    │   │   └── StoreInDoubt   while it committed: it may have been stored
    │   ├── StoreRefused       its server lets us not in, or is none that the bridge runs on
    │   ├── StorePutBack       pg_restore put it back, and the bridge was not told
    │   ├── StoreLocked        another process holds a lock for too long
    │   │   ├── StoreConflict  another transaction stood in the way, and this one was undone
    │   │   ├── EngineRuns     another engine runs on it
    │   │   └── EngineReplaced another engine ran on it while this one could not
    │   └── SchemaTooNew       the file was written by a newer bridge
    ├── QueryError             a list cannot be asked for like this: a cursor of no use
    ├── WishError              what is asked for cannot be stored as it is asked for
    ├── MessageError           an inbound message or a reply cannot be read
    │   ├── PlistError         neither an XML nor a binary property list
    │   └── ShapeError         well-formed, but not the shape its sender documents
    └── CallError              an outside call did not do what was asked
        ├── NotSent            the request never left this machine: safe to send again
        │   └── TokenUnusable  the content token's file cannot be read
        │       └── TokenOfOtherLibrary   it holds a token of another location
        ├── OutcomeUnknown     it left, and nothing says whether it was done: in doubt
        │   └── UnreadableReply     a success was answered, and cannot be read
        └── Refused            a definite no: nothing was done
            ├── AppleRefused   Apple answered with an errorNumber, or 429
            └── MdmRefused     the MDM server answered with an error

Every class says by `may_retry` whether the same thing may be tried again by itself.
Messages are one sentence that tells a person what to do next; they never carry a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BridgeError(Exception):
    """Something the bridge foresaw went wrong."""

    may_retry: bool = False


class ConfigError(BridgeError):
    """The configuration has mistakes; `mistakes` holds one line for each of them."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class StoreError(BridgeError):
    """The database cannot be used; `mend` says what to do about it."""

    mend: str = "see that this user may read and write there"


class StoreDamaged(StoreError):
    """The file is damaged, or no database."""

    mend = (
        "stop the bridge and put a backup in its place with vpp-bridge restore; "
        "never copy a file over it by hand, where it would meet the old -wal"
    )


class StoreLocked(StoreError):
    """Another process kept a lock on the database for longer than we wait."""

    may_retry = True
    mend = "have that process go on, or end it"


class StoreConflict(StoreLocked):
    """Another transaction stood in the way, and this one was undone as a whole: it may be done
    again at once."""

    mend = "do it again"


class EngineRuns(StoreLocked):
    """Another engine runs on the database."""

    mend = "stop the other one"


class EngineReplaced(StoreLocked):
    """The lock of the engine was lost, and another engine had it: who lost it begins anew."""

    mend = "stop one of the two"


class StoreFull(StoreError):
    """There is no room for what is to be written, or its disk fails."""

    may_retry = True
    mend = "make room on its disk; the bridge goes on by itself"


class StoreAway(StoreError):
    """The server of the database cannot be reached, or ended the connection."""

    may_retry = True
    mend = "have it run and be reached; the bridge goes on by itself"


class StoreRefused(StoreError):
    """The server of the database does not let us in, or is none that the bridge can run on."""

    def __init__(self, text: str, mend: str) -> None:
        super().__init__(text)
        self.mend = mend


class StorePutBack(StoreError):
    """Another program has put the rows of the database back: what was done since is not in it."""

    mend = "stop the bridge, and run vpp-bridge restore --after-pg-restore before anything else"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: its rows were put back, as pg_restore does, and what was done since the copy "
            "is not known"
        )


class StoreInDoubt(StoreAway):
    """The connection was lost while a transaction was being committed: it may have been stored."""

    mend = "see what is stored, and do it again if it is not: nothing is stored twice"


class StoreGone(StoreError):
    """The database that was opened was removed, or another was put in its place."""

    may_retry = True
    mend = (
        "move the file back, and the bridge goes on by itself; "
        "or stop the bridge, run vpp-bridge restore, and start it"
    )


class StoreLost(StoreGone):
    """There was a database, and nobody has it in use: to make a new one would be to forget all."""

    def __init__(self, path: object, mark: object) -> None:
        """`mark` is the file that says that there was one."""
        super().__init__(f"{path}: the database that was here was removed or emptied")
        self.mend = (
            "move it back, or run vpp-bridge restore with a backup; "
            f"or, to begin anew without all that it knew, remove {mark}"
        )


class NoDatabase(StoreError):
    """There is no database, and who only looks at one, or changes what is stored, makes none."""

    mend = "run vpp-bridge apply first"

    def __init__(self, path: object) -> None:
        super().__init__(f"no database at {path}: {self.mend}")


class SchemaTooNew(StoreError):
    """The database was written by a newer version of the bridge."""

    mend = "start that version, or restore a backup made before it"


class QueryError(BridgeError):
    """A list was asked for in a way that has no answer, such as with a garbled cursor."""


class UnknownName(BridgeError):
    """Something is asked for by a name that nothing here has; the nearest are told."""


class WishError(BridgeError):
    """What is asked for cannot be stored as it is asked for; nothing of it was."""


class ImportRefused(BridgeError):
    """A file of another tool cannot be read as groups and apps; nothing of it was printed."""


class MessageError(BridgeError):
    """Bytes from outside cannot be read; `content` keeps what failed (never logged whole)."""

    def __init__(self, message: str, content: bytes = b"") -> None:
        self.content = content
        super().__init__(message)


class PlistError(MessageError):
    """The bytes are neither an XML nor a binary property list."""


class ShapeError(MessageError):
    """The message is well-formed, but not of the shape that its sender documents."""


class CallError(BridgeError):
    """A call to Apple, an MDM server or a receiver of alerts did not do what was asked.

    `service` is "apple", "mdm" or "alerts", `call` the method and path without query or host
    secrets.
    `retry_after` is the wait in seconds that the other side asked for, if it did. `hitch` is what
    went wrong on the wire (`bridge.clients.hitches.HitchKind`), "" where it was not the wire.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        call: str,
        status: int | None = None,
        retry_after: float | None = None,
        hitch: str = "",
    ) -> None:
        self.service = service
        self.call = call
        self.status = status
        self.retry_after = retry_after
        self.hitch = hitch
        super().__init__(message)


class NotSent(CallError):
    """The request never left: connection refused, name not found, TLS not established."""

    may_retry = True


class TokenUnusable(NotSent):
    """The content token's file is missing or does not hold a content token."""


class TokenOfOtherLibrary(TokenUnusable):
    """The content token is one of another library than the one that its location stands for."""


class OutcomeUnknown(CallError):
    """The request left; no reply, a 5xx without a reason or an unreadable body came back."""


class UnreadableReply(OutcomeUnknown):
    """A success was answered that cannot be read; asked again, it is likely to be the same."""


class Refused(CallError):
    """The other side said no, and did nothing."""


class AppleRefused(Refused):
    """Apple answered with an errorNumber (at whatever HTTP status), or with 429.

    `number` is None only for a 429 or a 4xx without one. `info` is Apple's errorInfo
    (assets, clientUserIds, serialNumbers; each optional).
    Source: Apple, "Handling Error Responses".
    """

    def __init__(
        self,
        message: str,
        *,
        call: str,
        number: int | None,
        info: Mapping[str, object] | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.number = number
        self.info: Mapping[str, object] = info or {}
        super().__init__(
            message, service="apple", call=call, status=status, retry_after=retry_after
        )


class MdmRefused(Refused):
    """The MDM server answered with an error status; `status` says which."""
