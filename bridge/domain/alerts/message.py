"""What a receiver is sent of an alert.

Both forms are a JSON object. `text` is the one that chats take as it is. Sources: Slack, "Sending
messages using incoming webhooks"; Mattermost, "Incoming webhooks"; Google Chat, "Send messages to
Google Chat with incoming webhooks"; Discord, "Execute Slack-Compatible Webhook".
"""

from __future__ import annotations

import json
from typing import Any, Literal

from bridge.domain.alerts.standing import Standing
from bridge.domain.times import rfc3339
from bridge.domain.wording import as_sentence

Form = Literal["json", "text"]
FORMS: tuple[Form, ...] = ("json", "text")

_LONGEST = 2000
"""Characters of a sentence; Discord takes no more."""
_PLAIN = str.maketrans({"<": "\u2039", ">": "\u203a"})
"""In chats `<…>` is a link, or calls everybody; an app's name may hold it."""


def sentence_of(state: str, text: str) -> str:
    """What is so, as a sentence; an all-clear says that it is one."""
    told = as_sentence(text)
    text = f"All clear, it is over: {told}" if state == "resolved" else told
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def body(standing: Standing, form: Form, bridge: str) -> bytes:
    """The JSON for a receiver of this form; `bridge` says which bridge tells it."""
    return encoded(
        form,
        {
            "alert": standing.alert,
            "state": standing.state,
            "since": rfc3339(standing.since),
            "subject": json.loads(standing.subject),
            "sentence": sentence_of(standing.state, standing.sentence),
            "bridge": bridge,
        },
    )


def test_body(form: Form, bridge: str, now: float) -> bytes:
    """What a receiver is sent to see whether it takes alerts; it cannot be taken for one."""
    return encoded(
        form,
        {
            "alert": "test",
            "state": "resolved",
            "since": rfc3339(now),
            "subject": {},
            "sentence": "This is a test of the alerts of vpp-bridge: nothing is wrong.",
            "bridge": bridge,
        },
    )


def encoded(form: Form, told: dict[str, Any]) -> bytes:
    """The bytes of a message in one of the forms."""
    if form == "text":
        told = {"text": told["sentence"].translate(_PLAIN)}
    return json.dumps(told).encode()
