"""Forms of values in requests: a type, and the sentence for whoever sends something else.

msgspec checks a value against its type and describes it; a `Form` beside the type says what is done
before and after that, and what a person is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta
from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity

from bridge.config import values
from bridge.domain.wording import as_sentence, nearest
from bridge.errors import ConfigError

_HIGHEST_ID = 2**63 - 1
_HIGHEST_COUNT = 10**9
_DIGITS = re.compile("[0-9]{1,19}")

_PART = r"(\.[0-9]{1,6})?"
_AGO = "|".join(
    (
        rf"([0-2]?[0-9]{{1,4}}|3[0-5][0-9]{{3}}|36[0-4][0-9]{{2}}){_PART}d|36500d",
        rf"[0-9]{{1,5}}{_PART}h",
        rf"[0-9]{{1,7}}{_PART}m",
        rf"[0-9]{{1,9}}{_PART}m?s",
    )
)
"""How long, up to the longest duration there is, 36500d."""
_AN_HOUR = "|".join(
    (
        rf"([1-9][0-9]{{0,3}}|[12][0-9]{{4}}|3[0-5][0-9]{{3}}|36[0-4][0-9]{{2}}){_PART}d|36500d",
        rf"[1-9][0-9]{{0,4}}{_PART}h",
        rf"([6-9][0-9]|[1-9][0-9]{{2,6}}){_PART}m",
        rf"(3[6-9][0-9]{{2}}|[4-9][0-9]{{3}}|[1-9][0-9]{{4,8}}){_PART}s",
    )
)
"""The same from an hour on."""
_DAY = "|".join(
    (
        "[1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
        "|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)",
        "([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29",
    )
)
"""A day that there is, by the calendar."""
_TIME = (
    rf"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]{_PART})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Form:
    """`says` is the sentence for a wrong value, or makes it; `before` and `after` convert it."""

    says: str | Callable[[Any], str]
    before: Callable[[Any], Any] = _as_it_is
    after: Callable[[Any], Any] = _as_it_is
    error: type[HTTPException] = UnprocessableEntity

    def read(self, value: Any, wanted: Any) -> Any:
        """The value as one of the type `wanted`; raises the HTTP error to answer."""
        value = self.before(value)
        try:
            if isinstance(value, str) and value.endswith("\n"):
                raise msgspec.ValidationError  # the `$` of a pattern would let it pass
            return self.after(msgspec.convert(value, wanted))
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair
            says = self.says if isinstance(self.says, str) else self.says(value)
            raise self.error(says) from error


def words(name: str, known: Any, *, upper: bool = False) -> Form:
    """One word of the type `known`, else the sentence has the nearest, or all if they are few."""

    def before(value: Any) -> Any:
        return value.upper() if upper and isinstance(value, str) else value

    def says(value: Any) -> str:
        word = value if isinstance(value, str) else ""
        return f"The {name} {word[:64]!r} is unknown{nearest(word, get_args(known))}."

    return Form(says, before)


def _number(text: Any) -> Any:
    """A number that is written in digits, in a path or a query."""
    return int(text) if _DIGITS.fullmatch(text) else text


def _truth(text: Any) -> Any:
    return text == "true" if text in ("true", "false") else text


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _in_utf8(text: str) -> str:
    """A text that has no half of a surrogate pair."""
    text.encode()
    return text


def _not_so_long(value: Any) -> str:
    """What is wrong with a time for which somebody was silent."""
    text = value if isinstance(value, str) else ""
    try:
        values.patience(text)
    except ConfigError as error:
        if text[:1].isdigit() and text[-1:].isalpha():
            return as_sentence(f"silent {error.mistakes[0]}")
    return "A duration is a number and a unit, like 12h or 90d."


Serial: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^([A-Za-z0-9-]{1,64}|user:[A-Za-z0-9._~@+:=!$*()-]{1,100})$"),
    Form(
        "A serial number or an enrolment id is 1 to 64 letters, digits and hyphens; or write user: "
        "and a clientUserId."
    ),
]
AdamId: TypeAlias = Annotated[
    str, Meta(pattern="^[0-9]{1,19}$"), Form("An adam id is 1 to 19 digits, as text.")
]
Serials: TypeAlias = Annotated[
    list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]],
    Form(
        "Write a list of serial numbers or enrolment ids there, each 1 to 64 letters, digits and "
        "hyphens."
    ),
]
AdamIds: TypeAlias = Annotated[
    list[Annotated[str, Meta(pattern="^[0-9]{1,19}$")]],
    Form("Write a list of adam ids there, each 1 to 19 digits, as text."),
]
Silence: TypeAlias = Annotated[
    str, Meta(pattern=f"^({_AN_HOUR})$", examples=["12h", "90d"]), Form(_not_so_long)
]
Name: TypeAlias = Annotated[
    str,
    Meta(pattern="^[a-z0-9-]+$"),
    Form("A name is made of small letters, digits and hyphens."),
]
Scope: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9.:\[\]_#-]{1,300}$"),
    Form("Write the name of a location or server, or the host of a receiver of alerts."),
]
ClientUserId: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[\x21-\x7e]{1,100}$"),
    Form("A clientUserId is 1 to 100 letters, digits and signs of ASCII."),
]
Topic: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[\x21-\x7e]{1,128}$"),
    Form("A topic is a word like mdm.Connect or ASSET_COUNT."),
]
RequestType: TypeAlias = Annotated[
    str,
    Meta(pattern="^[A-Za-z]{1,64}$"),
    Form("A request type is a word like InstallApplication."),
]
CallKind: TypeAlias = Annotated[
    str, Meta(pattern="^[a-z_]{1,64}$"), Form("A kind of call is a word like read_assets.")
]
Who: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[\x21-\x7e]{1,128}$"),
    Form("Write the name of a key or of a local user, or bridge."),
]
Since: TypeAlias = Annotated[
    str,
    Meta(
        pattern=f"^({_AGO}|({_DAY})({_TIME})?)$",
        examples=["12h", "7d", "2026-11-28", "2026-11-28T18:00:00Z"],
    ),
    Form(
        "Write how long ago, like 12h or 7d, or a day or time, like 2026-11-28 or "
        "2026-11-28T18:00:00Z."
    ),
]
MdmName: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=500),
    Form("Write the other MDM's name as text of at most 500 characters.", after=_in_utf8),
]
Cursor: TypeAlias = Annotated[
    str,
    Meta(pattern="^[A-Za-z0-9_-]{1,2048}$"),
    Form("The cursor is garbled: use next_cursor as it was given.", error=BadRequest),
]
Limit: TypeAlias = Annotated[
    int, Meta(ge=1, le=1000), Form("The limit must be a number from 1 to 1000.", _number)
]
Id: TypeAlias = Annotated[
    int,
    Meta(ge=1, le=_HIGHEST_ID),
    Form(f"The id must be a number from 1 to {_HIGHEST_ID}.", _number),
]
Flag: TypeAlias = Annotated[bool, Form("A yes or no is written true or false.", _truth)]
"""A yes or no in the query."""
YesOrNo: TypeAlias = Annotated[bool, Form("A yes or no is true or false, without quotes.")]
"""A yes or no in a body."""
OnlyTrue: TypeAlias = Annotated[
    Literal[True], Form("Here only true makes sense; otherwise leave the key out.")
]
Count: TypeAlias = Annotated[
    int,
    Meta(ge=0, le=_HIGHEST_COUNT),
    Form(f"A count is a whole number from 0 to {_HIGHEST_COUNT}.", _whole),
]
Groups: TypeAlias = Annotated[
    dict[str, Any],
    Meta(extra_json_schema={"additionalProperties": {"type": "object"}}),
    Form('Write an object there, as {"NAME": {…}}.'),
]
Users: TypeAlias = Annotated[
    list[Any],
    Meta(extra_json_schema={"items": {"type": "object"}}),
    Form("Write a list there, as [{…}]."),
]
Apps: TypeAlias = Annotated[
    list[Any],
    Meta(extra_json_schema={"items": {"type": "object"}}),
    Form("Write a list there, as [{…}]."),
]
