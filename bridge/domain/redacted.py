"""A message's body as people may see it: what may be a secret is left out.

What is stored holds none to begin with (`wire/kept.py` keeps check-ins by allow-list): this is the
last line of defence, by what members are called.
"""

from __future__ import annotations

import re
from typing import Final

LEFT_OUT: Final = "(left out)"

_SECRET = re.compile(
    r"token(?!Update)|secret|passw|passcode|magic|unlock|bootstrap|authori[sz]ation|credential"
    r"|private|(?:^|_)s?key$|[a-z]Key$|invit|cookie",
    re.IGNORECASE,
)


def redacted(value: object) -> object:
    """The same, with another text in place of what stands under a name that speaks of a secret."""
    match value:
        case dict():
            return {
                name: LEFT_OUT if _SECRET.search(str(name)) else redacted(member)
                for name, member in value.items()
            }
        case list():
            return [redacted(each) for each in value]
        case _:
            return value
