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
from bridge.domain.wording import nearest
from bridge.errors import ConfigError

_HIGHEST_ID = 2**63 - 1
_HIGHEST_COUNT = 10**9
_DIGITS = re.compile("[0-9]{1,19}")


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


def _moment(text: str) -> str:
    """How long ago, or a moment, as it is written."""
    try:
        values.since(text, 0.0)
    except ConfigError as error:
        raise msgspec.ValidationError from error
    return text


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
Duration: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[0-9.]{1,12}(ms|s|m|h|d)$"),
    Form("A duration is a number and a unit, like 12h or 90d."),
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
    Meta(pattern=r"^[0-9A-Za-z.:+-]{1,40}$"),
    Form(
        "Write how long ago, like 12h or 7d, or a day or time, like 2026-11-28 or "
        "2026-11-28T18:00:00Z.",
        after=_moment,
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
